"""Scenarios played on operations, each of a class that exists only meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps

from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.pumps import InlinePump
from liveops.runners.executor import execute
from liveops.stages import RetryStage
from tests.conformance.building import Builder, Call
from tests.conformance.playing import make_calls
from tests.conformance.scenario import PREPARE_RETRY, Act, Scenario, Staged
from tests.conformance.trace import Event, Look, look_of
from tests.testapp.models import Scripted


@dataclass
class Ran:
    """What happened, and what is stored.

    Attributes:
        trace: the events.
        left: the error that left the run's ``run()``, if one did.
        state: of the operation.
        current_stage: name of the stage that was entered last.
        stage_states: the last state of each stage.
        states_in: the states that a stage was seen in by its body, and while it waited for
            another attempt.
        attempts: stage, number and outcome of each attempt.
    """

    trace: list[Event] = field(default_factory=list)
    left: Look | None = None
    state: str = ""
    current_stage: str = ""
    stage_states: dict[str, str] = field(default_factory=dict)
    states_in: set[tuple[str, str]] = field(default_factory=set)
    attempts: list[tuple[str, int, str]] = field(default_factory=list)


class OperationRecorder:
    """Records a scenario on an operation."""

    retry_stage = RetryStage
    operation: Any

    def __init__(self, ran: Ran) -> None:
        self._ran = ran

    def note(self, what: str, *details: Any) -> None:
        """Take an event."""
        operation = self.operation
        selection = operation.stages_to_run
        to_run = tuple(sorted(operation.stages if selection is None else selection))
        stage = _name_of_current(operation)
        self._ran.trace.append(Event(what, details, stage, to_run, None))
        for moment in ("body", PREPARE_RETRY):
            if moment in what:
                self._ran.states_in.add((moment, operation.stage_states[stage]))

    def default(self, phase: str, method: Callable[[], None]) -> None:
        """Call the default method of a phase."""
        method()

    def change(self, act: Act) -> None:
        """Change what the act changes."""
        operation = self.operation
        if act.only is not None:
            operation.stages_to_run = list(act.only)
        if act.attempts is not None:
            stage = _name_of_current(operation)
            setattr(operation, f"{stage}_retry_attempts", act.attempts)


def _name_of_current(operation: LiveOperation) -> str:
    index = operation.current_stage
    return operation.stages[index] if index >= 0 else "none"


def _decorate(stage: Staged, body: Call) -> Call:
    limits: dict[str, Any] = {}
    if not stage.limits_as_attributes:
        limits = {
            "retry_attempts": stage.attempts,
            "retry_delay": stage.delay,
            "retry_timeout": stage.timeout,
        }
    decorator = LiveOperation.stage(
        stage.name, stage.heading, continue_on_failure=stage.continue_on_failure, **limits
    )
    return decorator(body)


@contextmanager
def _operation_class(scenario: Scenario, builder: Builder, run: Call) -> Iterator[type[Scripted]]:
    """Have a model of its own for a scenario; afterwards Django does not know it any more."""
    name = f"Conformance{scenario.seed}"
    attributes = {
        f"{stage.name}_retry_{limit}": getattr(stage, limit)
        for stage in scenario.stages
        if stage.limits_as_attributes
        for limit in ("attempts", "delay", "timeout")
    }
    meta = type("Meta", (), {"proxy": True, "app_label": "testapp"})
    stages = [stage.name for stage in scenario.stages]
    try:
        yield builder.build(name, Meta=meta, stages=stages, run=run, **attributes)
    finally:
        del apps.all_models["testapp"][name.lower()]
        apps.clear_cache()


def play_operation(scenario: Scenario) -> Ran:
    """Play a scenario on a LiveOperation."""
    ran = Ran()
    recorder = OperationRecorder(ran)
    builder = Builder(scenario, recorder, Scripted, _decorate)

    def run(operation: LiveOperation, p: Progress) -> None:
        try:
            make_calls(scenario, operation, recorder.note)
        except BaseException as error:
            ran.left = look_of(error)
            raise

    everything = len(scenario.to_run) == len(scenario.stages)
    with _operation_class(scenario, builder, run) as model:
        operation = recorder.operation = model.objects.create(
            stages_to_run=None if everything else list(scenario.to_run)
        )
        builder.dress(operation)
        with suppress(KeyboardInterrupt, SystemExit):  # recorded above, and to be passed on
            execute(operation, pump=InlinePump(), web=False)
        stored = model.objects.get(pk=operation.pk)
        ran.state = stored.get_state()
        ran.current_stage = _name_of_current(stored)
        ran.stage_states = stored.stage_states
        rows = stored.stage_runs.values_list("stage", "attempt", "outcome")
        ran.attempts = list(rows)
    return ran
