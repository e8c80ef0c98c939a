"""``run_operation()``: through the real store, inside the transaction of a test or outside."""

import asyncio
import contextlib
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import TestCase, TransactionTestCase

from liveops import registry
from liveops.exceptions import InvalidStateError
from liveops.models import ControlRecord, LogLine, StageRun
from liveops.testing import arun_operation, run_operation
from tests.testapp.models import Row, Scripted, Walk
from tests.testing.deeds import Shipload, Soundings

pytestmark = pytest.mark.django_db


def scripted(body: Any, **fields: Any) -> Scripted:
    """Return a saved operation that does as told."""
    Scripted.body = body
    return Scripted.objects.create(**fields)


def test_the_outcome_is_what_is_stored() -> None:
    op = Walk.objects.create(items=2)
    outcome = run_operation(op)
    assert outcome.state == "FINISHED_OK" == op.get_state()
    assert outcome.result == op.result_context == {"items": 2}
    assert outcome.stages == op.stage_states == dict.fromkeys(op.stages, "done")
    stored = LogLine.objects.filter(operation=op.pk).order_by("seq")
    assert outcome.lines == list(stored.values_list("text", flat=True))
    assert [one.outcome for one in outcome.attempted] == ["done"] * 3
    assert StageRun.objects.filter(operation=op.pk).count() == 3
    assert set(outcome.durations) == set(op.stages)
    assert not registry.everything()


