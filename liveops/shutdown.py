"""The end of a process: its runs are told, get their grace, and are on record as what they are.

Whatever hears of the end calls :func:`stop_runs`: the exit of Python, a signal handler, a worker of
another system.
"""

import atexit
import concurrent.futures.thread  # noqa: F401  (it registers first)
import logging
import os
import threading
import time
import uuid
import weakref
from collections.abc import Callable
from typing import Protocol

from django.db import Error, connections, router

from liveops import control, events, lock_waits, registry, store
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


class WaitingRoom(Protocol):
    """Where operations wait in this process for their run."""

    def is_starting(self) -> bool:
        """Return whether a run is being claimed at this moment."""

    def hand_back(self) -> None:
        """Leave what waits to other processes."""


_rooms: "weakref.WeakSet[WaitingRoom]" = weakref.WeakSet()
_lock = threading.Lock()
_is_armed = False


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
    marked INTERRUPTED from outside, and its fence taken away.

    Args:
        grace: seconds that runs have; ``SHUTDOWN_GRACE`` if left out.
        tear: what tears away the code of a run that has not heard, by an exception; it then has a
            last moment to end by itself.

    Returns:
        Whether all of them have ended.
    """
    with _lock:
        seconds = get_settings().SHUTDOWN_GRACE if grace is None else grace
        deadline = time.monotonic() + seconds
        ran = bool(registry.everything())
        registry.go_down()
        _wait(deadline - ending_seconds(seconds))
        for run in _left():
            run.stop_with_process()
        _wait(deadline)
        if tear is not None and _left():
            tear()
            _wait(deadline + ending_seconds(seconds))
        for run in _left():
            _end_from_outside(run)
        for room in list(_rooms):
            room.hand_back()
        if ran:
            sender().flush(_FLUSH_SECONDS)  # its thread ends with the process
        return not registry.everything()


def leave_to_others(pk: uuid.UUID, alias: str | None) -> None:
    """Leave an operation that waits to whatever process looks first, now or after a restart.

    Args:
        pk: id of the operation.
        alias: its database; None for the one that operations are written to.
    """
    name = alias or router.db_for_write(LiveOperation)
    try:
        with lock_waits.limited(connections[name]):
            if store.hand_over_soon(name, pk, get_settings().REQUEUE_SECONDS):
                logger.info("liveops: operation %s is left to another process", pk)
    except Error as error:
        logger.warning("liveops: operation %s is handed over again later (%s)", pk, error)


def _left() -> list[Run]:
    """Return the runs that are still to end; those that lost their fence have nothing to save."""
    return [run for run in registry.everything() if not isinstance(run.stop, FenceLost)]


def _wait(deadline: float) -> None:
    pause = threading.Event()
    while _left() or any(room.is_starting() for room in list(_rooms)):
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
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _rooms.clear()


os.register_at_fork(after_in_child=_after_fork)
