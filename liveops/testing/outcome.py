"""What became of an operation that a test has run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from liveops.models import LiveOperation
from liveops.progress.update import StageChange, Swap
from liveops.testing.frames import Frame
from liveops.testing.record import Attempted, RanCommand, Record, Said


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Outcome:
    """What became of an operation, as it is stored and as its watchers saw it.

    Attributes:
        operation: as it is stored now.
        state: a name of :class:`liveops.states.State`.
        result: what ``p.result()`` was told; None without that.
        stages: the state of each stage that began.
        error: the sentence that watchers read of a failure, or "".
        traceback: what those with permission read of it, or "".
        frames: the frames that watchers got, in their order; each change in one of its own, up to
            500 and a change of a tenth in ``p.track()``.
        chained: what became of the operation that it went on with; None if there was none, or it
            was not to be run.
    """

    operation: LiveOperation
    state: str
    result: dict[str, Any] | None
    stages: dict[str, str]
    error: str
    traceback: str
    frames: Sequence[Frame]
    chained: "Outcome | None" = None
    _record: Record = field(default_factory=Record)

    @property
    def chain(self) -> list["Outcome"]:
        """This outcome, and those of all operations that it went on with."""
        return [self] if self.chained is None else [self, *self.chained.chain]

    @property
    def lines(self) -> list[Said]:
        """The log of the run; each line is a ``str`` with its ``level`` and ``stage``."""
        return self._record.lines

    @property
    def statuses(self) -> list[Said]:
        """What the status was, one after the other; each a ``str`` with ``level`` and ``stage``."""
        return self._record.statuses

    @property
    def percents(self) -> list[float]:
        """Where the bar stood, one after the other; of ``track()`` at each tenth."""
        return self._record.percents

    @property
    def changes(self) -> list[StageChange]:
        """Each stage that changed its state: ``name``, ``state``, ``attempt``, ``seconds``."""
        return self._record.changes

    @property
    def durations(self) -> dict[str, float]:
        """Seconds of each stage, with the waits that were passed over."""
        return self._record.durations

    @property
    def attempted(self) -> list[Attempted]:
        """Each attempt that ended: ``stage``, ``number``, ``outcome`` and ``seconds``."""
        return self._record.attempts

    @property
    def waits(self) -> list[float]:
        """The seconds between attempts that were passed over."""
        return self._record.waits

    @property
    def commands(self) -> list[RanCommand]:
        """The commands; each a ``str`` with its ``returncode``, ``seconds`` and ``stage``."""
        return self._record.commands

    @property
    def swaps(self) -> list[Swap]:
        """What was put into the page: ``selector``, ``mode`` and ``html``."""
        return self._record.swaps

    def texts(self, region: str) -> list[str]:
        """Return what a region said, frame by frame.

        Args:
            region: its id, such as ``"op-status"``.
        """
        return [frame.regions[region] for frame in self.frames if region in frame.regions]

    @property
    def transcript(self) -> str:
        """All of it as a text, in the order in which it happened."""
        parts = [repr(self)[1:-1], *self._record.shown]
        if self.traceback:
            parts.append(self.traceback.rstrip())
        if self.chained is not None:
            parts.append(self.chained.transcript)
        return "\n".join(parts)

    def __str__(self) -> str:
        return self.transcript

    def __repr__(self) -> str:
        parts = [f"{type(self.operation).__name__} {self.state}"]
        if self.error:
            parts.append(self.error)
        if self.traceback:
            parts.append(self.traceback.rstrip().rpartition("\n")[2])
        parts += [f"{name} {state}" for name, state in self.stages.items()]
        if self.result is not None:
            parts.append(f"result {self.result!r}")
        return f"<Outcome {'; '.join(parts)}>"
