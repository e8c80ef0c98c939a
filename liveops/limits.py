"""How many operations one user may have waiting and running at the same time."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connections, transaction
from django.utils.translation import ngettext

from liveops.conf import get_settings
from liveops.exceptions import TooManyRunningError
from liveops.states import State

if TYPE_CHECKING:
    from liveops.models import LiveOperation

_exempt: ContextVar[uuid.UUID | None] = ContextVar("liveops_exempt_operation", default=None)


@contextmanager
def lifted_for(operation: "LiveOperation") -> Iterator[None]:
    """Let an operation be enqueued that nobody asked the server for: by a chain, in a terminal."""
    token = _exempt.set(operation.pk)
    try:
        yield
    finally:
        _exempt.reset(token)


def require_room(owner_pk: Any, alias: str) -> None:
    """Refuse one more operation of an owner before anything is saved for it.

    Somebody else may take the room in between: :func:`note_enqueued` has the last word.

    Raises:
        TooManyRunningError: there are as many as there may be.
    """
    limit = get_settings().MAX_RUNNING_PER_USER
    if limit and owner_pk is not None:
        _refuse_more_than(limit - 1, owner_pk, alias)


def note_enqueued(operation: "LiveOperation", alias: str) -> None:
    """Store that an operation is to run, unless that makes too many of its owner's.

    They take turns: whoever comes second waits for the end of the first one's transaction. On
    databases that lock rows the owner's is locked, beside which rows that refer to it can be
    written; SQLite lets only one write at all, so it is written before anything is counted.

    Raises:
        TooManyRunningError: there would be more than there may be; nothing was changed.
    """
    limit, owner_pk = get_settings().MAX_RUNNING_PER_USER, operation.owner_id
    if not limit or owner_pk is None or operation.pk == _exempt.get():
        operation.note_enqueued()
        return
    features = connections[alias].features
    with transaction.atomic(using=alias):
        if features.has_select_for_update:
            users = get_user_model()._base_manager.using(alias).filter(pk=owner_pk)
            no_key = features.has_select_for_no_key_update
            users.select_for_update(no_key=no_key).values_list("pk").first()
        operation.note_enqueued()
        _refuse_more_than(limit, owner_pk, alias)


def _refuse_more_than(number: int, owner_pk: Any, alias: str) -> None:
    if _active(owner_pk, alias, number + 1) <= number:
        return
    limit = get_settings().MAX_RUNNING_PER_USER
    raise TooManyRunningError(
        ngettext(
            "Only %(limit)d operation of a user may wait or run at a time. Wait until the one that "
            "there is has ended, or cancel it.",
            "Only %(limit)d operations of a user may wait or run at a time. Wait until one of "
            "those that there are has ended, or cancel one.",
            limit,
        )
        % {"limit": limit}
    )


def _active(owner_pk: Any, alias: str, most: int) -> int:
    """Count what an owner has waiting and running, up to a number, in the order of an index."""
    operations = apps.get_model("liveops", "LiveOperation")._base_manager.using(alias)
    theirs = operations.filter(owner=owner_pk).order_by("-created_on", "pk").values_list("pk")
    found = len(theirs.filter(state=State.STARTED)[:most])
    if found < most:  # what waits, but was never enqueued, is a draft
        waiting = theirs.filter(state=State.NOT_STARTED, enqueued_on__isnull=False)
        found += len(waiting[: most - found])
    return found
