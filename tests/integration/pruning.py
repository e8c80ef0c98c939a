"""Tools for the tests of pruning: operations that ended long ago, and the command."""

import io
from datetime import timedelta
from typing import Any

from django.core.management import call_command
from django.utils import timezone

from liveops import store
from liveops.models import LiveOperation
from liveops.states import State
from tests.testapp.models import Walk


def prune(*arguments: str, status: int = 0) -> list[str]:
    """Run the command and return what it printed."""
    printed = io.StringIO()
    code: Any = 0
    try:
        call_command("liveops_prune", *arguments, stdout=printed)
    except SystemExit as leaving:
        code = leaving.code
    assert code == status
    return printed.getvalue().splitlines()


def ended(
    days: float, state: State = State.FINISHED_OK, model: type[LiveOperation] = Walk, **values: Any
) -> Any:
    """Return an operation that ended so many days ago."""
    operation = model._default_manager.create(**values)
    if state is State.NOT_STARTED:
        return operation
    assert store.claim(operation) is not None
    if state is not State.STARTED:
        assert store.finish(operation, store.Ending(state))
    then = timezone.now() - timedelta(days=days)
    rows = LiveOperation.objects.filter(pk=operation.pk)
    rows.update(created_on=then, started_on=then)
    rows.filter(finished_on__isnull=False).update(finished_on=then)
    return operation


def left() -> set[Any]:
    return set(LiveOperation.objects.values_list("pk", flat=True))
