"""One membership a process: frames arrive once and are handed to every socket that watches.

A socket joins a group before its snapshot is read, so that nothing falls between the two; frames
that arrive meanwhile wait, and those that the snapshot includes are dropped.

Frames are hints, the database is the truth: operations that have been silent for two seconds are
looked up, all in one query, and who is behind gets a snapshot. So a page also follows a run whose
frames never reach this process (one in a terminal, say, without a layer that joins processes), and
what was lost on the way is made up for.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import DatabaseError

from liveops import store

logger = logging.getLogger("liveops")

PREFIX = "liveop."
"""What the name of an operation's group begins with; its id follows."""

_LONGEST_RENEWAL = 3_600.0
_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 2.0


class Watcher(Protocol):
    """A socket, as the hub knows it."""

    def deliver(self, message: dict[str, Any]) -> None:
        """Take a message of the operation's group; must not block."""

    def compare(self, op: str, seq: int, state: str) -> None:
        """Take what the database says of an operation; must not block."""


class Hub:
    """The groups that one event loop of this process listens to, and who watches what."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[Watcher]] = {}
        self._joined: dict[str, float] = {}
        self._channel: str | None = None
        self._listener: asyncio.Task[None] | None = None
        self._looker: asyncio.Task[None] | None = None
        self._heard: dict[str, float] = {}
        self._lock = asyncio.Lock()

    async def join(self, group: str, watcher: Watcher) -> None:
        """Hand the messages of a group to a watcher from now on."""
        async with self._lock:
            self._watchers.setdefault(group, set()).add(watcher)
            self._heard.setdefault(group, time.monotonic())
            if self._looker is None or self._looker.done():
                self._looker = asyncio.create_task(self._look())
            layer = get_channel_layer()
            if layer is None:
                return
            if self._channel is None:
                self._channel = await layer.new_channel()
            if self._listener is None or self._listener.done():
                self._listener = asyncio.create_task(self._listen(self._channel))
            if group not in self._joined:
                await layer.group_add(group, self._channel)
                self._joined[group] = time.monotonic()

    async def leave(self, group: str, watcher: Watcher) -> None:
        """Hand no more messages of a group to a watcher."""
        async with self._lock:
            watchers = self._watchers.get(group, set())
            watchers.discard(watcher)
            if watchers:
                return
            self._watchers.pop(group, None)
            self._heard.pop(group, None)
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
            group = f"{PREFIX}{message.get('op')}"
            if group in self._heard:
                self._heard[group] = time.monotonic()
            for watcher in tuple(self._watchers.get(group, ())):
                self._guarded(watcher.deliver, message)

    async def _look(self) -> None:
        while self._watchers:
            await asyncio.sleep(_LOOK_SECONDS)
            await self._renew()
            silent_since = time.monotonic() - _LOOK_SECONDS
            silent = [
                group.removeprefix(PREFIX)
                for group, heard in self._heard.items()
                if heard <= silent_since
            ]
            try:
                marks = await database_sync_to_async(store.marks)(silent) if silent else {}
            except DatabaseError as error:
                logger.debug("liveops: silent operations are looked up later (%s)", error)
                continue
            for op, (seq, state) in marks.items():
                for watcher in tuple(self._watchers.get(f"{PREFIX}{op}", ())):
                    self._guarded(watcher.compare, op, seq, state)

    async def _renew(self) -> None:
        # Layers forget a membership after a day, or after what they are told to.
        layer = get_channel_layer()
        expiry = float(getattr(layer, "group_expiry", _LONGEST_RENEWAL))
        renew_before = time.monotonic() - min(expiry / 3, _LONGEST_RENEWAL)
        for group, joined in list(self._joined.items()):
            if joined > renew_before or layer is None or self._channel is None:
                continue
            try:
                await layer.group_add(group, self._channel)
            except Exception:
                logger.exception("liveops: a group could not be joined again; trying again")
            else:
                if group in self._joined:
                    self._joined[group] = time.monotonic()

    @staticmethod
    def _guarded(function: Callable[..., None], *arguments: Any) -> None:
        # One socket's trouble must not end the task that serves all the others.
        try:
            function(*arguments)
        except Exception:
            logger.exception("liveops: a socket could not be served")


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def current_hub() -> Hub:
    """Return the hub of the running event loop; a server process has one loop."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
    return hub
