"""The stepper."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from liveops.progress.view import View
from liveops.stages import StageState

if TYPE_CHECKING:
    from liveops.models import LiveOperation


class OperationView:
    """An operation as a template sees it: with the stages as they were shown, not as they are."""

    def __init__(self, operation: "LiveOperation", view: View) -> None:
        self._operation = operation
        self.stages = operation.stages
        self.stage_states = view.stage_states
        self.stage_headings = _stage_headings(operation)
        self.stage_attempts = _stage_attempts(view)
        self.current_stage = view.current_stage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operation, name)


def _stage_headings(operation: "LiveOperation") -> dict[str, str]:
    # Only those that say more than the name. A subclass may have a field of this name.
    given: Any = getattr(operation, "stage_headings", None)
    headings = given.items() if isinstance(given, Mapping) else ()
    return {
        name: str(heading).strip()
        for name, heading in headings
        if heading and str(heading).strip().casefold() != str(name).strip().casefold()
    }


def _stage_attempts(view: View) -> dict[str, dict[str, int]]:
    # What is stored is JSON, so only what makes sense is shown; nor is there an attempt to tell of
    # at a stage that is pending or was left out in the end.
    given: Any = view.stage_attempts
    attempts: dict[str, dict[str, int]] = {}
    for name, value in given.items() if isinstance(given, Mapping) else ():
        begun = view.stage_states.get(name, StageState.SKIPPED) != StageState.SKIPPED
        match value:
            case [int(number), int(most)] if begun and 1 <= number <= most <= sys.maxsize:
                attempts[name] = {"number": int(number), "most": int(most)}
    return attempts
