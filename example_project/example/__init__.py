"""The example project: settings, URLs and the ASGI application."""
