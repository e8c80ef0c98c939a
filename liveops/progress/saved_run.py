"""A run while it runs: its state in memory, and how that is saved.

``lock`` guards what has been shown: numbers, log tail, sinks. User code never holds it while it
saves a stage, and the pump never waits for it, so that one run that hangs on a database lock
stops neither the pump nor the other runs.
"""

import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from django.db import Error, connections

from liveops import lock_waits, outages, store
from liveops.conf import get_settings
from liveops.exceptions import FenceLost
from liveops.models import LiveOperation
from liveops.progress.boundary import Boundary
from liveops.progress.fanout import Fanout
from liveops.progress.late_stages import LateStages
from liveops.progress.ledger import Ledger
from liveops.progress.pumps import Pump
from liveops.progress.redaction import Redactor, compiled
from liveops.progress.screen import Screen
from liveops.progress.state import ProgressState
from liveops.progress.stopping import Stoppable
from liveops.progress.throttle import Throttle
from liveops.progress.update import Region, Sink
from liveops.stages import Checkpoints

_AWAY_SECONDS = 1.0


class SavedRun(Stoppable, ABC):
    """Ties an operation that was claimed to its state, its pump and its sinks.

    Args:
        operation: the claimed instance, with its fence.
        claim: what :func:`liveops.store.claim` returned.
        sinks: where updates go, in this order.
        pump: what carries them.
        clock: seconds, monotonic.
    """

    boundary_class: ClassVar[type[Boundary]] = Boundary
    ledger_class: ClassVar[type[Ledger]] = Ledger

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
        self.pk: uuid.UUID = operation.pk
        self.run_id: uuid.UUID = claim.run_id
        self.alias = store.alias_of(operation)
        self.clock = clock
        self.lock = threading.RLock()
        self.throttle = Throttle(1.0 / settings.THROTTLE_HZ)
        self.redactor = Redactor(compiled(tuple(settings.REDACT)))
        super().__init__(ProgressState(self._wake, line_bound=settings.LOG_LINES))
        self.state.redactor = self.redactor
        self.is_polled = pump.own_connection
        self._pump = pump
        self._boundary = self.boundary_class(self.alias, pump, self.run_id)
        self._ledger = self.ledger_class(operation, claim.run_id, clock())
        self._late_stages = LateStages(operation, self.run_id)
        self._fanout = Fanout(sinks)
        self._screen = Screen(operation, claim.seq, claim.log_seq)
        self._screen.begin(claim.view, clock())
        self._attempts = {name: [*counts] for name, counts in claim.view.stage_attempts.items()}
        self._stage_times = {name: tuple(span) for name, span in claim.view.stage_times.items()}
        self._checkpoints = Checkpoints(claim.checkpoints)
        self._keeps_log = claim.keeps_log
        self._busy_until = 0.0
        self._shown_at = 0.0
        self._ended = False
        self.is_ending = False

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is shown or saved."""
        return self._ended

    def in_user_transaction(self) -> bool:
        """Return whether user code has a transaction open."""
        return self._boundary.in_user_transaction()

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
                if self._pump.own_connection:
                    self._wake()

    @abstractmethod
    def _lose(self, lost: FenceLost) -> None:
        """Have the run stop: the operation is another one's by now."""

    def _look_at_connection(self) -> None:
        """Drop the connection of this thread if it is of no use any more."""
        if outages.drop_if_broken(connections[self.alias]):
            self._boundary.note_outage()

    @abstractmethod
    def _wake(self) -> None:
        """Note that there is something to show or to save."""
