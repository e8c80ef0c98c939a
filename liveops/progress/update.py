"""What a run hands to its sinks. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from liveops.progress.view import Line, View

if TYPE_CHECKING:
    from liveops.models import LiveOperation


class Region(StrEnum):
    """The named parts of an operation's page."""

    STATUS = "status"
    PROGRESS = "progress"
    STAGES = "stages"
    LOG = "log"
    RESULT = "result"
    CONTROLS = "controls"


ALL_REGIONS = frozenset(Region)


@dataclass(frozen=True, slots=True)
class StageChange:
    """A stage that just changed its state.

    Attributes:
        name: the stage.
        index: its place in ``stages``; None for a name that is not there.
        state: what it is now.
        seconds: how long it took, once it ended.
        attempt: number of the attempt, from 1.
        tries: the most attempts that there can be.
    """

    name: str
    index: int | None
    state: str
    seconds: float | None = None
    attempt: int = 1
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Swap:
    """HTML for a part of the page that is the operation's own."""

    selector: str
    mode: str
    html: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a run.

    Attributes:
        success_url: where watchers go after success, if anywhere.
        following: the operation that it went on with, if it was chained.
    """

    state: str
    success_url: str | None
    result: Mapping[str, Any] | None
    error_text: str
    traceback: str
    following: "LiveOperation | None" = None


@dataclass(frozen=True, slots=True)
class Update:
    """What changed since the last update of a run.

    Attributes:
        operation: the running operation.
        seq: number of the frame; contiguous within a run. What only announces a stage to a
            terminal has the number of the update before it, and no region.
        view: everything that is shown now.
        regions: the parts of the page that changed.
        lines: log lines added, in order; in between, a gap in the numbers stands for lines that
            were dropped.
        skipped: log lines before ``lines`` that are left out because they came too fast.
        stage: the stage boundary that caused this update, if one did.
        swaps: changes of the operation's own parts of the page.
        finished: set in the last update of a run.
    """

    operation: "LiveOperation"
    seq: int
    view: View
    regions: frozenset[Region] = frozenset()
    lines: Sequence[Line] = ()
    skipped: int = 0
    replace_log: bool = False
    stage: StageChange | None = None
    swaps: Sequence[Swap] = ()
    finished: Finished | None = None

    def log(self) -> Iterator[tuple[int, Line]]:
        """Yield each line with the number of lines that are left out right before it."""
        missing, last = self.skipped, None
        for line in self.lines:
            if last is not None:
                missing = line.seq - last - 1
            yield missing, line
            last = line.seq


class Sink(Protocol):
    """Where the updates of a run go. Called from one thread at a time, in order."""

    def emit(self, update: Update) -> None:
        """Show an update; an exception is logged and never reaches user code."""

    def close(self) -> None:
        """Release what the sink holds; no update follows."""
