"""The other example: an operation made of stage methods that run real commands."""
