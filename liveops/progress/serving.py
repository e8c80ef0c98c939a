"""A run while it runs: its state in memory, and the one place where that state goes out.

``lock`` guards what has been shown: numbers, log tail, sinks. User code never holds it while it
saves a stage, and the pump never waits for it, so that one run that hangs on a database lock
stops neither the pump nor the other runs.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.db import Error, connections

from liveops import lock_waits, outages, store
from liveops.conf import get_settings
from liveops.exceptions import FenceLost, OperationCancelled
from liveops.models import LiveOperation
from liveops.progress.boundary import Boundary
from liveops.progress.bridge import call_at_home
from liveops.progress.fanout import Fanout
from liveops.progress.late_stages import LateStages
from liveops.progress.ledger import Ledger
from liveops.progress.pumps import Pump
from liveops.progress.screen import Screen
from liveops.progress.state import ProgressState
from liveops.progress.stopping import Stoppable
from liveops.progress.throttle import Throttle
from liveops.progress.update import Region, Sink, Swap, Update
from liveops.progress.view import ControlAction
from liveops.stages import Checkpoints

logger = logging.getLogger("liveops")

_BUSY_SECONDS = 0.005
_AWAY_SECONDS = 1.0


class ServedRun(Stoppable):
    """Ties an operation that was claimed to its state, its pump and its sinks.

    Args:
        operation: the claimed instance, with its fence.
        claim: what :func:`liveops.store.claim` returned.
        sinks: where updates go, in this order.
        pump: what carries them.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        operation: LiveOperation,
        claim: store.Claim,
        sinks: Sequence[Sink],
        *,
        pump: Pump,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        settings = get_settings()
        self.operation = operation
        self.run_id: uuid.UUID = claim.run_id
        self.alias = store.alias_of(operation)
        self.clock = clock
        self.lock = threading.RLock()
        self.throttle = Throttle(1.0 / settings.THROTTLE_HZ)
        super().__init__(ProgressState(self._wake, line_bound=settings.LOG_LINES))
        self.is_polled = pump.own_connection
        self._pump = pump
        self._boundary = Boundary(self.alias, pump, self.run_id)
        self._ledger = Ledger(operation, claim.run_id, clock())
        self._late_stages = LateStages(operation, self.run_id)
        self._fanout = Fanout(sinks)
        self._screen = Screen(operation, claim.seq, claim.log_seq)
        self._screen.begin(claim.view, clock())
        self._attempts = {name: [*counts] for name, counts in claim.view.stage_attempts.items()}
        self._stage_times = {name: tuple(span) for name, span in claim.view.stage_times.items()}
        self._checkpoints = Checkpoints(claim.checkpoints)
        self._keeps_log = claim.keeps_log
        self._busy_until = 0.0
        self._ended = False
        self.is_ending = False

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is shown or saved."""
        return self._ended

    def in_user_transaction(self) -> bool:
        """Return whether user code has a transaction open."""
        return self._boundary.in_user_transaction()

    # What user code asks for, through Progress.

    def add_swap(self, swap: Swap) -> None:
        """Show HTML in a part of the page that is the operation's own."""
        with self.lock:
            self._screen.add_swap(swap)
        self._wake()

    def answer_alarm(self) -> None:
        """Do what a ``track()`` loop was interrupted for: stop, or flush at a tick of the bell."""
        self.state.alarm = False
        self.raise_stop()
        self._wake()

    def pulse(self) -> None:
        """Do what is due while user code waits for something; called again and again."""
        self._pump.pulse(self)

    def look_at_flags(self) -> None:
        """Ask the database at once whether to stop; on the caller's connection.

        One that is away says nothing, and is asked again the next time.
        """
        connection = connections[self.alias]
        try:
            flags = store.poll(self.alias, [self.operation.pk])
        except Exception as error:
            if connection.in_atomic_block or not outages.is_passing(error):
                raise
            outages.note_failure(self.alias, self.run_id, error)
            outages.drop_if_broken(connection)
        else:
            self.take_flags(flags.get(self.operation.pk))

    def take_flags(self, flags: tuple[Any, bool] | None) -> None:
        """Take over what the database says: whose the operation is, and whether to cancel."""
        if flags is None or flags[0] != self.run_id:
            self.request_stop(FenceLost(f"Run {self.run_id} no longer owns its operation."))
        elif flags[1] and not self._screen.view.cancel_requested:
            self.note_cancel()
            self.note_actions(store.actions_of(self.operation))

    def note_actions(self, actions: Sequence[ControlAction]) -> None:
        """Show who steered the operation, as it is stored."""
        with self.lock:
            if tuple(self._screen.view.actions) != tuple(actions):
                self._screen.change(Region.STATUS, Region.RESULT, actions=tuple(actions))

    def note_cancel(self, action: ControlAction | None = None) -> bool:
        """Have the run cancelled, and show that this was asked for.

        Args:
            action: who asked, if that is not stored yet.

        Returns:
            Whether the run has not heard of it before.
        """
        with self.lock:
            view = self._screen.view
            actions = view.actions
            is_news = not view.cancel_requested
            if is_news and action is not None:
                actions = (*actions, action)
            self.operation.cancel_requested = True
            changed = (Region.CONTROLS, Region.STATUS, Region.PROGRESS, Region.RESULT)
            self._screen.change(*changed, cancel_requested=True, actions=actions)
        self.request_stop(OperationCancelled("The operation was cancelled."))
        if self._pump.own_connection:
            self._wake()
        return is_news

    # What pumps ask for.

    def due_at(self) -> float:
        """Return when the pump has to serve this run next, in seconds of the clock."""
        counter = self.state.counter
        counting = counter is not None and counter.active
        look_at = self._screen.due_at(self.throttle.interval, counting=counting)
        frame_at = self.throttle.next_at if self.state.announced else look_at
        save_at = min(self._ledger.due_at(), self._late_stages.due_at())
        return max(min(frame_at, save_at), self._busy_until)

    def serve(self, now: float) -> None:
        """Send and save what is due, in the pump's thread; never wait for user code."""
        if now < self.due_at():
            return
        if not self.lock.acquire(blocking=False):
            self._busy_until = now + _BUSY_SECONDS
            return
        try:
            if not self._ended:  # the pump may still be on its round
                self._flush(now, show=self.throttle.due(now))
        finally:
            self.lock.release()

    def flush(self) -> None:
        """Send and save all that waits, before user code goes on."""
        state = self.state
        waits = self._screen.pending or self._late_stages.is_waiting
        if not (state.announced or state.changed or state.counter or waits):
            return
        if self._pump.own_connection:
            self._pump.call(self._flush_now)
        else:
            call_at_home(self._flush_now)

    def flush_due(self) -> None:
        """Send what waits and save what is due, on the run's own thread."""
        call_at_home(self._flush_now)

    def _flush_now(self) -> None:
        with self.lock:
            if not self._ended:
                self._flush(self.clock(), show=True)

    def _flush(self, now: float, *, show: bool) -> None:
        ledger = self._ledger
        if now >= self._late_stages.due_at():
            self._save_late_stages(now)
        update = self._collect(now) if show else None
        if self._boundary.rows_may_be_saved():
            due = ledger.has_lines or now >= ledger.due_at()
            if due and ledger.ready(now) and self._may_wait_briefly(now):
                self._save(now)  # log lines are stored before they are shown
        elif now >= ledger.due_at():
            ledger.postpone(now, self.throttle.interval)
        if update is not None:
            self._fanout.emit(update)

    def _may_wait_briefly(self, now: float) -> bool:
        """See to it that the pump does not wait long for locks; return whether that is so."""
        if not self._pump.own_connection:
            return True
        connection = connections[self.alias]
        try:
            lock_waits.limit(connection)
        except Error as error:
            outages.note_failure(self.alias, self.run_id, error)
            outages.drop_if_broken(connection)
            self._boundary.note_outage()
            pause = min(_AWAY_SECONDS, outages.longest_pause())
            self._ledger.postpone(now, pause)
            self._late_stages.postpone(now, pause)
            return False
        return True

    def _save(self, now: float) -> bool:
        screen = self._screen
        try:
            is_all = self._ledger.save(now, screen.seq, screen.log_seq, screen.view)
        except FenceLost as lost:
            self._lose(lost)
            return True
        if not self._ledger.ready(now):
            self._look_at_connection()
        return is_all

    def _save_late_stages(self, now: float) -> None:
        """Save the stages that have to be saved yet, if that may be, and show them after it."""
        late = self._late_stages
        if not self._boundary.stages_may_be_saved():
            late.postpone(now, self.throttle.interval)
        elif self._may_wait_briefly(now):
            try:
                saved = late.save(now)
            except FenceLost as lost:
                self._lose(lost)
                return
            if saved is None:
                self._look_at_connection()
            else:
                self._screen.change(Region.STAGES, **saved)
                self.state.announced |= self._pump.own_connection

    def _lose(self, lost: FenceLost) -> None:
        self.request_stop(lost)
        self._pump.remove(self)

    def _look_at_connection(self) -> None:
        """Drop the connection of this thread if it is of no use any more."""
        if outages.drop_if_broken(connections[self.alias]):
            self._boundary.note_outage()

    def _collect(self, now: float) -> Update | None:
        update, lines = self._screen.collect(self.state, now)
        if update is not None:
            self.throttle.mark(now)
            self._ledger.note_change()
            self._ledger.add_lines(lines)
        if self.state.pending and self._pump.own_connection:
            self.state.announced = True  # a flood is taken in portions
        return update

    def _wake(self) -> None:
        # A loop that was left open is closed by the garbage collector, long after the run perhaps.
        if not self._ended:
            self._pump.wake(self)
