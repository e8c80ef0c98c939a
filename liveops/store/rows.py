"""The statements that the store is made of: each names the state that it expects."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import router
from django.utils import timezone

from liveops.models import LiveOperation, LiveProgress
from liveops.states import State


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended."""

    state: State
    error_text: str = ""
    traceback: str = ""
    result_context: Mapping[str, Any] | None = None


def alias_of(operation: LiveOperation) -> str:
    """Return the alias of the database that the operation is written to."""
    return router.db_for_write(type(operation), instance=operation)


def rows_of(operation: LiveOperation, **conditions: Any) -> Any:
    """Return the operation's row if it meets the conditions, as a query to be updated."""
    manager = LiveOperation._base_manager.using(alias_of(operation))
    return manager.filter(pk=operation.pk, **conditions)


def ending_values(ending: Ending) -> dict[str, Any]:
    """Return the columns that say how a run ended."""
    return {
        "finished_on": timezone.now(),
        "finished_successfully": ending.state is State.FINISHED_OK,
        "cancelled": ending.state is State.CANCELLED,
        "interrupted": ending.state is State.INTERRUPTED,
        "traceback": ending.traceback,
    }


def adopt(operation: LiveOperation, **values: Any) -> None:
    """Put values that were written onto the instance, as what is stored."""
    for name, value in values.items():
        setattr(operation, name, value)
    operation.remember_run_columns()


def kept_progress(progress: LiveProgress, stages: Collection[str]) -> dict[str, Any]:
    """Return the columns of a progress that outlast a resume which passes by some stages.

    They are the parts of the page that the operation filled, and what is told of those stages.
    """
    told = {"stage_attempts": progress.stage_attempts, "stage_times": progress.stage_times}
    kept = {name: {key: of[key] for key in of if key in stages} for name, of in told.items()}
    return {"swaps": progress.swaps, **kept}


BLANK_PROGRESS: dict[str, Any] = {
    "status_text": "",
    "status_level": "info",
    "percent": None,
    "done": None,
    "total": None,
    "unit": "item",
    "label": "",
    "rate": None,
    "swaps": {},
    "stage_attempts": {},
    "taken_at": 0.0,
    "stage_times": {},
    "expected": {},
    "reached": 0.0,
    "error_text": "",
}
"""The progress of an operation that has none yet."""
