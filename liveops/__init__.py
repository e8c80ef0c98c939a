"""Run long operations in Django, live in the browser and in the terminal."""

__version__ = "0.1.0"
