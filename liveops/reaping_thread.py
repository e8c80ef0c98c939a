"""A thread that reaps, in processes that run operations.

It ends before anything else does: while the process goes down it must not hand operations to a
runner that takes no more. So :func:`start` is to be called after a runner has registered what
stops it, since the last to register is called first.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable

from django.db import connections, router

from liveops import conf, outages
from liveops.addresses import adopt_script_prefix
from liveops.models import LiveOperation
from liveops.reaping import Reaper, Round

logger = logging.getLogger("liveops")

_JOIN_SECONDS = 2.0
_SHORTEST_PAUSE = 0.1


class Watchman:
    """Reaps in a loop, through all trouble: one line in the log when it begins, one at its end.

    The lines about a database that is away are those of the process, see :mod:`liveops.outages`.

    Args:
        reaper: what looks.
        every: seconds between two rounds; None for the setting ``REAP_SECONDS``. While there are
            suspects, the next round may come sooner.
        told: called with what each round did, if it did anything.
        hands_over: as for :meth:`liveops.reaping.Reaper.round`.
    """

    def __init__(
        self,
        reaper: Reaper | None = None,
        *,
        every: float | None = None,
        told: Callable[[Round], object] | None = None,
        hands_over: bool = True,
    ) -> None:
        self._reaper = reaper or Reaper()
        self._every = every
        self._told = told
        self._hands_over = hands_over
        self._failing = False

    def step(self) -> float:
        """Do one round; return the seconds until the next one."""
        every = self._every or conf.get_settings().REAP_SECONDS or conf.Settings().REAP_SECONDS
        try:
            found = self._reaper.round(hands_over=self._hands_over)
            if found and self._told is not None:
                self._told(found)
        except Exception as error:
            if outages.is_passing(error):
                outages.note_failure(self._alias, self, error)
            elif not self._failing:
                logger.exception("liveops: cannot look for dead runs; trying again")
                self._failing = True
            return every
        finally:
            self._let_go()
        outages.database(self._alias).ends(self)
        if self._failing:
            logger.warning("liveops: looks for dead runs again")
            self._failing = False
        sooner = every if found.look_again_in is None else min(every, found.look_again_in)
        return max(sooner, _SHORTEST_PAUSE)

    def run(self, stopped: threading.Event) -> None:
        """Do rounds until an event is set."""
        try:
            while not stopped.is_set():
                stopped.wait(self.step())
        finally:
            self.pause()

    def pause(self) -> None:
        """Note that there is no other round for now, so nothing is heard from here of an outage."""
        outages.database(self._alias).forget(self)

    @property
    def _alias(self) -> str:
        return router.db_for_write(LiveOperation)

    def _let_go(self) -> None:
        """Keep connections as long as the project wants them kept, as between two requests."""
        for connection in connections.all(initialized_only=True):
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()


class ReapingThread:
    """The thread of a process; it starts once.

    Args:
        clock: seconds, monotonic; for the reaper.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._process = os.getpid()

    def start(self) -> None:
        """Begin to reap, with the first round at once; nothing if it has begun or is not wanted."""
        if not conf.get_settings().REAP_SECONDS:
            return
        with self._lock:
            if self._thread is not None or self._stopped.is_set():
                return
            if not _stop_early(self.stop):
                return
            self._thread = threading.Thread(target=self._work, name="liveops-reaper", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Begin no other round, and wait a little for the one that is under way."""
        if self._process != os.getpid():
            return  # a fork has the same things to do at its end, but not this thread
        self._stopped.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_SECONDS)

    def _work(self) -> None:
        adopt_script_prefix()
        try:
            Watchman(Reaper(self._clock)).run(self._stopped)
        finally:
            connections.close_all()


def start() -> None:
    """See to it that this process reaps, from now until it ends."""
    _thread.start()


def stop() -> None:
    """Let this process reap no more, for good; its end does that by itself."""
    _thread.stop()


def _stop_early(stop: Callable[[], None]) -> bool:
    """Have something called when the process ends; False if it is ending already."""
    # Python has no public hook for the moment before it waits for the threads of executors, in
    # which the thread runner stops what it runs.
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        try:
            register(stop)
        except RuntimeError:
            return False
    atexit.register(stop)
    return True


_thread = ReapingThread()


def _after_fork() -> None:
    global _thread  # noqa: PLW0603
    _thread = ReapingThread()


os.register_at_fork(after_in_child=_after_fork)
