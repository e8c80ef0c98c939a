"""What people write: cancel, resume and restart; and who it was."""

import uuid
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext as _

from liveops.exceptions import InvalidStateError
from liveops.models import (
    CommandRun,
    ControlRecord,
    LiveOperation,
    LiveProgress,
    LogLine,
    StageRun,
)
from liveops.stages import StageState, changes_since, stage_methods
from liveops.states import FINAL_STATES, RESUMABLE_STATES, State
from liveops.store.checkpoints import drop_all_but
from liveops.store.reaping import RESUMES_BY_ITSELF
from liveops.store.rows import (
    BLANK_PROGRESS,
    Ending,
    adopt,
    alias_of,
    ending_values,
    kept_progress,
    rows_of,
)

_Action = ControlRecord.Action

_UNSTARTED: dict[str, Any] = {
    "started_on": None,
    "finished_on": None,
    "finished_successfully": False,
    "cancel_requested": False,
    "cancelled": False,
    "interrupted": False,
    "traceback": "",
    "result_context": None,
    "current_stage": -1,
    "run_id": None,
    "next_operation": None,
    "enqueued_on": None,
    "resumes_left": None,
}
"""The columns of an operation that waits for a run, but for the states of its stages."""


def request_cancel(operation: LiveOperation, by: Any = None) -> State:
    """Ask a run to stop, or take a waiting operation out of the queue.

    Args:
        operation: the operation.
        by: the user or share link that asks; None is nobody in particular.

    Returns:
        ``CANCELLED`` if it had not started, ``STARTED`` if its run was asked to stop, now or
        before.

    Raises:
        InvalidStateError: it has ended already.
    """
    values = ending_values(Ending(State.CANCELLED)) | {"cancel_requested": True}
    with transaction.atomic(using=alias_of(operation)):
        if rows_of(operation, state=State.NOT_STARTED).update(**values):
            _record(operation, _Action.CANCEL, by)
            adopt(operation, **values)
            return State.CANCELLED
        running = rows_of(operation, state=State.STARTED)
        if running.filter(cancel_requested=False).update(cancel_requested=True):
            _record(operation, _Action.CANCEL, by)
        elif not running.exists():
            raise InvalidStateError(
                _("This operation has already ended, so it cannot be cancelled.")
            )
    adopt(operation, cancel_requested=True)
    return State.STARTED


def request_cancel_of_run(
    operation: LiveOperation, run_id: uuid.UUID, by: Any = None, *, heard: bool = False
) -> State | None:
    """Ask one particular run to stop.

    Args:
        operation: the operation.
        run_id: the run.
        by: the user or share link that asks; None is nobody in particular.
        heard: whether the run heard of it first from this caller, in memory. So it may have
            stopped before this is written, and still it was this user.

    Returns:
        ``STARTED`` if it was asked, now or before; ``CANCELLED`` if it has stopped by now; None if
        it has ended otherwise or is not the operation's run any more.
    """
    with transaction.atomic(using=alias_of(operation)):
        mine = rows_of(operation, run_id=run_id)
        asked = mine.filter(state=State.STARTED, cancel_requested=False)
        if asked.update(cancel_requested=True):
            _record(operation, _Action.CANCEL, by)
            return State.STARTED
        state = mine.values_list("state", flat=True).first()
        if state == State.CANCELLED and heard:
            _record(operation, _Action.CANCEL, by)
        return State(state) if state in (State.STARTED, State.CANCELLED) else None


def restart(operation: LiveOperation, by: Any = None) -> None:
    """Put an ended operation back to the start and drop what its last run left.

    Log numbers go on where they were, so that a watcher never mistakes a new line for an old one.

    Args:
        operation: the operation.
        by: the user or share link that asks; None is nobody in particular.

    Raises:
        InvalidStateError: it is waiting or running.
    """
    alias = alias_of(operation)
    values = {**_UNSTARTED, "stage_states": {}}
    with transaction.atomic(using=alias):
        if not rows_of(operation, state__in=FINAL_STATES).update(**values):
            raise InvalidStateError(_("Only an operation that has ended can be started again."))
        LogLine.objects.using(alias).filter(operation=operation.pk).delete()
        StageRun.objects.using(alias).filter(operation=operation.pk).delete()
        CommandRun.objects.using(alias).filter(operation=operation.pk).delete()
        LiveProgress.objects.using(alias).filter(pk=operation.pk).update(
            run_id=None, heartbeat_on=None, **BLANK_PROGRESS
        )
        _record(operation, _Action.RESTART, by)
    adopt(operation, fence=None, **values)


