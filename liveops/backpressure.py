"""Whether the server still holds what a slow reader has not taken.

uvicorn and granian let whoever sends wait until the reader has taken most of what was sent before.
Daphne takes everything at once and keeps it in memory, without a bound, until its pings have gone
unanswered for long enough. But its connection knows when more than 64 KiB wait in it.
"""

from collections.abc import Callable
from typing import Any


def fullness(send: Any) -> Callable[[], bool] | None:
    """Return what tells whether a server holds more for a socket than it should be given.

    Args:
        send: what the server gave the application to send with, or what a middleware made of it.

    Returns:
        A function without arguments; None for a server that lets senders wait by itself.
    """
    transport: Any = getattr(_protocol(send), "transport", None)
    if not hasattr(transport, "producerPaused"):
        return None
    return lambda: bool(transport.producerPaused)


def _protocol(send: Any) -> Any:
    """Return Daphne's end of the connection: its ``send`` is a method with that as an argument."""
    while (inner := getattr(getattr(send, "__self__", None), "real_send", None)) is not None:
        send = inner  # SessionMiddleware of Channels puts its own method around it
    return next(iter(getattr(send, "args", ())), None)
