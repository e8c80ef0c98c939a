"""What carries the progress of runs to where it is shown and saved.

The threaded pump is one daemon thread for all runs of a process. The inline pump does the same
work in the caller's thread, for the eager runner and for tests, where a second database
connection would not see the data.
"""

import logging
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

from django.db import connections

from liveops import lock_waits, outages, store
from liveops.conf import get_settings
from liveops.progress.bridge import call_at_home

if TYPE_CHECKING:
    from liveops.progress.serving import ServedRun as Run

logger = logging.getLogger("liveops")

POLL_SECONDS = 1.0
"""Time between two looks at the cancel flags and fences of the runs of a process."""


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


class ThreadedPump:
    """One daemon thread that serves all runs of the process over one connection a database."""

    own_connection = True

    def __init__(self) -> None:
        self._runs: dict[uuid.UUID, Run] = {}
        self._calls: deque[tuple[Callable[[], None], Future[None]]] = deque()
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._thread: threading.Thread | None = None
        self._next_poll = 0.0

    def add(self, run: "Run") -> None:
        """Begin to serve a run."""
        with self._lock:
            self._runs[run.run_id] = run
        self._ensure_thread()
        self._event.set()

    def remove(self, run: "Run") -> None:
        """Stop serving a run."""
        with self._lock:
            self._runs.pop(run.run_id, None)
        self._event.set()

    def wake(self, run: "Run") -> None:
        """Wake the thread; once for all changes until the next flush."""
        run.state.announced = True
        self._event.set()

    def call(self, function: Callable[[], None]) -> None:
        """Call a function in the pump's thread and wait for it."""
        future: Future[None] = Future()
        self._calls.append((function, future))
        self._ensure_thread()
        self._event.set()
        future.result()

    def pulse(self, run: "Run") -> None:
        """Do nothing: the thread does it anyhow."""

    def _ensure_thread(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._loop, name="liveops-pump", daemon=True)
                self._thread.start()

    def _loop(self) -> None:
        while True:
            self._event.wait(self._pause(time.monotonic()))
            self._event.clear()
            self._answer_calls()
            with self._lock:
                runs = list(self._runs.values())
            for run in runs:
                self._guarded(run.serve, time.monotonic())
            self._guarded(self._poll, runs, time.monotonic())
            if not runs:
                connections.close_all()
                for alias in connections:
                    outages.database(alias).forget(self)

    def _pause(self, now: float) -> float | None:
        """Return the seconds until something is due; None if only a wake-up can bring work."""
        with self._lock:
            runs = list(self._runs.values())
        if not runs:
            return None
        due = min((run.due_at() for run in runs), default=self._next_poll)
        return max(min(due, self._next_poll) - now, 0.0)

    def _answer_calls(self) -> None:
        while self._calls:
            function, future = self._calls.popleft()
            try:
                self._recover_connections()
                function()
            except BaseException as error:  # noqa: BLE001  (belongs to the caller who waits)
                future.set_exception(error)
            else:
                future.set_result(None)

    def _guarded(self, function: Callable[..., None], *arguments: Any) -> None:
        # One run's trouble must not end the thread that serves all the others.
        try:
            function(*arguments)
        except (Exception, SystemExit):
            logger.exception("liveops: the pump failed to serve a run and goes on")
            self._recover_connections()

    def _recover_connections(self) -> None:
        for alias in connections:
            outages.drop_if_broken(connections[alias])

    def _poll(self, runs: list["Run"], now: float) -> None:
        if now < self._next_poll or not runs:
            return
        self._next_poll = now + POLL_SECONDS
        by_alias: dict[str, list[Run]] = {}
        for run in runs:
            by_alias.setdefault(run.alias, []).append(run)
        for alias, served in by_alias.items():
            try:
                lock_waits.limit(connections[alias])
                flags = store.poll(alias, [run.operation.pk for run in served])
            except Exception as error:
                if not outages.is_passing(error):
                    raise
                outages.note_failure(alias, self, error)
                self._recover_connections()
                continue
            outages.database(alias).ends(self)
            for run in served:
                run.take_flags(flags.get(run.operation.pk))


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
