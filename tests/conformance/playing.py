"""Scenarios played: on staged-script, on our StagedScript and on a LiveOperation."""

import importlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from typing import Any
from unittest import mock

from rich.console import Console
from tenacity import TryAgain

from liveops import scripts
from tests.conformance.building import Builder
from tests.conformance.scenario import (
    BEGIN,
    END,
    POST,
    PRE,
    PREPARE_RETRY,
    RETRY_ERROR,
    Act,
    Scenario,
)
from tests.conformance.trace import Event, Look, look_of


@dataclass
class Played:
    """What happened.

    Attributes:
        trace: the events.
        left: the error that ended the whole, if one did.
        success: ``script_success`` at the end.
        durations: the stages in the list of durations.
        final: other attributes at the end, by name.
    """

    trace: list[Event] = field(default_factory=list)
    left: Look | None = None
    success: bool = True
    durations: list[str] = field(default_factory=list)
    final: dict[str, Any] = field(default_factory=dict)


def make_calls(scenario: Scenario, instance: Any, note: Callable[..., None]) -> None:
    """Call stages as the scenario says; an error that it does not catch leaves."""
    for call in scenario.calls:
        method = getattr(instance, scenario.stage(call.stage).method)
        try:
            value = method(*call.args, **call.kwargs)
        except BaseException as error:
            note("left", look_of(error))
            if not (call.caught and isinstance(error, Exception)):
                raise
        else:
            note("returned", value)


class ScriptRecorder:
    """Records a scenario on a script.

    Args:
        retry_stage: the exception that asks for a retry there.
    """

    script: Any

    def __init__(self, retry_stage: type[TryAgain]) -> None:
        self.retry_stage = retry_stage
        self.played = Played()
        self.printed = StringIO()

    def note(self, what: str, *details: Any) -> None:
        """Take an event."""
        script = self.script
        to_run = tuple(sorted(script.stages_to_run))
        success = script.script_success
        self.played.trace.append(Event(what, details, script.current_stage, to_run, success))

    def default(self, phase: str, method: Callable[[], None]) -> None:
        """Call the default method of a phase, and note whether it says what is documented."""
        self.printed.seek(0)
        self.printed.truncate()
        method()
        text, stage = self.printed.getvalue(), self.script.current_stage
        if phase == RETRY_ERROR and not getattr(self.script, f"{stage}_retry_attempts"):
            return
        if phase in (PRE, POST):
            right = not text
        elif phase == BEGIN:
            right = f"Heading of {stage}" in text
        elif phase in (END, PREPARE_RETRY, RETRY_ERROR):
            right = f"{stage!r}" in text or f"`{stage}`" in text
        else:
            right = bool(text.strip())
        self.note(f"said by {phase}", right)

    def change(self, act: Act) -> None:
        """Change what the act changes."""
        if act.only is not None:
            self.script.stages_to_run = set(act.only)
        if act.attempts is not None:
            setattr(self.script, f"{self.script.current_stage}_retry_attempts", act.attempts)
        if act.success is not None:
            self.script.script_success = act.success


def play_script(scenario: Scenario, base: Any, retry_stage: type[TryAgain]) -> Played:
    """Play a scenario on a script.

    Args:
        base: its base class.
        retry_stage: the exception that asks for a retry there.
    """
    recorder = ScriptRecorder(retry_stage)
    builder = Builder(
        scenario, recorder, base, lambda stage, body: base.stage(stage.name, stage.heading)(body)
    )
    played = recorder.played
    script = recorder.script = builder.build("Script")({stage.name for stage in scenario.stages})
    script.console = Console(file=recorder.printed, width=120, log_path=False, log_time=False)
    script.parse_args(_arguments(scenario))
    builder.dress(script)

    def sleep(seconds: float) -> None:
        if seconds:
            recorder.note("waited", seconds)

    with mock.patch.object(time, "sleep", sleep):
        try:
            make_calls(scenario, script, recorder.note)
        except BaseException as error:  # noqa: BLE001 - whatever left is compared
            played.left = look_of(error)
    played.success = script.script_success
    played.durations = [entry.stage for entry in script.durations]
    assert all(entry.duration.total_seconds() >= 0 for entry in script.durations)
    limits = {
        f"{stage.name}_retry_{limit}": getattr(script, f"{stage.name}_retry_{limit}")
        for stage in scenario.stages
        for limit in ("attempts", "delay", "timeout")
    }
    played.final = limits | {
        "current_stage": script.current_stage,
        "stages": set(script.stages),
        "stages_to_run": set(script.stages_to_run),
        "dry_run": script.dry_run,
        "commands_executed": script.commands_executed,
    }
    return played


def _arguments(scenario: Scenario) -> list[str]:
    arguments = ["--stage", *scenario.to_run] if scenario.to_run else []
    for stage in scenario.stages:
        for limit in ("attempts", "delay", "timeout"):
            arguments += [f"--{stage.name}-retry-{limit}", str(getattr(stage, limit))]
    return arguments


def play_real(scenario: Scenario) -> Played:
    """Play a scenario on the real package."""
    real = real_package()
    # The real one wants to know the file that is run; a worker of a parallel test run has none.
    with mock.patch.object(sys.modules["__main__"], "__file__", "script.py", create=True):
        return play_script(scenario, real.StagedScript, real.RetryStage)


def play_ours(scenario: Scenario) -> Played:
    """Play a scenario on ``liveops.scripts``."""
    return play_script(scenario, scripts.StagedScript, scripts.RetryStage)


def real_package() -> Any:
    """Return staged-script, without the handler of uncaught errors that it installs."""
    hook = sys.excepthook
    try:
        return importlib.import_module("staged_script")
    finally:
        sys.excepthook = hook
