"""The example: import the airports of the world, watched live."""
