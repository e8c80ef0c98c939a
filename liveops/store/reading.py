"""What is read of a run's state without loading the operation."""

from collections.abc import Iterable

from liveops.models import ControlRecord, LiveOperation, LiveProgress
from liveops.progress.view import ControlAction
from liveops.states import State
from liveops.store.rows import alias_of, rows_of

_ACTIONS = 20


def marks(operations: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Return the number of the last saved frame and the state of each operation, in one query."""
    rows = LiveOperation.objects.filter(pk__in=list(operations))
    values = rows.values_list("pk", "live_progress__seq", "state")
    return {str(pk): (seq or 0, state) for pk, seq, state in values}


def actions_of(operation: LiveOperation) -> tuple[ControlAction, ...]:
    """Return who steered an operation: the last 20 times, oldest first."""
    rows = ControlRecord.objects.using(alias_of(operation)).filter(operation=operation.pk)
    last = rows.order_by("-pk").values_list("action", "user_name", "time")[:_ACTIONS]
    return tuple(ControlAction(*values) for values in reversed(last))


def is_chained_to(operation: LiveOperation) -> bool:
    """Return whether another operation has gone on with this one."""
    manager = LiveOperation._base_manager.using(alias_of(operation))
    return bool(manager.filter(next_operation=operation.pk).exists())


def state_of(operation: LiveOperation) -> State:
    """Return the state as it is stored now."""
    return State(rows_of(operation).values_list("state", flat=True).get())


def progress_of(operation: LiveOperation) -> LiveProgress | None:
    """Return the saved progress of an operation, if it ever started."""
    return LiveProgress.objects.using(alias_of(operation)).filter(pk=operation.pk).first()
