"""What is read of a run's state without loading the operation."""

from collections.abc import Iterable

from liveops.models import LiveOperation, LiveProgress
from liveops.states import State
from liveops.store.rows import alias_of, rows_of


def marks(operations: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Return the number of the last saved frame and the state of each operation, in one query."""
    rows = LiveOperation.objects.filter(pk__in=list(operations))
    values = rows.values_list("pk", "live_progress__seq", "state")
    return {str(pk): (seq or 0, state) for pk, seq, state in values}


def state_of(operation: LiveOperation) -> State:
    """Return the state as it is stored now."""
    return State(rows_of(operation).values_list("state", flat=True).get())


def progress_of(operation: LiveOperation) -> LiveProgress | None:
    """Return the saved progress of an operation, if it ever started."""
    return LiveProgress.objects.using(alias_of(operation)).filter(pk=operation.pk).first()
