"""The pump that is one daemon thread for all runs of a process."""

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from django.db import connections

from liveops import lock_waits, outages, store
from liveops.addresses import adopt_script_prefix
from liveops.progress.agenda import Agenda
from liveops.sinks.direct import DirectSender, send_directly

if TYPE_CHECKING:
    from liveops.progress.serving import ServedRun as Run

logger = logging.getLogger("liveops")

POLL_SECONDS = 1.0
"""Time between two looks at the cancel flags and fences of the runs of a process."""

_FEW = 8  # runs, whose frames may be waited for
_LINGER_SECONDS = 10.0  # with a connection to the channel layer, when the last run has ended


class ThreadedPump:
    """One daemon thread that serves all runs of the process over one connection a database.

    Of many runs it looks only at those that were woken, or that it knows to be due by now.
    """

    own_connection = True

    def __init__(self) -> None:
        self._runs: dict[uuid.UUID, Run] = {}
        self._woken: SimpleQueue[uuid.UUID | None] = SimpleQueue()  # None wakes for all else
        self._agenda: Agenda[uuid.UUID] = Agenda()
        self._calls: deque[tuple[Callable[[], None], Future[None]]] = deque()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._next_poll = 0.0
        self._direct = DirectSender()
        self._left_at = 0.0

    def add(self, run: "Run") -> None:
        """Begin to serve a run."""
        with self._lock:
            self._runs[run.run_id] = run
        self._ensure_thread()
        self._woken.put(run.run_id)

    def remove(self, run: "Run") -> None:
        """Stop serving a run."""
        with self._lock:
            self._runs.pop(run.run_id, None)
        self._left_at = time.monotonic()
        self._woken.put(None)

    def wake(self, run: "Run") -> None:
        """Wake the thread; once for all changes until the next flush."""
        run.state.announced = True
        self._woken.put(run.run_id)

    def call(self, function: Callable[[], None]) -> None:
        """Call a function in the pump's thread and wait for it."""
        future: Future[None] = Future()
        self._calls.append((function, future))
        self._ensure_thread()
        self._woken.put(None)
        future.result()

    def pulse(self, run: "Run") -> None:
        """Do nothing: the thread does it anyhow."""

    def _ensure_thread(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._loop, name="liveops-pump", daemon=True)
                self._thread.start()

    def _loop(self) -> None:
        adopt_script_prefix()
        while True:
            woken = self._take_woken(self._pause(time.monotonic()))
            send_directly(self._direct if len(self._runs) <= _FEW else None)
            self._answer_calls()
            for run_id in woken:
                self._plan(run_id)
            for run_id in list(self._agenda.take(time.monotonic())):
                if (run := self._runs.get(run_id)) is not None:
                    self._guarded(run.serve, time.monotonic())
                    self._plan(run_id)
                self._answer_calls()  # somebody waits for each of them
            with self._lock:
                runs = list(self._runs.values())
            self._guarded(self._poll, runs, time.monotonic())
            if not runs:
                self._rest(time.monotonic())

    def _rest(self, now: float) -> None:
        """Give back what is held for runs; the next one may come soon for what comes cheap."""
        connections.close_all()
        for alias in connections:
            outages.database(alias).forget(self)
        if now >= self._left_at + _LINGER_SECONDS:
            self._direct.close()

    def _take_woken(self, pause: float | None) -> list[uuid.UUID]:
        """Wait until somebody wakes the thread, or for so long; return whose runs were woken."""
        taken: list[uuid.UUID] = []
        try:
            run_id = self._woken.get(timeout=pause)
            while True:
                if run_id is not None:
                    taken.append(run_id)
                run_id = self._woken.get_nowait()
        except Empty:
            return taken

    def _plan(self, run_id: uuid.UUID) -> None:
        if (run := self._runs.get(run_id)) is not None:
            self._agenda.put(run_id, run.due_at())

    def _pause(self, now: float) -> float | None:
        """Return the seconds until something is due; None if only a wake-up can bring work."""
        if self._runs:
            return max(min(self._agenda.next_at, self._next_poll) - now, 0.0)
        return max(self._left_at + _LINGER_SECONDS - now, 0.0) if self._direct.is_open else None

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
            self._plan(run.run_id)
            by_alias.setdefault(run.alias, []).append(run)
        for alias, served in by_alias.items():
            try:
                lock_waits.limit(connections[alias])
                flags = store.poll(alias, [run.pk for run in served])
            except Exception as error:
                if not outages.is_passing(error):
                    raise
                outages.note_failure(alias, self, error)
                self._recover_connections()
                continue
            outages.database(alias).ends(self)
            for run in served:
                run.take_flags(flags.get(run.pk))
