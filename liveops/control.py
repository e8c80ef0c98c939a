"""What people do to operations: cancel and restart; and where success leads."""

import logging

from django.db import transaction

from liveops import registry, store
from liveops.models import LiveOperation
from liveops.progress.update import ALL_REGIONS, Finished, Region, Update
from liveops.progress.view import View
from liveops.sinks.web import WebSink
from liveops.states import State

logger = logging.getLogger("liveops")


def cancel(operation: LiveOperation) -> State:
    """Ask a running operation to stop, or take a waiting one out of the queue.

    A run in this process hears of it at once, before the row is written: on SQLite the run may hold
    the database's only write lock, and lets go of it only when it is cancelled.

    Returns:
        ``CANCELLED`` if it had not started, ``STARTED`` if its run was asked to stop.

    Raises:
        InvalidStateError: it has ended already.
    """
    run = registry.find(operation.pk)
    if run is not None:
        run.note_cancel()
        if store.request_cancel_of_run(operation, run.run_id):
            return State.STARTED
        if store.state_of(operation) is State.CANCELLED:
            return State.CANCELLED  # it stopped while that statement waited for the lock
    state = store.request_cancel(operation)
    if state is State.CANCELLED:
        announce_end(operation)
    return state


def restart(operation: LiveOperation) -> None:
    """Drop what the last run left and hand the operation to the runner again.

    Raises:
        InvalidStateError: it is waiting or running.
    """
    specific = operation.specific
    # In one transaction: a hook that fails must not leave the operation waiting for ever.
    with transaction.atomic(using=store.alias_of(specific)):
        store.restart(specific)
        specific.on_restart()
        specific.save()
        specific.enqueue()


def success_url(operation: LiveOperation, state: str) -> str | None:
    """Return where watchers go after success; a failing hook is logged and keeps them here."""
    if state != State.FINISHED_OK:
        return None
    try:
        return operation.get_success_url()
    except Exception:
        logger.exception("liveops: get_success_url() of operation %s failed", operation.pk)
        return None


def announce_end(operation: LiveOperation, error_text: str = "") -> None:
    """Tell watchers of an operation that ended without a run."""
    if not WebSink.available():
        return
    state = operation.get_state()
    progress = store.progress_of(operation)
    update = Update(
        operation=operation,
        seq=(progress.seq if progress is not None else 0) + 1,
        view=View(state=state, error_text=error_text),
        regions=ALL_REGIONS - {Region.LOG},
        finished=Finished(state, None, None, error_text, ""),
    )
    try:
        WebSink().emit(update)
    except Exception:
        logger.exception("liveops: watchers of operation %s could not be told", operation.pk)
