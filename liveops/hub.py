"""One membership a process: frames arrive once and are handed to every socket that watches.

A socket joins a group before its snapshot is read, so that nothing falls between the two; frames
that arrive meanwhile wait, and those that the snapshot includes are dropped.

Frames are hints, the database is the truth: operations that have been silent for two seconds are
looked up, all in one query, and who is behind gets a snapshot. So a page also follows a run whose
frames never reach this process (one in a terminal, say, without a layer that joins processes), and
what was lost on the way is made up for.

While anybody watches, dead runs are looked for too, so that no page shows for ever as running what
has died, whether or not there is another process that reaps.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.db import DatabaseError

from liveops import conf, store
from liveops.membership import Membership
from liveops.pacing import Pacer
from liveops.reaping_thread import Watchman

logger = logging.getLogger("liveops")

PREFIX = "liveop."
"""What the name of an operation's group begins with; its id follows."""

_LOOK_SECONDS = 2.0
_BEYOND_ALL = 2**63  # higher than the number of any frame


class Watcher(Protocol):
    """A socket, as the hub knows it."""

    def deliver(self, message: dict[str, Any]) -> None:
        """Take a message of the operation's group; must not block."""

    def compare(self, op: str, seq: int, state: str) -> None:
        """Take what the database says of an operation; must not block."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears a group that is about no single operation.

    Attributes:
        take: is called with each message; must not block, nor raise.
        missed: is called when messages may have been missed.
    """

    take: Callable[[dict[str, Any]], None]
    missed: Callable[[], None]


def _deliver(watcher: Watcher, message: dict[str, Any]) -> None:
    try:
        watcher.deliver(message)
    except Exception:
        # One socket's trouble must not end the task that serves all the others.
        logger.exception("liveops: a socket could not be served")


class Hub:
    """The groups that one event loop of this process listens to, and who watches what."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[Watcher]] = {}
        self._listeners: dict[str, Listener] = {}
        self._membership = Membership(self._take, self._missed)
        self._pacer = Pacer(lambda group: self._watchers.get(group, ()), _deliver)
        self._numbers: dict[str, int] = {}  # of the last frame of each group
        self._looker: asyncio.Task[None] | None = None
        self._heard: dict[str, float] = {}
        self._versions: dict[str, int] = {}
        self._next_version = count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        # What the eager runner is handed it carries out at once, which is not for this place.
        self._watchman = Watchman(hands_over=conf.runner_path() != conf.RUNNERS["eager"])
        self._next_reaping = 0.0
        self._lock = asyncio.Lock()

    async def join(self, group: str, watcher: Watcher) -> None:
        """Hand the messages of a group to a watcher from now on.

        Whoever is cancelled while this is awaited has to leave, too.
        """
        self._watchers.setdefault(group, set()).add(watcher)
        if group not in self._heard:
            self._heard[group] = time.monotonic()
            self._change(group)
        await self._hear(group)

    async def leave(self, group: str, watcher: Watcher) -> None:
        """Hand no more messages of a group to a watcher; at once, even if this is cancelled."""
        watchers = self._watchers.get(group, set())
        watchers.discard(watcher)
        if not watchers:
            await asyncio.shield(self.run(self._leave(group)))

    async def listen(self, group: str, listener: Listener) -> None:
        """Hand the messages of a group that is about no single operation to somebody."""
        self._listeners[group] = listener
        await self._hear(group)

    def listens(self, group: str) -> bool:
        """Return whether anybody is handed the messages of such a group."""
        return group in self._listeners

    async def ignore(self, group: str) -> None:
        """Hand the messages of such a group to nobody any more."""
        self._listeners.pop(group, None)
        await asyncio.shield(self.run(self._leave(group)))

    def watchers_of(self, group: str) -> Collection[Watcher]:
        """Return who watches an operation."""
        return self._watchers.get(group, ())

    async def _hear(self, group: str) -> None:
        if self._looker is None or self._looker.done():
            self._looker = asyncio.create_task(self._look())
        if not self._membership.has(group):
            # Half a joining would be known to nobody, and others may wait for the same.
            await asyncio.shield(self.run(self._join(group)))

    def run(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have something done that does not end with the socket it is done for."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def version(self, group: str) -> int | None:
        """Return a number that is another one as soon as anything new is known of an operation.

        What was read while it had a number is as good as read anew while it has that number still:
        nothing was heard since, and what comes is heard by whoever has joined. None if the layer
        cannot be relied upon for that.
        """
        return self._versions.get(group) if self._membership.is_sure_of(group) else None

    def note_snapshot(self, group: str, seq: int) -> None:
        """Note that a watcher has all up to a frame, whether or not that was heard here."""
        if group in self._heard:
            self._numbers[group] = max(self._numbers.get(group, 0), seq)

    async def _join(self, group: str) -> None:
        async with self._lock:
            if group in self._watchers or group in self._listeners:
                await self._membership.join(group)

    async def _leave(self, group: str) -> None:
        async with self._lock:
            if self._watchers.get(group) or group in self._listeners:
                return  # somebody has come meanwhile
            for known in (self._watchers, self._heard, self._numbers, self._versions):
                known.pop(group, None)
            await self._membership.leave(group)

    def _change(self, group: str) -> None:
        self._versions[group] = next(self._next_version)

    def _take(self, message: dict[str, Any]) -> None:
        """Hand a message of the layer to those who watch its operation."""
        op = message.get("op")
        if op is None:
            listener = self._listeners.get(message.get("type", ""))
            if listener is not None:
                listener.take(message)
            return
        group = f"{PREFIX}{op}"
        if self._membership.doubts(group):
            return
        if group in self._heard:
            self._heard[group] = time.monotonic()
            self._numbers[group] = max(self._numbers.get(group, 0), message.get("seq", 0))
            self._change(group)
        self._pacer.put(group, message)

    def _note_number(self, group: str, seq: int) -> bool:
        """Take the number of the last saved frame of a group; return whether it was not heard."""
        if group not in self._heard or seq <= self._numbers.setdefault(group, seq):
            return False
        # The layer may have forgotten who is in the group.
        self._numbers[group] = seq
        self._change(group)
        self._membership.doubt(group)
        return True

    def _missed(self, group: str) -> None:
        """Have those who watch an operation sent a snapshot, whatever they have heard of it."""
        if group in self._listeners:
            self._listeners[group].missed()
            return
        if group in self._heard:
            self._change(group)
        self._compare(group.removeprefix(PREFIX), _BEYOND_ALL, "")

    async def _look(self) -> None:
        while self._watchers or self._listeners:
            if self._watchers:
                await self._reap()
            await asyncio.sleep(_LOOK_SECONDS)
            await self._membership.tend()
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
            missed = [self._note_number(f"{PREFIX}{op}", seq) for op, (seq, _) in marks.items()]
            if any(missed):
                await self._membership.tend()  # at once: until then nothing is heard of them
            for op, (seq, state) in marks.items():
                self._compare(op, seq, state)
        self._watchman.pause()

    async def _reap(self) -> None:
        # On the thread that serves views: one of its own would be a thread that a site's tests do
        # not know of, and that reads their database.
        if conf.get_settings().REAP_SECONDS and time.monotonic() >= self._next_reaping:
            pause = await database_sync_to_async(self._watchman.step)()
            self._next_reaping = time.monotonic() + pause

    def _compare(self, op: str, seq: int, state: str) -> None:
        for watcher in tuple(self._watchers.get(f"{PREFIX}{op}", ())):
            try:
                watcher.compare(op, seq, state)
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
