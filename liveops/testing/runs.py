"""Runs in tests: what happens is recorded, waits are passed over, a cancel comes when it is due."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from liveops import control
from liveops.commands import CommandResult
from liveops.models import LiveOperation, StageRun
from liveops.progress.bridge import call_at_home
from liveops.progress.ledger import Ledger, Span
from liveops.progress.pumps import InlinePump
from liveops.progress.run import Run
from liveops.progress.serving import ServedRun
from liveops.progress.state import Counter
from liveops.progress.update import Sink, StageChange
from liveops.progress.view import Line
from liveops.stages import StageState
from liveops.store import Claim
from liveops.testing.clocks import HandClock
from liveops.testing.commands import REAL, Commands, Simulation
from liveops.testing.given import require_number
from liveops.testing.record import Record


@dataclass(frozen=True, slots=True)
class Plan:
    """What a test wants of a run.

    Attributes:
        cancel_at: the stage in which a cancel comes.
        cancel_after_lines: the number of log lines after which it comes.
        cancel_after_items: the number of items of ``p.track()`` after which it comes.
        cancel_by: the user who cancels.
        commands: how commands are answered.
    """

    cancel_at: str | None = None
    cancel_after_lines: int | None = None
    cancel_after_items: int | None = None
    cancel_by: Any = None
    commands: Commands = None

    def check(self, operation: LiveOperation) -> None:
        """Refuse a plan that can never come true.

        Raises:
            TypeError: what is counted to is no whole number.
            ValueError: that is less than 0, or it names a stage that there is none of.
        """
        require_number("cancel_after_lines", self.cancel_after_lines)
        require_number("cancel_after_items", self.cancel_after_items)
        if self.cancel_at is not None and self.cancel_at not in operation.stages:
            name, known = type(operation).__name__, ", ".join(operation.stages) or "none"
            raise ValueError(f"{name} has no stage {self.cancel_at!r}; its stages: {known}.")


class RecordingLedger(Ledger):
    """Tells a record of all that it is to save."""

    record: Record

    def add_lines(self, lines: Sequence[Line]) -> None:
        """Take log lines to be saved."""
        self.record.add_lines(lines)
        super().add_lines(lines)

    def add_stage_run(self, name: str, outcome: str, attempt: int, span: Span) -> StageRun:
        """Take the record of an attempt that ended."""
        self.record.add_attempt(name, outcome, attempt, span)
        return super().add_stage_run(name, outcome, attempt, span)

    def make_checkpoint(self, row: StageRun, result: Any) -> None:
        """Note that an attempt may stand for its stage in a resume."""
        self.record.returned[row.stage] = result
        super().make_checkpoint(row, result)


class RecordedRun(Run):
    """A run that keeps what happens in a record.

    Args:
        record: keeps it.
        plan: what the test wants.
        clock: seconds; waits move it on.
        share: percent of a ``track()`` loop after which the bar is shown again.
    """

    ledger_class = RecordingLedger

    def __init__(
        self,
        operation: LiveOperation,
        claim: Claim,
        sinks: Sequence[Sink],
        *,
        pump: InlinePump,
        record: Record,
        plan: Plan,
        clock: HandClock,
        share: float,
    ) -> None:
        self.record = record
        self._plan = plan
        self._simulated = clock
        self._share = share
        self._items = 0
        self._mark: tuple[Counter, float | None] | None = None
        self._cancels = True
        self._is_due = False
        plan.check(operation)
        super().__init__(operation, claim, [record, *sinks], pump=pump, clock=clock)
        ledger: Any = self._ledger
        ledger.record = record
        if plan.commands != REAL:
            simulation = Simulation(plan.commands, clock.advance)
            self.carry_out: Callable[..., CommandResult] = simulation.carry_out
        self.state.alarm = True  # a track() loop looks at each item

    def passes_over(self, seconds: float) -> bool:
        """Let simulated time pass."""
        self._simulated.advance(seconds)
        self.record.add_wait(seconds)
        self.pulse()
        self.raise_stop()
        return True

    def answer_alarm(self) -> None:
        """Take note of an item that a ``track()`` loop is about to hand over."""
        if self._items == self._plan.cancel_after_items:
            self._cancel()
        self.raise_stop()
        self._items += 1
        counter = self.state.counter
        if counter is not None:
            percent = counter.percent()
            mark = (counter, None if percent is None else percent // self._share)
            if mark != self._mark:
                self._mark = mark
                self._wake()

    def enter_stage(self, change: StageChange) -> None:
        """Begin a stage."""
        super().enter_stage(change)
        if change.name == self._plan.cancel_at and change.state == StageState.ACTIVE:
            self._cancel()

    def record_command(self, stage: str, command: str, exit_status: int | None, span: Span) -> None:
        """Record a command that ended."""
        self.record.add_command(stage, command, exit_status, span)
        super().record_command(stage, command, exit_status, span)

    def _wake(self) -> None:
        super()._wake()
        wanted = self._plan.cancel_after_lines
        if wanted is not None and len(self.record.lines) >= wanted:
            self._cancel()
        counter = self.state.counter
        is_looping = counter is not None and counter.active
        if self._items and self._items == self._plan.cancel_after_items and not is_looping:
            self._cancel()  # that was the last item, and no next one asks

    def _cancel(self) -> None:
        """Have the run cancelled, the first time."""
        if self._cancels and not self._ended:
            self._cancels = False
            self.record.note("cancel", "asked for")
            call_at_home(self.cancel_now)

    def cancel_now(self) -> None:
        """Cancel the operation as somebody does on its page."""
        control.cancel(self.operation, self._plan.cancel_by)


class RecordingPump(InlinePump):
    """Shows each change in a frame of its own, up to a number; then as often as for real.

    Args:
        clock: seconds.
        frames: the number.
    """

    def __init__(self, clock: Callable[[], float], frames: float = float("inf")) -> None:
        super().__init__(clock)
        self._left = frames

    def wake(self, run: ServedRun) -> None:
        """Show what changed."""
        if self._left <= 0:
            super().wake(run)
            return
        self._left -= 1
        run.flush()
        self._poll(run, self._clock())
