"""The stepper."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.formats import localize
from django.utils.safestring import SafeString
from django.utils.translation import pgettext_lazy

from liveops import numbers
from liveops.progress.forecast import seconds
from liveops.progress.view import View
from liveops.rendering.clocks import Clocks, moment
from liveops.stages import StageState
from liveops.states import State

if TYPE_CHECKING:
    from liveops.models import LiveOperation

_UNDER_WAY = (StageState.ACTIVE, StageState.RETRYING)

_PENDING = pgettext_lazy("stage", "pending")
_LABELS: dict[str, tuple[Any, Any]] = {
    StageState.SKIPPED: (pgettext_lazy("stage", "skipped"), None),
    StageState.RETRYING: (
        pgettext_lazy("stage", "retrying"),
        pgettext_lazy("stage", "retrying, attempt %(number)s of %(most)s failed"),
    ),
    StageState.ACTIVE: (
        pgettext_lazy("stage", "running"),
        pgettext_lazy("stage", "running, attempt %(number)s of %(most)s"),
    ),
    StageState.DONE: (
        pgettext_lazy("stage", "done"),
        pgettext_lazy("stage", "done, attempt %(number)s of %(most)s"),
    ),
    StageState.FAILED: (
        pgettext_lazy("stage", "failed"),
        pgettext_lazy("stage", "failed, attempt %(number)s of %(most)s"),
    ),
    StageState.CANCELLED: (
        pgettext_lazy("stage", "cancelled"),
        pgettext_lazy("stage", "cancelled, attempt %(number)s of %(most)s"),
    ),
    StageState.INTERRUPTED: (
        pgettext_lazy("stage", "interrupted"),
        pgettext_lazy("stage", "interrupted, attempt %(number)s of %(most)s"),
    ),
}
"""What a stage is said to be in each state; and so of one that was tried more than once."""


class OperationView:
    """An operation as a template sees it: with the stages as they were shown, not as they are.

    Args:
        operation: the operation.
        view: what is shown of it.
        now: seconds since the epoch that clocks show, as in :class:`Clocks`.

    Attributes:
        stage_labels: what each stage is said to be.
        stage_durations: how long each stage took, as text; of one that runs, a clock.
        stage_usual_durations: how long each pending stage usually takes.
    """

    def __init__(self, operation: "LiveOperation", view: View, now: float | None = None) -> None:
        self._operation = operation
        self.stages = operation.stages
        self.stage_states = view.stage_states
        self.stage_headings = headings_of(operation)
        self.stage_attempts = _stage_attempts(view)
        self.stage_labels = {name: self._label(name) for name in operation.stages}
        self.stage_durations = _stage_durations(operation, view, Clocks(view, now))
        self.stage_usual_durations = {
            name: numbers.usual(seconds(view.expected.get(name)))
            for name in operation.stages
            if name not in view.stage_states and view.state in (State.NOT_STARTED, State.STARTED)
        }
        self.current_stage = view.current_stage

    def _label(self, name: str) -> str:
        state, attempt = self.stage_states.get(name), self.stage_attempts.get(name)
        if not state:
            return str(_PENDING)
        plain, counted = _LABELS.get(str(state), ("", None))  # what is stored may be anything
        if attempt and counted:
            return str(counted) % {key: localize(number) for key, number in attempt.items()}
        return str(plain)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operation, name)


def headings_of(operation: "LiveOperation") -> dict[str, str]:
    """Return the headings that say more than the name of their stage."""
    given: Any = getattr(operation, "stage_headings", None)  # a subclass may have such a field
    headings = given.items() if isinstance(given, Mapping) else ()
    return {
        name: str(heading).strip()
        for name, heading in headings
        if heading and str(heading).strip().casefold() != str(name).strip().casefold()
    }


def is_heading(operation: "LiveOperation", text: str) -> bool:
    """Return whether a text is nothing but the heading of a stage."""
    given: Any = getattr(operation, "stage_headings", None)
    return isinstance(given, Mapping) and text in map(str, given.values())


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


def _stage_durations(
    operation: "LiveOperation", view: View, clocks: Clocks
) -> dict[str, SafeString | str]:
    durations: dict[str, SafeString | str] = {}
    for name, (began, ended) in view.stage_times.items():
        state = view.stage_states.get(name)
        if began is None or state in (None, StageState.SKIPPED):
            continue
        if state in _UNDER_WAY and view.state == State.STARTED:
            durations[name] = clocks.since(began)
            continue
        # One that its run went down with has ended, but nobody knows when.
        is_lost = state == StageState.INTERRUPTED
        end = moment(operation.finished_on) if ended is None and not is_lost else ended
        if end is not None:
            durations[name] = numbers.took(max(end - began, 0.0))
    return durations
