"""What people write: cancel and restart."""

import uuid
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from liveops.exceptions import InvalidStateError
from liveops.models import CommandRun, LiveOperation, LiveProgress, LogLine, StageRun
from liveops.states import FINAL_STATES, State
from liveops.store.rows import (
    BLANK_PROGRESS,
    Ending,
    adopt,
    alias_of,
    ending_values,
    rows_of,
)


def request_cancel(operation: LiveOperation) -> State:
    """Ask a run to stop, or take a waiting operation out of the queue.

    Returns:
        ``CANCELLED`` if it had not started, ``STARTED`` if its run was asked to stop.

    Raises:
        InvalidStateError: it has ended already.
    """
    values = ending_values(Ending(State.CANCELLED)) | {"cancel_requested": True}
    if rows_of(operation, state=State.NOT_STARTED).update(**values):
        adopt(operation, **values)
        return State.CANCELLED
    if rows_of(operation, state=State.STARTED).update(cancel_requested=True):
        adopt(operation, cancel_requested=True)
        return State.STARTED
    raise InvalidStateError(_("This operation has already ended, so it cannot be cancelled."))


def request_cancel_of_run(operation: LiveOperation, run_id: uuid.UUID) -> bool:
    """Ask one particular run to stop; False if it has ended or is another's by now."""
    return bool(
        rows_of(operation, state=State.STARTED, run_id=run_id).update(cancel_requested=True)
    )


def restart(operation: LiveOperation) -> None:
    """Put an ended operation back to the start and drop what its last run left.

    Log numbers go on where they were, so that a watcher never mistakes a new line for an old one.

    Raises:
        InvalidStateError: it is waiting or running.
    """
    alias = alias_of(operation)
    values: dict[str, Any] = {
        "started_on": None,
        "finished_on": None,
        "finished_successfully": False,
        "cancel_requested": False,
        "cancelled": False,
        "interrupted": False,
        "traceback": "",
        "result_context": None,
        "current_stage": -1,
        "stage_states": {},
        "run_id": None,
    }
    with transaction.atomic(using=alias):
        if not rows_of(operation, state__in=FINAL_STATES).update(**values):
            raise InvalidStateError(_("Only an operation that has ended can be restarted."))
        LogLine.objects.using(alias).filter(operation=operation.pk).delete()
        StageRun.objects.using(alias).filter(operation=operation.pk).delete()
        CommandRun.objects.using(alias).filter(operation=operation.pk).delete()
        LiveProgress.objects.using(alias).filter(pk=operation.pk).update(
            run_id=None, heartbeat_on=None, **BLANK_PROGRESS
        )
    adopt(operation, fence=None, **values)
