"""The thread runner: a bounded pool of daemon threads in the server process. The default."""

import atexit
import concurrent.futures.thread  # noqa: F401  (it registers first)
import logging
import os
import queue
import threading
import time
import uuid

from django.db import OperationalError, connections
from django.utils.translation import gettext as _

from liveops import control, registry, store
from liveops.conf import get_settings
from liveops.exceptions import OperationInterrupted
from liveops.models import LiveOperation
from liveops.progress.pumps import threaded_pump
from liveops.runners.base import Runner
from liveops.runners.executor import execute

logger = logging.getLogger("liveops")

_CLAIM_SECONDS = 300.0
_CLAIM_PAUSE = 0.2


class ThreadRunner(Runner):
    """Hands the operation to the pool of this process.

    What waits in the pool is lost with the process; the operation then stays NOT_STARTED.
    """

    def enqueue(self, operation: LiveOperation) -> None:
        """Queue the operation; at most ``RUNNER_THREADS`` run at the same time."""
        _pool.put(operation)


class Pool:
    """Threads that start as they are needed and live as long as the process."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[uuid.UUID, str | None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._free = 0
        self._closing = False

    def put(self, operation: LiveOperation) -> None:
        """Queue an operation, and start a thread for it if all are busy and there is room."""
        with self._lock:
            if self._closing:
                raise RuntimeError("The process is shutting down and takes no more operations.")
            if self._free > 0:
                self._free -= 1
            elif len(self._threads) < get_settings().RUNNER_THREADS:
                name = f"liveops-runner-{len(self._threads) + 1}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
                if len(self._threads) == 1:
                    _shut_down_early()
        self._queue.put((operation.pk, operation._state.db))

    def _work(self) -> None:
        while True:
            pk, alias = self._queue.get()
            try:
                self._carry_out(pk, alias)
            except BaseException:
                # The executor has dealt with user code; what gets here is trouble of our own.
                logger.exception("liveops: operation %s ended unexpectedly", pk)
            finally:
                connections.close_all()
            with self._lock:
                if self._queue.empty():
                    self._free += 1

    def _carry_out(self, pk: uuid.UUID, alias: str | None) -> None:
        deadline = time.monotonic() + _CLAIM_SECONDS
        while not self._closing:
            # Loaded here: the caller goes on using its own instance in another thread.
            operation = LiveOperation._base_manager.using(alias).filter(pk=pk).first()
            if operation is None:
                logger.info("liveops: operation %s was deleted before it started", pk)
                return
            try:
                execute(operation, pump=threaded_pump())
            except OperationalError:
                if time.monotonic() > deadline:
                    raise
                logger.warning("liveops: operation %s waits for the database to start", pk)
                threading.Event().wait(_CLAIM_PAUSE)
            except Exception:
                self.refuse(operation)
                raise
            else:
                return

    @staticmethod
    def refuse(operation: LiveOperation) -> None:
        """End an operation that cannot be started, so that it does not wait for ever."""
        text = _("The operation could not be started.")
        if store.fail_unstarted(operation, text):
            control.announce_end(operation, text)

    def close(self, grace: float) -> None:
        """Interrupt what runs, and wait for it to end.

        Args:
            grace: seconds to wait. A run that has not ended by then is marked INTERRUPTED
                from outside, and its fence taken away.
        """
        if self._closing:
            return
        self._closing = True
        for run in registry.everything():
            run.request_stop(OperationInterrupted("The process is shutting down."))
        deadline = time.monotonic() + grace
        pause = threading.Event()
        while registry.everything() and time.monotonic() < deadline:
            pause.wait(0.02)
        for run in registry.everything():
            if store.interrupt(run.operation, run.run_id):
                logger.warning("liveops: operation %s was interrupted", run.operation.pk)


_pool = Pool()


def _shut_down() -> None:
    if registry.everything():
        _pool.close(get_settings().SHUTDOWN_GRACE)


def _shut_down_early() -> None:
    """See to it that runs are stopped before Python waits for the threads of executors.

    An async run is driven by such a thread, and what atexit registers is called only after that
    wait. Python has no public hook for the moment before; concurrent.futures uses this one too, and
    the last to register is called first.
    """
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        register(_shut_down)


def _after_fork() -> None:
    global _pool  # noqa: PLW0603
    _pool = Pool()


atexit.register(_shut_down)
os.register_at_fork(after_in_child=_after_fork)
