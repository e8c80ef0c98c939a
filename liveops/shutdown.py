"""The end of a process: its runs are told, get their grace, and are on record as what they are.

Whatever hears of the end calls :func:`stop_runs`: the exit of Python, a signal handler, a worker of
another system.
"""

import atexit
import concurrent.futures.thread  # noqa: F401  (it registers first)
import logging
import os
import queue
import threading
import time
import uuid
import weakref
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

from django.db import Error, connections, router

from liveops import control, events, lock_waits, registry, store
from liveops.addresses import adopt_script_prefix
from liveops.conf import get_settings
from liveops.exceptions import FenceLost
from liveops.models import LiveOperation
from liveops.progress.run import Run
from liveops.progress.stopping import ending_seconds
from liveops.signals import Reason
from liveops.sinks.sender import sender

logger = logging.getLogger("liveops")

_LOOK_SECONDS = 0.02
_FLUSH_SECONDS = 2.0
_NAMED = 3
_WRITE_SECONDS = 5.0
"""What the last statements may take; a database that hangs does not say that it does."""

_NO_ANSWER = "liveops: the database does not answer; what has not ended is left to a reaper"


class _Writer:
    """A daemon thread that does the last writing, so that nobody has to wait for it for ever.

    It is started beforehand: since Python 3.12 a process that is at its end starts none.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._orders: queue.SimpleQueue[tuple[Callable[[], object], threading.Event]]
        self._orders = queue.SimpleQueue()

    def start(self) -> bool:
        """Start the thread, once; False if it is too late for that."""
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="liveops-writer", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    logger.debug("liveops: the process is at its end already (%s)", error)
                    return False
                self._thread = thread
            return True

    def carry_out(self, function: Callable[[], object], seconds: float) -> bool:
        """Call a function in the thread; False if it has not returned after so many seconds."""
        if not self.start():
            function()
            return True
        done = threading.Event()
        self._orders.put((function, done))
        return done.wait(seconds)

    def _work(self) -> None:
        adopt_script_prefix()
        while True:
            function, done = self._orders.get()
            try:
                function()
            except Exception:
                logger.exception("liveops: the end of the process could not be noted")
            finally:
                connections.close_all()
                done.set()


class WaitingRoom(Protocol):
    """Where operations wait in this process for their run."""

    @abstractmethod
    def is_starting(self) -> bool:
        """Return whether a run is being claimed at this moment."""

    def hand_back(self) -> None:
        """Leave what waits to other processes."""


_rooms: "weakref.WeakSet[WaitingRoom]" = weakref.WeakSet()
_lock = threading.Lock()
_is_armed = False
_writer = _Writer()
_has_given_up = False


def empty_at_the_end(room: WaitingRoom) -> None:
    """Have a waiting room emptied when the process ends."""
    _rooms.add(room)


def arm() -> None:
    """See to it that runs are stopped when this process ends.

    That has to be before Python waits for the threads of executors: an async run is driven by such
    a thread, and what atexit registers is called only after that wait. Python has no public hook
    for the moment before; concurrent.futures uses this one too, and the last to register is called
    first.
    """
    global _is_armed  # noqa: PLW0603
    _writer.start()
    if _is_armed:
        return
    _is_armed = True
    atexit.register(stop_runs)
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        try:
            register(stop_runs)
        except RuntimeError as error:
            logger.debug("liveops: the process is at its end already (%s)", error)


def stop_runs(grace: float | None = None, *, tear: Callable[[], object] | None = None) -> bool:
    """Stop what runs in this process, and wait for it to end.

    Each run is told at once. One that asks (``p.shutting_down``) goes on until the grace is nearly
    over; any other is stopped at its next call. What has not ended by the end of the grace is
    marked INTERRUPTED from outside, and its fence taken away. If the database has not taken that
    some seconds later, it is left to a reaper, and nobody here waits any more.

    Args:
        grace: seconds that runs have; ``SHUTDOWN_GRACE`` if left out.
        tear: what tears away the code of a run that has not heard, by an exception; it then has a
            last moment to end by itself.

    Returns:
        Whether all of them have ended.
    """
    global _has_given_up  # noqa: PLW0603
    with _lock:
        seconds = get_settings().SHUTDOWN_GRACE if grace is None else grace
        deadline = time.monotonic() + seconds
        ran = bool(registry.everything())
        registry.go_down()
        if _has_given_up:
            return _all_ended()
        _wait(deadline - ending_seconds(seconds))
        for run in _left():
            run.stop_with_process()
        _wait(deadline)
        if tear is not None and _left():
            tear()
            _wait(deadline + ending_seconds(seconds))
        if _left() or _rooms:
            _has_given_up = not _writer.carry_out(_write, _WRITE_SECONDS)
            if _has_given_up:
                logger.error(_NO_ANSWER)
        if ran:
            sender().flush(_FLUSH_SECONDS)  # its thread ends with the process
        return _all_ended()


def has_given_up() -> bool:
    """Return whether the database did not answer in time when this process was to end."""
    return _has_given_up


def leave_if_stuck(run: Run, status: int) -> None:
    """End this process soon if the database of a run does not answer, so that it cannot end.

    For a process that is there for this run alone.

    Args:
        run: one that was told to stop.
        status: the exit status.
    """

    def ask() -> None:
        try:
            with connections[run.alias].cursor() as cursor:
                cursor.execute("SELECT 1")
        except Error as error:
            logger.debug("liveops: the database refuses (%s), which is an answer", error)

    if not _writer.carry_out(ask, _WRITE_SECONDS) and registry.find(run.operation.pk) is run:
        logger.error(_NO_ANSWER)
        os._exit(status)


def leave_to_others(pks: Sequence[uuid.UUID], alias: str | None) -> None:
    """Leave operations that wait to whatever process looks first, now or after a restart.

    Args:
        pks: ids of the operations.
        alias: their database; None for the one that operations are written to.
    """
    name = alias or router.db_for_write(LiveOperation)
    text = ", ".join(map(str, pks[:_NAMED])) + (", …" if len(pks) > _NAMED else "")
    try:
        with lock_waits.limited(connections[name]):
            left = store.hand_over_soon(name, pks, get_settings().REQUEUE_SECONDS)
    except Error as error:
        logger.warning("liveops: %d operations go on later (%s): %s", len(pks), error, text)
    else:
        if left:
            logger.info("liveops: %d operations are left to another process: %s", left, text)


def _write() -> None:
    """Put on record what has not ended, and hand back what waits."""
    for run in _left():
        _end_from_outside(run)
    for room in list(_rooms):
        room.hand_back()


def _all_ended() -> bool:
    return not (registry.everything() or registry.is_starting())


def _left() -> list[Run]:
    """Return the runs that are still to end; those that lost their fence have nothing to save."""
    return [run for run in registry.everything() if not isinstance(run.stop, FenceLost)]


def _wait(deadline: float) -> None:
    pause = threading.Event()
    while _left() or registry.is_starting() or any(room.is_starting() for room in list(_rooms)):
        left = deadline - time.monotonic()
        if left <= 0:
            return
        pause.wait(min(left, _LOOK_SECONDS))


def _end_from_outside(run: Run) -> None:
    pk = run.operation.pk
    try:
        with lock_waits.limited(connections[run.alias]):
            if not store.interrupt(run.operation, run.run_id):
                return
            operation = LiveOperation._base_manager.using(run.alias).get(pk=pk)
            run.request_stop(FenceLost("The process is shutting down, and it did not end."))
            logger.warning("liveops: operation %s was interrupted: it did not stop in time", pk)
            events.interrupted(operation.specific, run.run_id, Reason.CUT_OFF)
            control.announce_end(operation.specific)
    except (Error, LiveOperation.DoesNotExist) as error:
        # Its heartbeat ends with the process, so a reaper finds it.
        logger.warning("liveops: operation %s is left to a reaper (%s)", pk, error)


def _after_fork() -> None:
    # What atexit knows goes on into the child; what is in threading does so, too.
    global _lock, _writer, _has_given_up
    _lock, _writer, _has_given_up = threading.Lock(), _Writer(), False
    _rooms.clear()


os.register_at_fork(after_in_child=_after_fork)
