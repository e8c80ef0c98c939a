"""What carries the progress of runs to where it is shown and saved.

The threaded pump is one daemon thread for all runs of a process. The inline pump does the same
work in the caller's thread, for the eager runner and for tests, where a second database
connection would not see the data.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from django.db import connections

from liveops.conf import get_settings
from liveops.progress.bridge import call_at_home
from liveops.progress.threaded_pump import POLL_SECONDS, ThreadedPump

if TYPE_CHECKING:
    from liveops.progress.serving import ServedRun as Run

__all__ = ["threaded_pump"]


class Pump(Protocol):
    """Serves runs between :meth:`add` and :meth:`remove`.

    Attributes:
        own_connection: whether :meth:`call` works on a database connection of the pump's own.
    """

    own_connection: bool

    def add(self, run: "Run") -> None:
        """Begin to serve a run."""

    def remove(self, run: "Run") -> None:
        """Stop serving a run."""

    def wake(self, run: "Run") -> None:
        """Note that a run has something to show; called from the user's loop."""

    def call(self, function: Callable[[], None]) -> None:
        """Call a function on the pump's connection and wait for it."""

    def pulse(self, run: "Run") -> None:
        """Do what is due; called again and again by user code that waits."""


class InlinePump:
    """Flushes in the thread of the caller, whenever the throttle allows.

    Args:
        clock: seconds, monotonic; a test passes its own.
        bell: rings at each tick so that a ``track()`` loop need not look at the clock; a
            test rings by hand instead.
    """

    own_connection = False

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, bell: "Bell | None" = None
    ) -> None:
        self._clock = clock
        self._bell = bell
        self._next_poll = 0.0

    def add(self, run: "Run") -> None:
        """Begin to serve a run."""
        if self._bell is not None:
            self._bell.add(run)

    def remove(self, run: "Run") -> None:
        """Stop serving a run."""
        if self._bell is not None:
            self._bell.remove(run)

    def wake(self, run: "Run") -> None:
        """Flush now if a frame is due."""
        now = self._clock()
        if run.throttle.due(now):
            run.flush()
            if not run.throttle.due(now):
                run.throttle.mark(self._clock())  # one that took long is not due again at once
            self._poll(run, now)

    def call(self, function: Callable[[], None]) -> None:
        """Call the function here."""
        function()

    def pulse(self, run: "Run") -> None:
        """Flush and look at the flags now, if that is due."""
        now = self._clock()
        if run.throttle.due(now):
            run.flush_due()
        self._poll(run, now)

    def _poll(self, run: "Run", now: float) -> None:
        if now >= self._next_poll:
            self._next_poll = now + POLL_SECONDS
            call_at_home(run.look_at_flags)


class Bell:
    """A daemon thread that sets the alarm of inline runs at a fixed rate, and does nothing else."""

    def __init__(self) -> None:
        self._runs: set[Run] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, run: "Run") -> None:
        """Ring for a run from now on."""
        with self._lock:
            self._runs.add(run)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._ring, name="liveops-bell", daemon=True)
                self._thread.start()

    def remove(self, run: "Run") -> None:
        """Ring no more for a run; the thread ends with the last one."""
        with self._lock:
            self._runs.discard(run)

    def _ring(self) -> None:
        interval = 1.0 / get_settings().THROTTLE_HZ
        pause = threading.Event()
        while True:
            with self._lock:
                if not self._runs:
                    self._thread = None
                    return
                for run in self._runs:
                    run.state.alarm = True
            pause.wait(interval)


_threaded = ThreadedPump()
_bell = Bell()


def threaded_pump() -> ThreadedPump:
    """Return the pump of this process."""
    return _threaded


def inline_pump() -> InlinePump:
    """Return an inline pump that is rung by the clock."""
    return InlinePump(bell=_bell)


def suitable_pump(alias: str) -> Pump:
    """Return the threaded pump, or an inline one where a second connection would see nothing.

    That is so inside an open transaction, as in most tests, and with a database in memory.
    """
    connection = connections[alias]
    asks_memory = getattr(connection, "is_in_memory_db", None)  # only SQLite's connections can tell
    in_memory = asks_memory is not None and asks_memory()
    return inline_pump() if connection.in_atomic_block or in_memory else threaded_pump()


def _after_fork() -> None:
    # Threads do not survive a fork; their runs belong to the parent.
    global _threaded, _bell  # noqa: PLW0603
    _threaded = ThreadedPump()
    _bell = Bell()


os.register_at_fork(after_in_child=_after_fork)
