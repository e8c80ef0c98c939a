"""`chain_to()`: one operation ends, and the next one goes on; or nothing at all is saved."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from liveops import control, store
from liveops.exceptions import ConfigurationError, InvalidStateError, OperationCancelled
from liveops.models import LiveOperation, LogLine, StageRun
from liveops.progress import Progress
from liveops.progress.pumps import InlinePump, threaded_pump
from liveops.states import State
from liveops.store import Ending
from tests.integration.edge import person
from tests.integration.helpers import run_scripted
from tests.testapp.models import AsyncScripted, Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)

PUMPS = [pytest.param(InlinePump, id="inline"), pytest.param(threaded_pump, id="threaded")]


class Rollback(Exception):
    """Ends a block whose rows are to be taken back."""


def stored(operation: LiveOperation) -> LiveOperation:
    """Return an operation as it is stored now."""
    return LiveOperation.objects.get(pk=operation.pk)


def refused(chain: Callable[[Scripted, Progress], Any], error: type[Exception]) -> str:
    """Run an operation whose attempt to chain is refused; return the sentence.

    It must go on as if nothing had been: unlinked, running, and able to end by itself.
    """
    told: list[str] = []

    def body(operation: Scripted, p: Progress) -> None:
        with pytest.raises(error) as caught:
            chain(operation, p)
        told.append(str(caught.value))
        row = stored(operation)
        assert (row.state, row.next_operation_id) == (State.STARTED, None)
        assert operation.get_state() == State.STARTED
        p.log("still here")

    operation, _ = run_scripted(body)
    assert operation.get_state() == State.FINISHED_OK
    assert LogLine.objects.filter(operation=operation.pk, text="still here").exists()
    return told[0]


@pytest.mark.parametrize("pump", PUMPS)
def test_the_next_operation_runs_and_the_two_are_linked(pump: Any) -> None:
    owner = person("owner")
    following: list[Walk] = []

    def body(operation: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            p.log("loaded")
        p.result({"rows": 3})
        following.append(Walk.objects.create(owner=operation.owner))
        p.chain_to(following[0])

    operation, recorder = run_scripted(body, pump=pump(), owner=owner)
    assert operation.get_state() == State.FINISHED_OK
    assert operation.finished_successfully
    assert operation.result_context == {"rows": 3}
    assert operation.next_operation_id == following[0].pk
    after = stored(following[0])
    assert after.state == State.FINISHED_OK
    assert after.previous_operation.pk == operation.pk
    assert after.started_on is not None
    assert operation.finished_on <= after.started_on
    last = recorder.updates[-1].finished
    assert last is not None
    assert (last.state, last.following) == (State.FINISHED_OK, following[0])
    assert [update.finished for update in recorder.updates].count(last) == 1


def test_an_async_operation_chains_as_well() -> None:
    async def body(operation: AsyncScripted, p: Progress) -> None:
        p.chain_to(await Walk.objects.acreate())

    operation, _ = run_scripted(body, model=AsyncScripted)
    assert operation.get_state() == State.FINISHED_OK
    assert stored(operation.next_operation).state == State.FINISHED_OK


def test_three_in_a_row() -> None:
    def first(operation: Scripted, p: Progress) -> None:
        if operation.note == "second":
            p.chain_to(Walk.objects.create())
        else:
            p.chain_to(Scripted.objects.create(note="second"))

    operation, _ = run_scripted(first)
    second = stored(operation.next_operation)
    third = LiveOperation.objects.get(previous_operation=second.pk)
    assert {row.state for row in (second, third)} == {State.FINISHED_OK}
    assert third.operation_type == "testapp.Walk"
    assert third.next_operation_id is None


@pytest.mark.parametrize("pump", PUMPS)
def test_open_stages_end_as_done(pump: Any) -> None:
    def body(_: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            pass
        with p.stage("Validate"):
            p.chain_to(Walk.objects.create())

    operation, _ = run_scripted(body, pump=pump())
    assert operation.get_state() == State.FINISHED_OK
    assert operation.stage_states == {"Load": "done", "Validate": "done"}
    rows = StageRun.objects.filter(operation=operation.pk)
    assert list(rows.values_list("stage", "outcome")) == [("Load", "done"), ("Validate", "done")]


def test_lines_from_before_are_stored_when_the_end_is() -> None:
    seen: list[int] = []

    def body(operation: Scripted, p: Progress) -> None:
        p.log("before")
        following = Walk.objects.create()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                Walk,
                "enqueue",
                lambda _: seen.append(LogLine.objects.filter(operation=operation.pk).count()),
            )
            p.chain_to(following)

    run_scripted(body)
    assert seen == [1]


def test_what_has_not_been_saved() -> None:
    text = refused(lambda _, p: p.chain_to(Walk()), InvalidStateError)
    assert text == "Save the Walk before you chain to it."


def test_something_else_than_an_operation() -> None:
    wrong: Any = "next"
    assert "not str" in refused(lambda _, p: p.chain_to(wrong), TypeError)


def test_itself() -> None:
    assert "itself" in refused(lambda operation, p: p.chain_to(operation), InvalidStateError)


@pytest.mark.parametrize("state", [s for s in State if s != State.NOT_STARTED])
def test_one_that_has_started_or_ended(state: State) -> None:
    walk = Walk.objects.create()
    if state is State.CANCELLED:
        store.request_cancel(walk)
    else:
        assert store.claim(walk)
        if state is not State.STARTED:
            walk.fence = walk.run_id
            assert store.finish(walk, Ending(state))
    fresh = Walk.objects.get(pk=walk.pk)
    assert str(state) in refused(lambda _, p: p.chain_to(fresh), InvalidStateError)


def test_one_that_was_deleted() -> None:
    def chain(_: Scripted, p: Progress) -> None:
        walk = Walk.objects.create()
        Walk.objects.filter(pk=walk.pk).delete()
        p.chain_to(walk)

    assert "deleted" in refused(chain, InvalidStateError)


def test_one_that_another_operation_was_chained_to() -> None:
    walk = Walk.objects.create()
    other = Walk.objects.create()
    LiveOperation.objects.filter(pk=other.pk).update(next_operation=walk.pk)
    assert "already" in refused(lambda _, p: p.chain_to(walk), InvalidStateError)


def test_one_that_is_taken_at_the_same_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = Walk.objects.create()
    other = Walk.objects.create()
    LiveOperation.objects.filter(pk=other.pk).update(next_operation=walk.pk)
    monkeypatch.setattr(store, "is_chained_to", lambda _: False)
    assert "already" in refused(lambda _, p: p.chain_to(walk), InvalidStateError)


def test_one_that_cannot_be_enqueued() -> None:
    def chain(operation: Scripted, p: Progress) -> None:
        following = Walk.objects.create(stages_to_run=["Nonsense"])
        with p.stage("Load"):
            try:
                p.chain_to(following)
            finally:
                assert stored(operation).stage_states == {"Load": "active"}
                p.log("inside")

    assert "Nonsense" in refused(chain, ConfigurationError)
    assert LogLine.objects.get(text="inside").stage == "Load"


def test_after_error() -> None:
    def body(_: Scripted, p: Progress) -> None:
        p.error("It will not do.")
        with pytest.raises(InvalidStateError, match="ends as failed"):
            p.chain_to(Walk.objects.create())

    operation, _ = run_scripted(body)
    assert operation.get_state() == State.FINISHED_ERROR
    assert Walk.objects.get().get_state() == State.NOT_STARTED


def test_twice(caplog: pytest.LogCaptureFixture) -> None:
    def body(_: Scripted, p: Progress) -> None:
        p.chain_to(Walk.objects.create())
        for late in (lambda: p.chain_to(Walk.objects.create()), lambda: p.result(late=1)):
            with pytest.raises(InvalidStateError, match="call that last, and once"):
                late()
        with pytest.raises(InvalidStateError, match="call that last, and once"):
            p.error("late")
        with pytest.raises(InvalidStateError, match="has ended"), p.stage("Save"):
            pytest.fail("the stage began")

    operation, _ = run_scripted(body)
    assert operation.get_state() == State.FINISHED_OK
    assert operation.result_context is None
    assert Walk.objects.filter(state=State.NOT_STARTED).count() == 1
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_what_comes_after_it_changes_nothing_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def body(_: Scripted, p: Progress) -> None:
        p.chain_to(Walk.objects.create())
        p.log("too late")
        raise ValueError("too late as well")

    operation, recorder = run_scripted(body)
    assert operation.get_state() == State.FINISHED_OK
    assert stored(operation.next_operation).state == State.FINISHED_OK
    assert recorder.updates[-1].finished is not None
    assert "it stays FINISHED_OK" in caplog.text
    assert "said after chain_to() is lost" in caplog.text


def test_an_operation_that_was_cancelled_does_not_go_on() -> None:
    def body(operation: Scripted, p: Progress) -> None:
        store.request_cancel(stored(operation))
        with pytest.raises(OperationCancelled):
            p.chain_to(Walk.objects.create())
        p.check_cancelled()

    operation, _ = run_scripted(body)
    assert operation.get_state() == State.CANCELLED
    assert Walk.objects.get().get_state() == State.NOT_STARTED


@pytest.mark.parametrize("pump", PUMPS)
def test_inside_a_transaction_it_counts_from_the_commit(pump: Any) -> None:
    seen: list[Any] = []

    def body(_: Scripted, p: Progress) -> None:
        with transaction.atomic():
            walk = Walk.objects.create()
            p.log("inside")
            p.chain_to(walk)
            seen.append(stored(walk).state)
        seen.append(stored(walk).state)

    operation, recorder = run_scripted(body, pump=pump())
    assert seen == [State.NOT_STARTED, State.FINISHED_OK]
    assert operation.get_state() == State.FINISHED_OK
    assert LogLine.objects.filter(operation=operation.pk, text="inside").exists()
    assert recorder.updates[-1].finished is not None


@pytest.mark.parametrize("pump", PUMPS)
def test_a_rollback_takes_it_back(pump: Any, caplog: pytest.LogCaptureFixture) -> None:
    def body(_: Scripted, p: Progress) -> None:
        try:
            with transaction.atomic():
                p.chain_to(Walk.objects.create())
                raise Rollback
        except Rollback:
            p.log("taken back")

    operation, recorder = run_scripted(body, pump=pump())
    assert operation.get_state() == State.FINISHED_OK
    assert operation.next_operation_id is None
    assert not Walk.objects.exists()
    assert LogLine.objects.filter(operation=operation.pk, text="taken back").exists()
    last = recorder.updates[-1].finished
    assert last is not None
    assert last.following is None
    assert "took back the chain" in caplog.text


def test_after_a_rollback_an_error_still_fails_the_operation() -> None:
    def body(_: Scripted, p: Progress) -> None:
        with transaction.atomic():
            p.chain_to(Walk.objects.create())
            raise Rollback

    operation, _ = run_scripted(body)
    assert operation.get_state() == State.FINISHED_ERROR
    assert operation.next_operation_id is None


def test_after_a_rollback_everything_is_as_before() -> None:
    def body(operation: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            try:
                with transaction.atomic():
                    p.chain_to(Walk.objects.create())
                    assert operation.get_state() == State.STARTED
                    raise Rollback
            except Rollback:
                assert operation.get_state() == State.STARTED
                assert operation.stage_states == {"Load": "active"}
                p.log("still loading")
        with p.stage("Save"):
            pass

    operation, _ = run_scripted(body)
    assert operation.stage_states == {"Load": "done", "Save": "done"}
    assert LogLine.objects.get(text="still loading").stage == "Load"


def test_inside_a_transaction_a_stage_is_refused_after_it() -> None:
    def body(_: Scripted, p: Progress) -> None:
        with transaction.atomic():
            p.chain_to(Walk.objects.create())
            with pytest.raises(InvalidStateError, match="has ended"), p.stage("Save"):
                pytest.fail("the stage began")

    operation, _ = run_scripted(body)
    assert (operation.get_state(), operation.stage_states) == (State.FINISHED_OK, {})


@pytest.mark.parametrize("way", ["enqueued", "handed on"])
def test_a_hook_of_user_code_that_fails_stops_no_chain(way: str) -> None:
    given: list[LiveOperation] = []

    def fail() -> None:
        raise ValueError("a hook failed")

    def body(_: Scripted, p: Progress) -> None:
        if way == "handed on":
            p._hand_on = given.append
        with transaction.atomic():
            transaction.on_commit(fail)
            p.chain_to(Walk.objects.create())

    operation, recorder = run_scripted(body)
    assert operation.get_state() == State.FINISHED_OK
    walk = Walk.objects.get()
    assert given == ([walk] if way == "handed on" else [])
    assert walk.state == (State.NOT_STARTED if given else State.FINISHED_OK)
    assert [update.finished is not None for update in recorder.updates].count(True) == 1


def test_a_long_chain_at_once() -> None:
    length = 120

    def body(operation: Scripted, p: Progress) -> None:
        number = int(operation.note or 0) + 1
        if number < length:
            p.chain_to(Scripted.objects.create(note=str(number)))

    Scripted.body = body
    first = Scripted.objects.create()
    first.enqueue()
    rows = LiveOperation.objects.filter(state=State.FINISHED_OK)
    assert rows.count() == length
    assert rows.filter(next_operation=None).count() == 1


def test_two_threads_chain_at_the_same_moment() -> None:
    def body(operation: Scripted, p: Progress) -> None:
        following = [Walk.objects.create(), Walk.objects.create()]
        finish = store.finish

        def overtaken(one: LiveOperation, ending: Ending, **more: Any) -> bool:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(store, "finish", finish)
                assert finish(one, ending, following=following[1])
            return finish(one, ending, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "finish", overtaken)
            with pytest.raises(InvalidStateError, match="once"):
                p.chain_to(following[0])
        # What the other thread wrote stands in this transaction's place no more: it was undone.
        assert stored(operation).state == State.STARTED

    run_scripted(body)


def test_after_a_rollback_it_may_chain_again() -> None:
    def body(_: Scripted, p: Progress) -> None:
        try:
            with transaction.atomic():
                p.chain_to(Walk.objects.create())
                raise Rollback
        except Rollback:
            p.chain_to(Walk.objects.create())

    operation, _ = run_scripted(body)
    assert stored(operation.next_operation).state == State.FINISHED_OK


def test_a_transaction_around_the_whole_run_is_its_own_world() -> None:
    with transaction.atomic():
        operation, recorder = run_scripted(lambda _, p: p.chain_to(Walk.objects.create()))
        assert operation.get_state() == State.FINISHED_OK
        last = recorder.updates[-1].finished
        assert last is not None
        assert last.following is not None
        assert stored(operation.next_operation).state == State.NOT_STARTED
    assert stored(operation.next_operation).state == State.FINISHED_OK
    assert [update.finished is not None for update in recorder.updates].count(True) == 1


def test_a_restart_lets_go_of_what_followed() -> None:
    operation, _ = run_scripted(lambda _, p: p.chain_to(Walk.objects.create()))
    Scripted.body = lambda *_: None
    control.restart(operation)
    row = stored(operation)
    assert row.state == State.FINISHED_OK
    assert row.next_operation_id is None


def test_the_next_one_is_kept_when_the_one_before_is_deleted() -> None:
    operation, _ = run_scripted(lambda _, p: p.chain_to(Walk.objects.create()))
    following = operation.next_operation
    operation.delete()
    assert stored(following).state == State.FINISHED_OK


def test_the_one_before_is_kept_when_the_next_one_is_deleted() -> None:
    operation, _ = run_scripted(lambda _, p: p.chain_to(Walk.objects.create()))
    Walk.objects.get().delete()
    row = stored(operation)
    assert (row.state, row.next_operation_id) == (State.FINISHED_OK, None)
