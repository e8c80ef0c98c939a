"""Frames of the channel layer as hints that there is something new to read.

What they say is HTML for pages; a terminal reads the database. They only tell when it is worth it.
"""

import asyncio
import threading
from typing import Any, Self

from channels.layers import InMemoryChannelLayer as ShippedLayer

from liveops.layers import InMemoryChannelLayer, channel_layer
from liveops.membership import Membership

_TEND_SECONDS = 2.0
_STOP_SECONDS = 5.0


class Hints:
    """A thread that listens to the group of one operation; as a context manager it ends.

    Without a channel layer that joins processes there is nothing to listen to. One that is away is
    told of once in the log, and joined again when it is back.

    Args:
        wanted: whether to listen at all.
    """

    def __init__(self, *, wanted: bool = True) -> None:
        self._is_wanted = wanted
        self._heard = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._is_over = False
        self._group = ""
        self._thread: threading.Thread | None = None

    @property
    def are_heard(self) -> bool:
        """Whether there is a layer to listen to."""
        return self._thread is not None

    def __enter__(self) -> Self:
        layer = channel_layer() if self._is_wanted else None
        if layer is not None and not isinstance(layer, InMemoryChannelLayer | ShippedLayer):
            self._thread = threading.Thread(
                target=lambda: asyncio.run(self._listen()), name="liveops-hints", daemon=True
            )
            self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._is_over = True
        self._change()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def follow(self, group: str) -> None:
        """Listen to another group from now on."""
        self._group = group
        self._change()

    def wait(self, seconds: float) -> bool:
        """Wait for a frame, at most so long; return whether there was one."""
        was_heard = self._heard.wait(seconds)
        self._heard.clear()
        return was_heard

    def _change(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    async def _listen(self) -> None:
        self._loop = asyncio.get_running_loop()
        membership = Membership(self._take, lambda _: self._heard.set())
        joined = ""
        while not self._is_over:
            if joined != self._group:
                joined = await self._join(membership, joined)
            try:
                async with asyncio.timeout(_TEND_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                await membership.tend()
            self._changed.clear()
        if joined:
            await membership.leave(joined)

    async def _join(self, membership: Membership, before: str) -> str:
        group = self._group
        if before:
            await membership.leave(before)
        await membership.join(group)
        self._heard.set()  # what was sent before is to be read now
        return group

    def _take(self, message: dict[str, Any]) -> None:
        self._heard.set()
