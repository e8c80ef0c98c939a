"""The description of a staged script: enough to build it on any base, and to say what it does.

A method does one :class:`Act` at each call: the first act at its first call, and so on; nothing
once there are none left.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

PRE = "_run_pre_stage_actions"
BEGIN = "_begin_stage"
SKIP = "_skip_stage"
END = "_end_stage"
PREPARE_RETRY = "_prepare_to_retry_stage"
RETRY_ERROR = "_handle_stage_retry_error"
POST = "_run_post_stage_actions"
PHASES = (PRE, BEGIN, SKIP, END, PREPARE_RETRY, RETRY_ERROR, POST)

LONG = 3600
"""A retry timeout in seconds that no test reaches."""

SIGNALS = ("KeyboardInterrupt", "SystemExit", "GeneratorExit")
RETRIES = ("RetryStage", "TryAgain")
ERRORS = (
    "ValueError",
    "OSError",
    "StopIteration",
    "RuntimeError",
    "RetryError",
    *RETRIES,
    *SIGNALS,
)
"""What may be raised, by the name of its type."""


class Style(StrEnum):
    """What a method does beside its own act."""

    ALONE = "alone"
    CALLS_FIRST = "calls the one below it, then acts"
    CALLS_LAST = "acts, then calls the one below it"
    NONE = "is None"


class Below(StrEnum):
    """Which method a method calls."""

    PARENT = "super()"
    GENERAL = "self"


class Place(StrEnum):
    """Where a method is defined."""

    CLASS = "class"
    MIXIN = "mixin"
    INSTANCE = "instance"


@dataclass(frozen=True)
class Act:
    """What one call does, in this order.

    Attributes:
        only: the stages that are to run from now on; None leaves that as it is.
        attempts: how often the current stage is to be retried from now on; None likewise.
        success: what to set ``script_success`` to; None leaves it.
        error: name of the error to raise, if any.
    """

    only: tuple[str, ...] | None = None
    attempts: int | None = None
    success: bool | None = None
    error: str | None = None


@dataclass(frozen=True)
class Method:
    """A method that carries out a phase; ``stage`` is None for that of all stages."""

    phase: str
    stage: str | None = None
    style: Style = Style.ALONE
    below: Below = Below.PARENT
    place: Place = Place.CLASS
    acts: tuple[Act, ...] = ()

    @property
    def name(self) -> str:
        """The name of the method in Python."""
        return self.phase if self.stage is None else f"{self.phase}_{self.stage}"


@dataclass(frozen=True)
class Staged:
    """A stage: its body, its limits, and where it is written."""

    name: str
    heading: str
    method: str
    attempts: int = 0
    delay: float = 0
    timeout: int = LONG
    acts: tuple[Act, ...] = ()
    place: Place = Place.CLASS
    limits_as_attributes: bool = False
    continue_on_failure: bool = False


@dataclass(frozen=True)
class Call:
    """One call of a stage; ``caught`` says whether the caller goes on after an error of it."""

    stage: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    caught: bool = False


@dataclass(frozen=True)
class Scenario:
    """A script and what is done with it; ``to_run`` are the stages that are selected."""

    seed: int
    stages: tuple[Staged, ...]
    to_run: tuple[str, ...]
    methods: tuple[Method, ...]
    calls: tuple[Call, ...]

    def stage(self, name: str) -> Staged:
        """Return the stage of this name."""
        return next(stage for stage in self.stages if stage.name == name)

    def general(self, phase: str) -> Method | None:
        """Return the scenario's method for a phase of all stages, if it has one."""
        return self._method(phase, None)

    def custom(self, phase: str, stage: str) -> Method | None:
        """Return the scenario's method for a phase of one stage, if it has one."""
        return self._method(phase, stage)

    def _method(self, phase: str, stage: str | None) -> Method | None:
        found = (m for m in self.methods if m.phase == phase and m.stage == stage)
        return next(found, None)

    def __str__(self) -> str:
        lines = [f"random scenario, seed {self.seed}: to run: {', '.join(self.to_run) or 'none'}"]
        for stage in self.stages:
            limits = f"{stage.attempts} retries, delay {stage.delay}, timeout {stage.timeout}"
            more = " (as attributes)" if stage.limits_as_attributes else ""
            more += ", continue_on_failure" if stage.continue_on_failure else ""
            lines.append(
                f"  stage {stage.name} = {stage.method}() in the {stage.place}: {limits}{more}"
            )
            lines += _acts(stage.acts)
        for method in self.methods:
            calls = "" if method.style in (Style.ALONE, Style.NONE) else f" ({method.below})"
            lines.append(f"  {method.name}() in the {method.place} {method.style}{calls}")
            lines += _acts(method.acts)
        for call in self.calls:
            caught = ", errors caught" if call.caught else ""
            lines.append(f"  call {call.stage} with {call.args} {call.kwargs}{caught}")
        return "\n".join(lines)


def _acts(acts: tuple[Act, ...]) -> list[str]:
    return [f"    call {number}: {act}" for number, act in enumerate(acts, 1) if act != Act()]
