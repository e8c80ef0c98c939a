"""``run()`` that deletes its own operation, or gives it another primary key, as copying does."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from liveops import registry
from liveops.fencing import OTHER_PK
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.pumps import Pump, inline_pump, threaded_pump
from liveops.runners.executor import execute
from tests.integration.helpers import run_scripted
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)
PUMPS = [pytest.param(inline_pump, id="inline"), pytest.param(threaded_pump, id="threaded")]


def copy_here(op: Scripted) -> None:
    """Copy it as Django's documentation says, but from the instance that runs."""
    op.pk = None
    op.id = None
    op._state.adding = True
    op.save()


def copy_a_copy(op: Scripted) -> None:
    """Copy another instance of it."""
    other = Scripted.objects.get(pk=op.pk)
    other.id = other.pk = uuid.uuid4()
    other._state.adding = True
    other.save()


def give_another(op: Scripted) -> None:
    """Give it another key, and save nothing."""
    op.pk = uuid.uuid4()


def carried_out(then: Callable[[Scripted], object], pump: Pump, *, is_last: bool = False) -> Any:
    """Run an operation that does something to itself; return its id and the state it ended in."""

    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            p.log("before")
        if not is_last:
            with p.stage("Save"):
                then(op)
                p.log("after")
            with p.stage("Report"):
                pass
        else:
            then(op)

    Scripted.body = body
    operation = Scripted.objects.create()
    pk = operation.pk
    state = execute(operation, pump=pump)
    assert registry.everything() == []
    return pk, state


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize("then", [copy_here, give_another])
def test_the_operation_fails_and_says_what_to_do(
    then: Callable[[Scripted], object], pump: Callable[[], Pump]
) -> None:
    pk, state = carried_out(then, pump())
    assert state == "FINISHED_ERROR"
    (operation,) = LiveOperation.objects.all()
    assert (operation.pk, operation.get_state()) == (pk, "FINISHED_ERROR")
    assert operation.live_progress.error_text == OTHER_PK
    assert "before" in operation.log_lines.values_list("text", flat=True)


def test_a_key_that_nobody_asks_for_any_more_is_taken_back() -> None:
    pk, state = carried_out(give_another, inline_pump(), is_last=True)
    assert state == LiveOperation.objects.get(pk=pk).get_state() == "FINISHED_OK"


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize("is_last", [False, True])
def test_one_that_deletes_itself_is_gone(
    pump: Callable[[], Pump], caplog: pytest.LogCaptureFixture, *, is_last: bool
) -> None:
    pk, state = carried_out(lambda op: op.delete(), pump(), is_last=is_last)
    assert state is None
    assert not LiveOperation.objects.exists()
    assert f"stopped a run of operation {pk}" in caplog.text


def test_another_instance_may_be_copied() -> None:
    pk, state = carried_out(copy_a_copy, inline_pump())
    assert state == "FINISHED_OK"
    assert LiveOperation.objects.count() == 2
    assert LiveOperation.objects.get(pk=pk).get_state() == "FINISHED_OK"


def test_a_key_that_is_given_as_a_text_is_the_same_key() -> None:
    def body(op: Scripted, p: Progress) -> None:
        op.pk = str(op.pk)
        with p.stage("Load"):
            op.save()

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
