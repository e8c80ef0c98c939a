"""Sending to the channel layer from the very thread that has something to send.

That is one wake-up less than by way of the sender's thread, which a watcher notices where there are
few. The thread waits meanwhile, so a layer that answers slowly is left alone for a while, and so is
one that may need its event loop all the time.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from liveops.layers import InMemoryChannelLayer, channel_layer

logger = logging.getLogger("liveops")

_LONGEST_WAIT = 0.05
_SLOW_SECONDS = 0.005
_REST = 20  # times what a slow answer took
_LONGEST_REST = 1.0
_LIBRARY = "channels_redis"


class DirectSender:
    """Sends for one thread, over an event loop that turns only while it sends.

    Args:
        clock: seconds, monotonic; a test passes its own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rest_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether connections may be open."""
        return self._loop is not None

    def send(self, group: str, message: dict[str, Any]) -> bool:
        """Send a message to a group, and wait for the layer.

        Returns:
            Whether the layer has taken it. Where that is not known in time it may have.
        """
        began, layer = self._clock(), channel_layer()
        if began < self._rest_until or not _needs_no_steady_loop(layer):
            return False
        self._loop = self._loop or asyncio.new_event_loop()
        try:
            self._loop.run_until_complete(_send_in_time(layer, group, message))
        except Exception as error:
            # The sender tells of it, if it fails there, too.
            logger.debug("liveops: a frame is left to the sender", exc_info=error)
            is_sent = False
        else:
            is_sent = True
        ended = self._clock()
        took = ended - began
        if not is_sent:
            self._rest_until = ended + _LONGEST_REST
        elif took > _SLOW_SECONDS:  # once by chance, or each time
            self._rest_until = ended + min(took * _REST, _LONGEST_REST)
        return is_sent

    def close(self) -> None:
        """Close the connections, in the thread that has sent; the next message opens others."""
        if self._loop is not None:
            loop, self._loop = self._loop, None
            try:
                loop.close()  # channels_redis has its connections closed by this
            except Exception:
                logger.exception("liveops: a connection to the channel layer could not be closed")


async def _send_in_time(layer: Any, group: str, message: dict[str, Any]) -> None:
    async with asyncio.timeout(_LONGEST_WAIT):
        await layer.group_send(group, message)


def _needs_no_steady_loop(layer: Any) -> bool:
    """Return whether a layer does nothing by itself between two messages, as far as is known."""
    return isinstance(layer, InMemoryChannelLayer) or any(
        base.__module__.partition(".")[0] == _LIBRARY for base in type(layer).__mro__
    )


_here = threading.local()


def send_directly(through: DirectSender | None) -> None:
    """Have what this thread hands to a sender go out through this from now on, or not any more."""
    _here.direct = through


def direct_sender() -> DirectSender | None:
    """Return what this thread sends through, if it does so itself."""
    found: DirectSender | None = getattr(_here, "direct", None)
    return found
