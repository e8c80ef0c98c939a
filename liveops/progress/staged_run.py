"""A run at its stage boundaries: each is saved and shown at once, in order."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from django.db import transaction

from liveops import store
from liveops.exceptions import InvalidStateError
from liveops.models import StageRun
from liveops.progress.bridge import call_at_home
from liveops.progress.ledger import Span
from liveops.progress.serving import ServedRun
from liveops.progress.throttle import Allowance
from liveops.progress.update import Region, StageChange
from liveops.stages import Checkpoint, StageState

_MOST_AT_ONCE = 50
"""Boundaries that are shown at once, each in a frame of its own, however fast they come."""

_USUAL_STAGES = 20
"""With more stages than this a frame costs more, so fewer are shown at once."""


class OpenStage(Protocol):
    """A stage that was entered and not left yet."""

    def leave(self, outcome: StageState) -> None:
        """Leave the stage for good."""


class StagedRun(ServedRun):
    """A run whose stages change their states.

    Attributes:
        passages: the stages that are open, in the order in which they were entered.
        has_been_chained: tells whether the operation has ended with ``chain_to()``; None before.
        tells_events: whether observers and signals are told of stages.
    """

    tells_events = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._at_once = Allowance(_MOST_AT_ONCE, 1.0 / self.throttle.interval)
        self._frame_cost = max(len(self.operation.stages) / _USUAL_STAGES, 1.0)
        self.passages: list[OpenStage] = []
        self.has_been_chained: Callable[[], bool] | None = None

    def enter_stage(self, change: StageChange) -> None:
        """Begin a stage: save it, show it, put the bar back to 0 %.

        Raises:
            StopSignal: the run is to stop; the stage did not begin.
            InvalidStateError: the run has ended.
        """
        if self._ended or (self.has_been_chained is not None and self.has_been_chained()):
            raise InvalidStateError(
                f"The run has ended, so the stage {change.name!r} cannot begin."
            )
        self._flush_before()
        self.raise_stop()
        self.state.stage = change.name
        if change.index is not None:
            self.operation.current_stage = change.index
        self._save_stage(change)

    def checkpoint(self, name: str) -> Checkpoint | None:
        """Return what a stage did before this run was resumed; None if it has to run."""
        return self._checkpoints.take(name)

    def change_stage(
        self,
        change: StageChange,
        ended: Span | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """Change the state of a stage: save it, and show it if it is another one.

        Args:
            change: the stage as it is now.
            ended: when the attempt was that ended with this; None if none did.
            checkpoint: what may stand for the stage in a resume; None if nothing may.
        """
        if self._ended:
            return
        self._flush_before()
        together: list[StageRun] = []
        is_news = self.operation.stage_states.get(change.name) != change.state
        if change.index is not None and ended is not None:
            # An attempt that is followed by another one has failed.
            retried = change.state == StageState.RETRYING
            outcome = StageState.FAILED.value if retried else change.state
            in_transaction = self._boundary.in_transaction_here()
            with self.lock:
                row = self._ledger.add_stage_run(change.name, outcome, change.attempt, ended)
                if checkpoint is not None and not in_transaction:
                    self._ledger.make_checkpoint(row, checkpoint.result)
                    if is_news and row.is_checkpoint:
                        # With those before it, whose order tells what belongs to one passage.
                        together = self._ledger.take_stage_runs()
            if checkpoint is not None and in_transaction:
                # What the stage wrote may be rolled back; then it has to run again.
                self._boundary.once_committed(partial(self._keep, row, checkpoint))
        if not is_news:
            self._wake()
            return
        try:
            self._save_stage(change, together)
        except BaseException:
            with self.lock:
                # A signal came, perhaps; then they are saved with the end, as the state is.
                self._ledger.put_back(together)
            raise

    def leave_stages(self) -> None:
        """End the stages that are open as done, the innermost first."""
        for passage in self.passages[::-1]:
            passage.leave(StageState.DONE)

    def record_command(self, stage: str, command: str, exit_status: int | None, span: Span) -> None:
        """Record a command that ended, and the stage in which it began."""
        if not self._ended:
            with self.lock:
                self._ledger.add_command_run(stage, command, exit_status, span)
            self._wake()

    def _flush_before(self) -> None:
        """Send and save what waits before a boundary; but what only is shown, not in a flood."""
        if self.state.pending or self._at_once.allows(self.clock(), self._frame_cost):
            self.flush()

    def _is_too_much(self, now: float) -> bool:
        """Return whether a boundary is left to a later frame; only a pump's thread sees to that."""
        return self._pump.own_connection and not self._at_once.take(now, self._frame_cost)

    def _keep(self, row: StageRun, checkpoint: Checkpoint) -> None:
        with self.lock:
            self._ledger.make_checkpoint(row, checkpoint.result)
        self._wake()

    def _save_stage(self, change: StageChange, attempts: Sequence[StageRun] = ()) -> None:
        """Save the stages, then show them; a boundary whose commit waits is announced at once.

        So the terminal prints its headers in order, while no page is shown stages that a rollback
        may still take back, or that the database does not know because it is away.

        Args:
            change: the stage as it is now.
            attempts: records that are saved together with its state; the last of them makes it one
                to be passed by in a resume. Whoever sees that it is done may rely on that.
        """
        operation = self.operation
        if change.index is None:
            call_at_home(partial(self._show_stage, change, None))
            return
        operation.stage_states = {**operation.stage_states, change.name: str(change.state)}
        self._note_attempt(change)
        self._note_time(change)
        saved = {
            "current_stage": operation.current_stage,
            "stage_states": dict(operation.stage_states),
            "stage_attempts": dict(self._attempts),
            "stage_times": dict(self._stage_times),
        }
        announced = False

        def write() -> None:
            columns = ["current_stage", "stage_states"]
            if not attempts:
                operation.save(update_fields=columns)
                return
            with transaction.atomic(using=self.alias):
                operation.save(update_fields=columns)
                store.save_attempts(operation, attempts)

        def then() -> None:
            if announced:
                self._show_late(saved)
            else:
                self._show_stage(change, saved)

        late = self._late_stages
        with self.lock:
            if late.is_waiting:
                late.put(saved)  # so nobody saves what is older after this
        if call_at_home(lambda: self._save_at_boundary(write, then)):
            with self.lock:
                late.drop(saved)
            return
        announced = True
        with self.lock:
            if attempts:
                self._ledger.put_back(attempts)
            late.put(saved)
            late.is_away |= not self._boundary.in_user_transaction()
        call_at_home(partial(self._show_stage, change, None))

    def _save_at_boundary(self, write: Callable[[], None], then: Callable[[], None]) -> bool:
        """Save now; but it is not the run that finds out when a database is back."""
        self._boundary.heal()
        if self._late_stages.is_away and not self._boundary.in_user_transaction():
            return False
        return self._boundary.save(write, then)

    def _show_late(self, saved: dict[str, Any]) -> None:
        """Show stages that are committed now, unless newer ones were shown, or are to be."""
        with self.lock:
            is_last = self._late_stages.drop(saved)
        if is_last:
            self._show_stage(None, saved)

    def _note_attempt(self, change: StageChange) -> None:
        if change.attempt > 1 or change.state == StageState.RETRYING:
            self._attempts[change.name] = [change.attempt, change.tries]
        else:
            self._attempts.pop(change.name, None)

    def _note_time(self, change: StageChange) -> None:
        """Note when a stage began the first time, and when it ended the last time."""
        times, now = self._stage_times, self._screen.now()
        began = times.get(change.name, (now, None))[0]
        if change.state == StageState.SKIPPED:
            times.pop(change.name, None)
        elif change.state in (StageState.ACTIVE, StageState.RETRYING):
            times[change.name] = (began, None)
        else:
            times[change.name] = (began, now)

    def _show_stage(
        self,
        change: StageChange | None,
        saved: dict[str, Any] | None,
    ) -> None:
        with self.lock:
            if change is not None and change.state == StageState.ACTIVE:
                self.state.reset_bar()
            if saved is not None:
                self._screen.change(Region.STAGES, **saved)
            now = self.clock()
            if change is not None and self._is_too_much(now):
                # A flood: pages see it with the next frame, a terminal has all headers in order.
                self._fanout.announce(self._screen.last_update(stage=change))
            else:
                update = replace(self._collect(now) or self._screen.update(), stage=change)
                if self._pump.own_connection:
                    self._fanout.emit_soon(update)
                else:
                    if self._boundary.rows_may_be_saved() and self._ledger.ready(now):
                        self._save(now)
                    self._fanout.emit(update)
        self._wake()
