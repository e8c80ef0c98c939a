"""What people do to operations: cancel, resume, restart; and where success leads."""

import logging
from dataclasses import replace
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from liveops import events, redirects, registry, snapshot, store
from liveops.models import ControlRecord, LiveOperation
from liveops.progress.update import ALL_REGIONS, Finished, Region, Update
from liveops.progress.view import ControlAction
from liveops.sinks.web import WebSink
from liveops.states import State

__all__ = ["cancel", "restart", "resume"]

logger = logging.getLogger("liveops")


def cancel(operation: LiveOperation, by: Any = None) -> State:
    """Ask a running operation to stop, or take a waiting one out of the queue.

    A run in this process hears of it at once, before the row is written: on SQLite the run may hold
    the database's only write lock, and lets go of it only when it is cancelled.

    Args:
        operation: the operation.
        by: the user, or the grant of a share link, to be recorded and shown; None is nobody.

    Returns:
        ``CANCELLED`` if it had not started, ``STARTED`` if its run was asked to stop.

    Raises:
        InvalidStateError: it has ended already.
    """
    run = registry.find(operation.pk)
    if run is not None:
        name = store.name_of(by)
        action = ControlAction(ControlRecord.Action.CANCEL.value, name, timezone.now())
        heard = run.note_cancel(action)
        asked = store.request_cancel_of_run(operation, run.run_id, by, heard=heard)
        run.note_actions(store.actions_of(operation))
        if asked is not None:
            return asked
    state = store.request_cancel(operation, by)
    if state is State.CANCELLED:
        alias = store.alias_of(operation)
        transaction.on_commit(partial(announce_end, operation), using=alias)
        transaction.on_commit(partial(events.finished, operation, None, state), using=alias)
    return state


def restart(operation: LiveOperation, by: Any = None) -> None:
    """Drop what the last run left and hand the operation to the runner again.

    Args:
        operation: the operation.
        by: the user, or the grant of a share link, to be recorded and shown; None is nobody.

    Raises:
        InvalidStateError: it is waiting or running.
        TooManyRunningError: its owner has too many others; nothing was changed.
    """
    specific = operation.specific
    # In one transaction: a hook that fails must not leave the operation waiting for ever.
    with transaction.atomic(using=store.alias_of(specific)):
        store.restart(specific, by)
        specific.on_restart()
        specific.save()
        specific.enqueue()


def resume(operation: LiveOperation, by: Any = None) -> None:
    """Hand an operation that ended without success to the runner, to go on where it stopped.

    Its stage methods that were done are not called again; they give back what they returned.

    Args:
        operation: the operation.
        by: the user, or the grant of a share link, to be recorded and shown; None is nobody.

    Raises:
        InvalidStateError: it is waiting or running, succeeded, is not made of stage methods, or
            its stages have changed.
        TooManyRunningError: its owner has too many others; nothing was changed.
    """
    specific = operation.specific
    with transaction.atomic(using=store.alias_of(specific)):
        store.resume(specific, by)
        specific.enqueue()


def success_url(operation: LiveOperation, state: str) -> str | None:
    """Return where watchers go after success, if the operation says so and pages may go there."""
    return redirects.success_url(operation) if state == State.FINISHED_OK else None


def announce_end(operation: LiveOperation, error_text: str = "") -> None:
    """Tell watchers of an operation that ended without a run; trouble with that is logged."""
    if not WebSink.available():
        return
    state = operation.get_state()
    try:
        progress = store.number_announcement(operation)
        view = snapshot.stored_view(operation, progress)
        update = Update(
            operation=operation,
            seq=progress.seq,
            view=replace(view, state=state, error_text=error_text),
            regions=ALL_REGIONS - {Region.LOG},
            finished=Finished(state, None, None, error_text, ""),
        )
        WebSink().emit(update)
    except Exception:
        logger.exception("liveops: watchers of operation %s could not be told", operation.pk)
