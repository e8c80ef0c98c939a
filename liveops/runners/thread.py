"""The thread runner: a bounded pool of daemon threads in the server process. The default."""

import logging
import os
import queue
import threading
import time
import uuid

from django.db import InterfaceError, OperationalError, connections, router

from liveops import outages, reaping_thread, registry, shutdown
from liveops.conf import get_settings
from liveops.models import LiveOperation
from liveops.progress.pumps import threaded_pump
from liveops.runners.base import Runner, end_unstarted
from liveops.runners.executor import execute

logger = logging.getLogger("liveops")

_CLAIM_PAUSE = 0.2


class ThreadRunner(Runner):
    """Hands the operation to the pool of this process.

    What waits in the pool when the process ends stays NOT_STARTED, and is handed over again in the
    next one.
    """

    def enqueue(self, operation: LiveOperation) -> None:
        """Queue the operation; at most ``RUNNER_THREADS`` run at the same time."""
        _pool.put(operation)


class _Place:
    """The place of an operation in the pool, from its queueing to the end of its run."""

    def __init__(self, pk: uuid.UUID, alias: str | None) -> None:
        self.pk = pk
        self.alias = alias
        self.is_taken = False


class Pool:
    """Threads that start as they are needed and live as long as the process."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[_Place] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._places: set[_Place] = set()
        self._free = 0

    def put(self, operation: LiveOperation) -> None:
        """Queue an operation, and start a thread for it if all are busy and there is room.

        A process that is going down leaves it to another one.
        """
        if registry.goes_down():
            shutdown.leave_to_others([operation.pk], operation._state.db)
            return
        place = _Place(operation.pk, operation._state.db)
        with self._lock:
            self._places.add(place)
            if self._free > 0:
                self._free -= 1
            elif len(self._threads) < get_settings().RUNNER_THREADS:
                name = f"liveops-runner-{len(self._threads) + 1}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
                if len(self._threads) == 1:
                    shutdown.arm()
                    shutdown.empty_at_the_end(self)
                    reaping_thread.start()  # last, so that it is stopped first
        self._queue.put(place)

    def is_starting(self) -> bool:
        """Return whether a thread claims an operation at this moment."""
        with self._lock:
            places = list(self._places)
        return any(place.is_taken and registry.find(place.pk) is None for place in places)

    def hand_back(self) -> None:
        """Leave what waits to another process."""
        with self._lock:
            places = list(self._places)
        waiting: dict[str | None, list[uuid.UUID]] = {}
        for place in places:
            if registry.find(place.pk) is None:
                waiting.setdefault(place.alias, []).append(place.pk)
        for alias, pks in waiting.items():
            shutdown.leave_to_others(pks, alias)

    def _work(self) -> None:
        while True:
            place = self._queue.get()
            place.is_taken = True
            if registry.goes_down():
                place.is_taken = False
                return
            try:
                self._carry_out(place.pk, place.alias)
            except (KeyboardInterrupt, SystemExit) as error:  # of user code; its text is not ours
                kind = type(error).__name__
                logger.error("liveops: operation %s raised %s", place.pk, kind)  # noqa: TRY400
            except BaseException:
                # The executor has dealt with user code; what gets here is trouble of our own.
                logger.exception("liveops: operation %s ended unexpectedly", place.pk)
            finally:
                with self._lock:
                    self._places.discard(place)
                connections.close_all()
            with self._lock:
                if self._queue.empty():
                    self._free += 1

    def _carry_out(self, pk: uuid.UUID, alias: str | None) -> None:
        home = alias or router.db_for_write(LiveOperation)
        outage, deadline = outages.database(home), time.monotonic() + outages.INSIST_SECONDS
        operation: LiveOperation | None = None
        try:
            while True:
                try:
                    # Loaded here: the caller goes on using its own instance in another thread.
                    operation = LiveOperation._base_manager.using(home).filter(pk=pk).first()
                    if operation is None:
                        logger.info("liveops: operation %s was deleted before it started", pk)
                    else:
                        execute(operation, pump=threaded_pump())
                    outage.ends(pk)
                    return
                except (OperationalError, InterfaceError) as error:
                    if time.monotonic() > deadline:
                        raise
                    if registry.goes_down():
                        shutdown.leave_to_others([pk], alias)
                        return
                    outages.note_failure(home, pk, error)
                    connections[home].close_if_unusable_or_obsolete()
                    threading.Event().wait(_CLAIM_PAUSE)
        except (OperationalError, InterfaceError):
            raise  # it waits, and is handed over again when the database is back
        except Exception:
            if operation is not None:
                end_unstarted(operation)
            raise
        finally:
            outage.forget(pk)


_pool = Pool()


def _after_fork() -> None:
    global _pool  # noqa: PLW0603
    _pool = Pool()


os.register_at_fork(after_in_child=_after_fork)
