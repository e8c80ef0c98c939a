"""One membership a process: frames arrive once and are handed to every socket that watches.

A socket joins a group before its snapshot is read, so that nothing falls between the two; frames
that arrive meanwhile wait, and those that the snapshot includes are dropped.
"""

import asyncio
import logging
import time
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer

logger = logging.getLogger("liveops")

_RENEW_SECONDS = 3_600.0
_RETRY_SECONDS = 1.0


class Watcher(Protocol):
    """A socket, as the hub knows it."""

    def deliver(self, message: dict[str, Any]) -> None:
        """Take a message of the operation's group; must not block."""


class Hub:
    """The groups that one event loop of this process listens to, and who watches what."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[Watcher]] = {}
        self._joined: dict[str, float] = {}
        self._channel: str | None = None
        self._listener: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def join(self, group: str, watcher: Watcher) -> None:
        """Hand the messages of a group to a watcher from now on."""
        async with self._lock:
            self._watchers.setdefault(group, set()).add(watcher)
            layer = get_channel_layer()
            if layer is None:
                return
            if self._channel is None:
                self._channel = await layer.new_channel()
            if self._listener is None or self._listener.done():
                self._listener = asyncio.create_task(self._listen(self._channel))
            now = time.monotonic()
            if now - self._joined.get(group, -_RENEW_SECONDS) >= _RENEW_SECONDS:
                await layer.group_add(group, self._channel)
                self._joined[group] = now

    async def leave(self, group: str, watcher: Watcher) -> None:
        """Hand no more messages of a group to a watcher."""
        async with self._lock:
            watchers = self._watchers.get(group, set())
            watchers.discard(watcher)
            if watchers:
                return
            self._watchers.pop(group, None)
            layer = get_channel_layer()
            if self._joined.pop(group, None) is not None and layer is not None and self._channel:
                await layer.group_discard(group, self._channel)

    async def _listen(self, channel: str) -> None:
        failing = False
        while True:
            layer = get_channel_layer()
            if layer is None:
                return
            try:
                message = await layer.receive(channel)
            except Exception:
                if not failing:
                    logger.exception("liveops: cannot receive from the channel layer; retrying")
                failing = True
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            failing = False
            for watcher in tuple(self._watchers.get(f"liveop.{message.get('op')}", ())):
                self._hand_over(watcher, message)

    @staticmethod
    def _hand_over(watcher: Watcher, message: dict[str, Any]) -> None:
        # One socket's trouble must not end the task that serves all the others.
        try:
            watcher.deliver(message)
        except Exception:
            logger.exception("liveops: a socket could not take a frame")


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def current_hub() -> Hub:
    """Return the hub of the running event loop; a server process has one loop."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
    return hub
