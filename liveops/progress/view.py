"""What watchers are shown of an operation at one moment. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One log line: its number (from 1, never used twice for an operation), time and text."""

    seq: int
    time: datetime
    level: str
    stage: str
    text: str


@dataclass(frozen=True, slots=True)
class ControlAction:
    """Somebody steered an operation: ``"cancel"``, ``"resume"`` or ``"restart"``; who, and when.

    ``by`` is empty where nobody in particular did it (a signal to the process, say). With
    ``"go_on"`` nobody did at all: a reaper resumed it.
    """

    action: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class View:
    """What a watcher is shown at one moment; immutable, safe to hand to another thread.

    Attributes:
        percent: 0 to 100, of the stage that runs, or of the whole without stages; None is unknown.
        rate: items a second.
        taken_at: when percent, counts and rate were read, in seconds since the epoch; or 0.
        stage_attempts: ``[attempt, most attempts]`` of each stage that was tried again.
        stage_times: ``[began, ended]`` of each stage that began, in seconds since the epoch, with
            all its attempts; ``ended`` is None while it lasts.
        expected: how long each stage took in earlier successful runs, in seconds; the whole run
            stands under the name ``""``. What is not known is left out.
        reached: the highest percentage of the whole that was shown of stages, so that it never goes
            back.
        actions: who steered the operation, oldest first.
    """

    state: str = "NOT_STARTED"
    status_text: str = ""
    status_level: str = "info"
    percent: float | None = None
    done: int | None = None
    total: int | None = None
    unit: str = "item"
    label: str = ""
    rate: float | None = None
    current_stage: int = -1
    stage_states: Mapping[str, str] = field(default_factory=dict)
    stage_attempts: Mapping[str, Sequence[int]] = field(default_factory=dict)
    swaps: Mapping[str, str] = field(default_factory=dict)
    error_text: str = ""
    cancel_requested: bool = False
    taken_at: float = 0.0
    stage_times: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    expected: Mapping[str, float] = field(default_factory=dict)
    reached: float = 0.0
    actions: Sequence[ControlAction] = ()

    @property
    def eta(self) -> float | None:
        """Seconds until the counted items are done, or None where nothing sensible is known."""
        if self.total is None or self.done is None or not self.rate or self.state != "STARTED":
            return None
        return max(self.total - self.done, 0) / self.rate