def test_the_frames_are_those_of_a_watcher() -> None:
    outcome = run_operation(Walk.objects.create(items=2))
    first, *_, last, end = outcome.frames
    assert {"op-status", "op-progress", "op-stages", "op-log", "op-result"} <= set(first.regions)
    numbers = [frame.seq for frame in outcome.frames[:-1]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [line for frame in outcome.frames for line in frame.lines] == outcome.lines
    assert last.regions["op-status"] == "Succeeded"
    assert last.regions["op-status"].mode == "innerHTML"
    assert 'id="op-status"' in last.regions["op-status"].html
    assert end.finished is not None
    assert end.finished["state"] == "FINISHED_OK"
    assert "Load done" in outcome.texts("op-stages")[-1]


def test_each_small_change_is_a_frame_and_a_flood_is_none() -> None:
    def body(op: Any, p: Any) -> None:
        p.status("one")
        p.status("two")
        for number in range(2_000):
            p.percent(number / 20)

    outcome = run_operation(scripted(body))
    assert outcome.texts("op-status")[1:3] == ["Running one", "Running two"]
    assert 500 <= len(outcome.frames) < 700


def test_hooks_are_called_as_by_real_commits_in_order() -> None:
    said: list[str] = []

    def hook(text: str) -> None:
        transaction.on_commit(lambda: said.append(text))

    def body(op: Any, p: Any) -> None:
        hook("at once")
        said.append("then")
        with transaction.atomic():
            hook("after both")
            with transaction.atomic():
                hook("inner")
            said.append("inside")
        with contextlib.suppress(KeyError), transaction.atomic():
            hook("never")
            raise KeyError
        with transaction.atomic(), contextlib.suppress(KeyError), transaction.atomic():
            hook("never either")
            raise KeyError
        with transaction.atomic(durable=True), transaction.atomic(savepoint=False):
            hook("last")

    outcome = run_operation(scripted(body))
    assert outcome.state == "FINISHED_OK", outcome
    assert said == ["at once", "then", "inside", "after both", "inner", "last"]


def test_hooks_of_the_test_itself_wait_as_ever(django_capture_on_commit_callbacks: Any) -> None:
    said: list[str] = []
    with django_capture_on_commit_callbacks() as waiting:
        transaction.on_commit(lambda: said.append("mine"))
        run_operation(Walk.objects.create(items=1))
    assert (len(waiting), said) == (1, [])


@pytest.mark.parametrize("is_grouped", [False, True], ids=["bare", "atomic"])
def test_a_statement_that_fails_breaks_nothing_else(is_grouped: bool) -> None:
    def body(op: Any, p: Any) -> None:
        User.objects.create(username="ann")
        if is_grouped:
            with transaction.atomic(savepoint=False):
                Row.objects.create(name="taken back")
                User.objects.create(username="ann")
        User.objects.create(username="ann")

    outcome = run_operation(scripted(body))
    assert outcome.state == "FINISHED_ERROR"
    assert outcome.error == "It stopped with an unexpected error (IntegrityError)."
    assert "IntegrityError" in outcome.traceback
    assert "IntegrityError" in repr(outcome)
    assert (User.objects.count(), Row.objects.count()) == (1, 0)


def test_a_chain_is_followed_or_not() -> None:
    def body(op: Any, p: Any) -> None:
        p.chain_to(Walk.objects.create(items=1))

    outcome = run_operation(scripted(body))
    assert [one.state for one in outcome.chain] == ["FINISHED_OK", "FINISHED_OK"]
    assert outcome.chained is not None
    assert outcome.operation.next_operation_id == outcome.chained.operation.pk
    assert outcome.chained.lines == ["Load 0", "Validate 0", "Save 0"]
    outcome = run_operation(scripted(body), follow=False)
    assert outcome.chained is None
    following = outcome.operation.next_operation
    assert following is not None
    assert following.get_state() == "NOT_STARTED"


def test_what_it_enqueues_runs_at_the_commit() -> None:
    made: list[Walk] = []

    def body(op: Any, p: Any) -> None:
        with transaction.atomic():
            made.append(Walk.objects.create(items=1))
            made[0].enqueue()
            made[0].refresh_from_db()
            p.log(made[0].get_state())
        made[0].refresh_from_db()
        p.log(made[0].get_state())

    assert run_operation(scripted(body)).lines == ["NOT_STARTED", "FINISHED_OK"]


def test_a_cancel_is_that_of_a_user(ann: User) -> None:
    outcome = run_operation(Walk.objects.create(items=1), cancel_at="Validate", user=ann)
    assert outcome.state == "CANCELLED"
    assert outcome.stages == {"Load": "done", "Validate": "cancelled"}
    assert ControlRecord.objects.get().user_name == "ann"
    assert "Cancelled by ann" in outcome.texts("op-result")[-1]
    outcome = run_operation(Walk.objects.create(items=3), cancel_after_items=2)
    assert outcome.lines == ["Load 0", "Load 1"]


def test_a_cancel_after_the_last_item_of_all_is_asked_for(ann: User) -> None:
    def body(op: Any, p: Any) -> None:
        for item in p.track(range(2)):
            p.log(f"item {item}")
        if op.note:
            p.check_cancelled()

    op = scripted(body)
    outcome = run_operation(op, cancel_after_items=2, user=ann)
    assert (outcome.state, op.cancel_requested) == ("FINISHED_OK", True), "nothing asked"
    op.note = "asks"
    op.save()
    outcome = run_operation(op, restart=True, cancel_after_items=2)
    assert (outcome.state, outcome.lines) == ("CANCELLED", ["item 0", "item 1"])


def test_retries_do_not_wait_and_commands_are_answered() -> None:
    outcome = run_operation(Shipload.objects.create(note="x"), commands={"make": "built"})
    assert outcome.state == "FINISHED_OK", outcome
    assert outcome.waits == [30.0]
    assert 30 <= outcome.durations["Build"] < 60
    assert outcome.commands == ["make all", "make all"]
    assert [line for line in outcome.lines if line == "built"] == ["built", "built"]


def test_resuming_and_restarting(ann: User) -> None:
    op = Shipload.objects.create(owner=ann)
    outcome = run_operation(op, cancel_at="Ship", commands="")
    assert outcome.stages == {"Build": "done", "Ship": "cancelled"}
    with pytest.raises(InvalidStateError, match="The Shipload is CANCELLED"):
        run_operation(op)
    outcome = run_operation(op, resume=True, user=ann)
    assert (outcome.state, outcome.commands) == ("FINISHED_OK", [])
    outcome = run_operation(op, restart=True, commands="", stages_to_run=["Ship"])
    assert outcome.stages == {"Build": "skipped", "Ship": "done"}


def test_what_cannot_be_run_is_refused() -> None:
    with pytest.raises(InvalidStateError, match="Save the operation"):
        run_operation(Walk())
    with pytest.raises(ValueError, match="no stage 'Sink'"):
        run_operation(Walk.objects.create(), cancel_at="Sink")
    with pytest.raises(TypeError, match=r"such as Walk\.objects\.create\(\)\."):
        run_operation(Walk)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cancel_after_lines has to be 0 or more"):
        run_operation(Walk.objects.create(), cancel_after_lines=-1)


@pytest.mark.django_db(transaction=True)
def test_in_an_event_loop_the_other_one_is_to_be_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    op = Walk.objects.create(items=1)

    async def main(*, is_refused: bool) -> Any:
        if is_refused:
            with pytest.raises(RuntimeError, match="await arun_operation"):
                run_operation(op)
            with pytest.raises(TypeError, match="is a class"):
                await arun_operation(Walk)  # type: ignore[arg-type]
            return None
        return run_operation(op)  # as beside Playwright, whose loop is in the thread of the test

    asyncio.run(main(is_refused=True))
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    assert asyncio.run(main(is_refused=False)).state == "FINISHED_OK"


def test_coroutines() -> None:
    async def main() -> Any:
        op = await Soundings.objects.acreate()
        return await arun_operation(op, commands=None)

    outcome = async_to_sync(main)()
    assert outcome.state == "FINISHED_OK", outcome
    assert outcome.waits == [5.0]


class CommittingTests(TestCase):
    """In the transaction of a ``TestCase``."""

    def test_nothing_is_left_in_the_connection(self) -> None:
        before = dict(vars(connection), queries_log=None, connection=None)
        outcome = run_operation(Walk.objects.create(items=1))
        assert outcome.state == "FINISHED_OK", outcome
        after = dict(vars(connection), queries_log=None, connection=None)
        for name in ("run_on_commit", "execute_wrappers", "on_commit", "needs_rollback"):
            assert before.get(name) == after.get(name)
        assert transaction.Atomic.__exit__.__name__ == "__exit__"

    def test_captured_hooks_of_the_test_are_its_own(self) -> None:
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            Walk.objects.create(items=1).enqueue()
        assert len(callbacks) == 1
        assert Walk.objects.get().get_state() == "FINISHED_OK"


class CommittedTests(TransactionTestCase):
    """Where commits are real."""

    def test_it_runs_and_is_committed(self) -> None:
        def body(op: Any, p: Any) -> None:
            User.objects.create(username="ann")
            with pytest.raises(IntegrityError):
                User.objects.create(username="ann")
            p.chain_to(Walk.objects.create(items=1))

        outcome = run_operation(scripted(body))
        assert [one.state for one in outcome.chain] == ["FINISHED_OK"] * 2, outcome
        assert not connection.in_atomic_block
