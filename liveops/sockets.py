"""The open sockets of an event loop: how many a user has, how idle they are, and how slow.

One task looks after all of them. It ends what watches nothing and who reads nothing, and sees to it
that everybody is asked for permission again (:mod:`liveops.rechecks`).
"""

import asyncio
import logging
import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Protocol
from weakref import WeakKeyDictionary

from liveops.conf import get_settings
from liveops.hub import current_hub
from liveops.outbox import Outbox
from liveops.protocol import NOTHING_WATCHED, SLOW_READER
from liveops.rechecks import Member, Rechecks

logger = logging.getLogger("liveops")

_LONGEST_TICK = 1.0
_TICKS = 5  # in the shortest of the times that are kept an eye on
_SLOWEST = 32_768  # characters a second: a long text is waited for longer


class Socket(Member, Protocol):
    """An open socket, as it is known here."""

    @property
    @abstractmethod
    def outbox(self) -> Outbox:
        """What waits to be sent."""

    @property
    @abstractmethod
    def is_watching(self) -> bool:
        """Whether it watches anything, or has asked for something."""


class _Seat:
    """Since when a socket has watched nothing, and since when its reader has taken nothing."""

    __slots__ = ("idle_since", "stuck_since", "taken")

    def __init__(self, now: float) -> None:
        self.idle_since: float | None = now
        self.stuck_since: float | None = None
        self.taken = 0


class Sockets:
    """All sockets that one event loop serves.

    Args:
        rechecks: asks for them again.
        clock: the seconds of now.
    """

    def __init__(self, rechecks: Rechecks, clock: Callable[[], float] = time.monotonic) -> None:
        self.rechecks = rechecks
        self._clock = clock
        self._seats: dict[Socket, _Seat] = {}
        self._wakeup = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._seats)

    def add(self, socket: Socket) -> bool:
        """Look after a socket from now on, unless its user has too many; return whether it is."""
        user_pk, most = socket.identity.user_pk, get_settings().MAX_SOCKETS_PER_USER
        if user_pk and most and self.rechecks.number_of(user_pk) >= most:
            return False
        self._seats[socket] = _Seat(self._clock())
        self.rechecks.add(socket)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_after())
        return True

    def remove(self, socket: Socket) -> None:
        """Look after a socket no longer."""
        self.rechecks.remove(socket)
        if self._seats.pop(socket, None) is not None and not self._seats:
            self._wakeup.set()

    async def _look_after(self) -> None:
        while self._seats:
            self._wakeup.clear()
            self.look()
            try:
                async with asyncio.timeout(_tick()):
                    await self._wakeup.wait()
            except TimeoutError:
                continue

    def look(self) -> None:
        """Look at all of them once."""
        now = self._clock()
        for socket, seat in list(self._seats.items()):
            self._look_for_idleness(socket, seat, now)
            self._look_for_slowness(socket, seat, now)
        self.rechecks.tend()

    def _look_for_idleness(self, socket: Socket, seat: _Seat, now: float) -> None:
        if socket.is_watching:
            seat.idle_since = None
        elif seat.idle_since is None:
            seat.idle_since = now
        elif now - seat.idle_since >= get_settings().SUBSCRIBE_SECONDS:
            socket.end(NOTHING_WATCHED)

    def _look_for_slowness(self, socket: Socket, seat: _Seat, now: float) -> None:
        outbox = socket.outbox
        if not outbox.under_way:
            seat.stuck_since = None
            return
        if seat.stuck_since is None or seat.taken != outbox.taken:
            seat.stuck_since, seat.taken = now, outbox.taken
        patience = get_settings().SLOW_READER_SECONDS + outbox.under_way / _SLOWEST
        if now - seat.stuck_since >= patience:
            waits = outbox.under_way + outbox.size
            logger.info(
                "liveops: a socket is closed whose reader has taken nothing for %d seconds, while "
                "%d characters wait",
                now - seat.stuck_since,
                waits,
            )
            socket.end(SLOW_READER)


def _tick() -> float:
    """Return the seconds between two looks."""
    settings = get_settings()
    shortest = min(
        settings.SUBSCRIBE_SECONDS, settings.SLOW_READER_SECONDS, settings.RECHECK_SECONDS
    )
    return min(_LONGEST_TICK, shortest / _TICKS)


_all: "WeakKeyDictionary[asyncio.AbstractEventLoop, Sockets]" = WeakKeyDictionary()


def current_sockets() -> Sockets:
    """Return the sockets of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _all.get(loop)
    if found is None:
        found = _all[loop] = Sockets(Rechecks(current_hub()))
    return found
