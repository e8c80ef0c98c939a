"""What a class says about its stages: the methods that are stages, in order, and their phases."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from liveops.stages.limits import RetryLimits
from liveops.stages.names import identifier

PRE = "_run_pre_stage_actions"
BEGIN = "_begin_stage"
SKIP = "_skip_stage"
END = "_end_stage"
PREPARE_RETRY = "_prepare_to_retry_stage"
RETRY_ERROR = "_handle_stage_retry_error"
POST = "_run_post_stage_actions"
PHASES = (PRE, BEGIN, SKIP, END, PREPARE_RETRY, RETRY_ERROR, POST)
"""The methods that carry out the phases of a stage, beside its body."""

_MARK = "__liveops_stage__"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage that is a method.

    Attributes:
        name: as it is shown.
        heading: a sentence about what happens in it.
        limits: how often it is retried.
        continue_on_failure: whether an operation goes on when the attempts are used up.
        form: the name as methods and options use it.
    """

    name: str
    heading: str
    limits: RetryLimits = field(default_factory=RetryLimits)
    continue_on_failure: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(
                f"A stage needs a name and a heading, as in @stage('build', 'Building'); "
                f"got {self.name!r} as its name."
            )

    @property
    def form(self) -> str:
        """The identifier form of the name."""
        return identifier(self.name)


def phase_method(owner: object, phase: str, form: str) -> Callable[..., Any]:
    """Return what carries out a phase: the method for this one stage, else the general one."""
    custom: Callable[..., Any] | None = getattr(owner, f"{phase}_{form}", None)
    if custom:
        return custom
    general: Callable[..., Any] = getattr(owner, phase)
    return general


def mark(method: Callable[..., Any], stage: Stage) -> None:
    """Note that a method is a stage."""
    setattr(method, _MARK, stage)


def stage_of(method: object) -> Stage | None:
    """Return the stage that a method is, or None."""
    stage = getattr(method, _MARK, None)
    return stage if isinstance(stage, Stage) else None


def stage_methods(owner: type) -> dict[str, Stage]:
    """Return the stages of a class by method name, in order of definition, inherited ones first.

    A stage that a subclass defines again keeps its place; it is a stage only if it is decorated
    again.
    """
    names = dict.fromkeys(
        name
        for base in reversed(owner.__mro__)
        for name, value in vars(base).items()
        if stage_of(value) is not None
    )
    found = {name: stage_of(inspect.getattr_static(owner, name, None)) for name in names}
    return {name: stage for name, stage in found.items() if stage is not None}


def custom_phase_problems(owner: type) -> list[str]:
    """Return one sentence for each method that customises a phase of a stage there is none of."""
    forms = sorted({stage.form for stage in stage_methods(owner).values()} - {""})
    problems = []
    for name, phase, form in _custom_phases(owner):
        if form in forms:
            continue
        close = get_close_matches(form, forms, n=1, cutoff=0.5)
        hint = f" Did you mean {phase}_{close[0]}?" if close else ""
        known = f"The stages are: {', '.join(forms)}." if forms else "No method here is a stage."
        problems.append(f"{name}() customises a stage {form!r} that does not exist.{hint} {known}")
    return problems


def _custom_phases(owner: type) -> Iterator[tuple[str, str, str]]:
    names = dict.fromkeys(name for base in reversed(owner.__mro__) for name in vars(base))
    for name in names:
        for phase in PHASES:
            if name.startswith(f"{phase}_") and callable(getattr(owner, name, None)):
                yield name, phase, name.removeprefix(f"{phase}_")