def resume(operation: LiveOperation, by: Any = None, *, unasked: bool = False) -> None:
    """Put an operation that ended without success back to where it goes on.

    What stays: the log, the commands, the stages that were done and left a checkpoint, and the
    parts of the page that the operation filled. A done stage without a checkpoint runs again.

    Args:
        operation: the operation.
        by: the user or share link that asks; None is nobody in particular.
        unasked: whether it is resumed by itself, which takes one of the times that are left.

    Raises:
        InvalidStateError: it is waiting or running, succeeded, is not made of stage methods, or
            its stages are others now. Nothing was changed.
    """
    alias = alias_of(operation)
    if not stage_methods(operation.specific_class()):
        raise InvalidStateError(
            _("This operation is not made of stage methods, so it can only be started again.")
        )
    values = {**_UNSTARTED, "resumes_left": F("resumes_left") - 1} if unasked else _UNSTARTED
    ended = rows_of(operation, state__in=RESUMABLE_STATES)
    if unasked:
        ended = rows_of(operation, **RESUMES_BY_ITSELF)
    with transaction.atomic(using=alias):
        # First what decides between two that try; the row is locked from here on.
        if not ended.update(**values):
            raise InvalidStateError(
                _("Only an operation that failed, was cancelled or interrupted can be resumed.")
            )
        columns = ("stage_states", "declared_stages", "resumes_left")
        states, declared, left = rows_of(operation).values_list(*columns).get()
        done = [name for name, state in states.items() if state == StageState.DONE]
        _refuse_changes(operation, declared, done)
        kept = dict.fromkeys(drop_all_but(operation, done), StageState.DONE.value)
        rows_of(operation).update(stage_states=kept)
        progress = LiveProgress.objects.using(alias).filter(pk=operation.pk)
        for row in progress:
            blank = {**BLANK_PROGRESS, **kept_progress(row, kept)}
            progress.update(run_id=None, heartbeat_on=None, **blank)
        _record(operation, _Action.GO_ON if unasked else _Action.RESUME, by)
    adopt(operation, fence=None, **{**_UNSTARTED, "resumes_left": left}, stage_states=kept)


def number_announcement(operation: LiveOperation) -> LiveProgress:
    """Give the next frame of an operation that has no run its number; return its progress with it.

    The number is stored, so that the first frame of a run that follows has another one.
    """
    alias = alias_of(operation)
    with transaction.atomic(using=alias):
        progress, _is_new = LiveProgress.objects.using(alias).get_or_create(pk=operation.pk)
        LiveProgress.objects.using(alias).filter(pk=operation.pk).update(seq=F("seq") + 1)
        progress.refresh_from_db(fields=["seq"])
    return progress


def _refuse_changes(operation: LiveOperation, declared: list[str] | None, done: list[str]) -> None:
    stages = operation.specific_class().stages
    words = {"gone": _("%s is gone"), "new": _("%s is new"), "order": _("the order was %s")}
    if found := changes_since(declared, stages, done, words):
        raise InvalidStateError(
            _(
                "This operation cannot be resumed, since its stages are others now: "
                "%(changes)s; there are %(known)s. Start it again instead."
            )
            % {"changes": "; ".join(found), "known": ", ".join(map(repr, stages))}
        )


def _record(operation: LiveOperation, action: str, by: Any) -> None:
    """Note who did it, in the transaction of what was done."""
    pk = getattr(by, "pk", None)
    with translation.override(operation.language):  # shown in its regions
        name = name_of(by)
    ControlRecord.objects.using(alias_of(operation)).create(
        operation_id=operation.pk,
        action=action,
        user_id=pk,
        user_name=name,
    )


def name_of(by: Any) -> str:
    """Return what is recorded of who did something; nobody in particular has no name.

    Args:
        by: a user, the :class:`liveops.access.Grant` of a share link, or None.
    """
    if getattr(by, "kind", "") == "share":
        name = by.shared_by
        said = _("a link that %(name)s shared") % {"name": name} if name else _("a shared link")
        return said[:255]
    return "" if getattr(by, "pk", None) is None else str(by.get_username())[:255]
