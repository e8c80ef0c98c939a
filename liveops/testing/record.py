"""What happened in a run, kept in the order in which it happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from liveops.models import LiveOperation
from liveops.progress.ledger import Span
from liveops.progress.text import format_took
from liveops.progress.update import Region, StageChange, Swap, Update
from liveops.progress.view import Line
from liveops.stages import StageState


class Said(str):
    """A text as it was shown: a ``str`` that knows how it was said.

    Attributes:
        level: ``"info"``, ``"warning"`` and the like.
        stage: the stage in which it was said, or "".
    """

    __slots__ = ("level", "stage")
    level: str
    stage: str

    def __new__(cls, text: str, level: str = "info", stage: str = "") -> Self:
        """Return a text with its level and stage."""
        said = super().__new__(cls, text)
        said.level, said.stage = level, stage
        return said


class RanCommand(str):
    """A command as it was shown: a ``str`` that knows how it ended.

    Attributes:
        returncode: its exit status; None if there is none.
        stage: the stage in which it began, or "".
        seconds: how long it took.
    """

    __slots__ = ("returncode", "seconds", "stage")
    returncode: int | None
    stage: str
    seconds: float

    def __new__(cls, text: str, returncode: int | None, stage: str, seconds: float) -> Self:
        """Return a command with how it ended."""
        ran = super().__new__(cls, text)
        ran.returncode, ran.stage, ran.seconds = returncode, stage, seconds
        return ran


@dataclass(frozen=True, slots=True)
class Attempted:
    """An attempt at a stage that ended.

    Attributes:
        stage: the stage.
        number: from 1.
        outcome: the state that the stage would have ended in with this attempt.
        seconds: how long it took.
    """

    stage: str
    number: int
    outcome: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TemplateSwap(Swap):
    """What ``p.swap()`` would have rendered.

    Attributes:
        template: its path.
        context: what it would have been given.
    """

    template: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)


class Record:
    """A sink that keeps what there is to tell of a run; what is saved is told to it, too."""

    def __init__(self) -> None:
        self.lines: list[Said] = []
        self.statuses: list[Said] = []
        self.percents: list[float] = []
        self.changes: list[StageChange] = []
        self.attempts: list[Attempted] = []
        self.waits: list[float] = []
        self.commands: list[RanCommand] = []
        self.swaps: list[Swap] = []
        self.returned: dict[str, Any] = {}
        self.chained: LiveOperation | None = None
        self.shown: list[str] = []
        self._percent: float | None = None

    # Told by the run.

    def add_lines(self, lines: Sequence[Line]) -> None:
        """Keep log lines."""
        for line in lines:
            self.lines.append(Said(line.text, line.level, line.stage))
            self._show("log" if line.level == "info" else line.level, line.text)

    def add_attempt(self, stage: str, outcome: str, number: int, span: Span) -> None:
        """Keep an attempt that ended."""
        seconds = round(span.began_ago - span.ended_ago, 6)
        self.attempts.append(Attempted(stage, number, str(outcome), seconds))

    def add_command(self, stage: str, command: str, status: int | None, span: Span) -> None:
        """Keep a command that ended."""
        seconds = round(span.began_ago - span.ended_ago, 6)
        self.commands.append(RanCommand(command, status, stage, seconds))
        if status != 0:
            ending = "did not end by itself" if status is None else f"ended with {status}"
            self._show("command", f"{command} {ending}")

    def add_wait(self, seconds: float) -> None:
        """Keep a wait that was passed over."""
        self.waits.append(seconds)
        self._show("wait", f"{seconds:g} s, passed over")

    def add_chain(self, following: LiveOperation) -> None:
        """Keep which operation the run went on with."""
        self.chained = following
        self._show("chained", f"to {following}")

    def note(self, kind: str, text: str) -> None:
        """Keep something that only whoever reads the transcript wants to know."""
        self._show(kind, text)

    # Told as a sink.

    def emit(self, update: Update) -> None:
        """Keep what is new in an update."""
        view = update.view
        if Region.STATUS in update.regions and view.status_text:
            status = Said(view.status_text, view.status_level, self._stage)
            last = self.statuses[-1] if self.statuses else None
            if last is None or (last, last.level) != (status, status.level):
                self.statuses.append(status)
                self._show("status", status)
        if update.stage is not None:
            self._change(update.stage)
        # The bar of a stage begins with 0 %, which belongs to that stage.
        if Region.PROGRESS in update.regions and view.percent != self._percent:
            self._percent = view.percent
            if view.percent is not None:
                self.percents.append(view.percent)
        self.swaps += update.swaps
        for swap in update.swaps:
            what = swap.template if isinstance(swap, TemplateSwap) else f"{len(swap.html)} chars"
            self._show("swap", f"{swap.selector} {what}")

    def close(self) -> None:
        """Nothing to release."""

    # Read by tests.

    @property
    def stages(self) -> dict[str, str]:
        """The last state of each stage, in the order in which they began."""
        return {change.name: str(change.state) for change in self.changes}

    @property
    def durations(self) -> dict[str, float]:
        """How long each stage took, with all its attempts, in seconds."""
        return {
            change.name: round(change.seconds, 6)
            for change in self.changes
            if change.seconds is not None
        }

    @property
    def _stage(self) -> str:
        """The stage that is under way."""
        over = (StageState.ACTIVE, StageState.RETRYING)
        open_ones = [name for name, state in self.stages.items() if state in over]
        return open_ones[-1] if open_ones else ""

    def _change(self, change: StageChange) -> None:
        before = self.stages.get(change.name)
        self.changes.append(change)
        state = str(change.state)
        if state == StageState.ACTIVE:
            which = f", attempt {change.attempt} of {change.tries}" if change.tries > 1 else ""
            self.shown.append(f"=== {change.name}{which}")
        elif state != before:
            took = format_took(change.seconds) if change.seconds else ""
            self.shown.append(f"=== {change.name}: {state}" + (f" ({took})" if took else ""))

    def _show(self, kind: str, text: str) -> None:
        self.shown.append(f"{kind:<8} {text}")


kept: list[object] | None = None
"""What the pytest plugin prints when a test fails: whatever was recorded in it; or None."""


def keep(record: object) -> None:
    """Have something printed, by its ``str()``, if the test fails that runs now."""
    if kept is not None:
        kept.append(record)
