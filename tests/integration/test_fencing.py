"""Claim and fence: one run at a time, and an instance that is behind undoes nothing."""

import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liveops import store
from liveops.exceptions import FenceLost, InvalidStateError
from liveops.models import LiveOperation, LiveProgress, LogLine
from liveops.progress import Progress
from liveops.progress.pumps import InlinePump
from liveops.runners.executor import execute
from liveops.states import State
from liveops.store import Ending
from tests.integration.helpers import run_scripted
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


def fresh(operation: LiveOperation) -> Scripted:
    return Scripted.objects.get(pk=operation.pk)


def take_over(operation: LiveOperation) -> uuid.UUID:
    """Give the operation to another run, as a reaper and a new runner would."""
    other = uuid.uuid4()
    LiveOperation.objects.filter(pk=operation.pk).update(run_id=other)
    LiveProgress.objects.filter(pk=operation.pk).update(run_id=other)
    return other


def test_only_one_of_two_claims_wins() -> None:
    Scripted.objects.create()
    first, second = Scripted.objects.get(), Scripted.objects.get()
    assert store.claim(first) is not None
    assert store.claim(second) is None
    assert second.fence is None


def test_the_user_s_own_save_carries_the_fence() -> None:
    seen: list[str] = []

    def body(op: Scripted, p: Progress) -> None:
        op.note = "still mine"
        op.save()
        assert fresh(op).note == "still mine"
        take_over(op)
        for fields in (None, ["note"], ["current_stage"]):
            op.note = "no longer mine"
            try:
                op.save(update_fields=fields)
            except FenceLost as error:
                seen.append(str(error))
        op.save()

    operation, _ = run_scripted(body)
    assert len(seen) == 3
    assert operation.note == "still mine"
    assert operation.get_state() == "STARTED", "the other run goes on"


def test_a_run_that_lost_its_fence_writes_nothing_more() -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            p.log("before")
        take_over(op)
        p.log("after")
        with p.stage("Save"):
            pytest.fail("the stage must not begin")

    operation, recorder = run_scripted(body)
    assert operation.get_state() == "STARTED"
    assert operation.stage_states == {"Load": "done"}
    assert list(LogLine.objects.values_list("text", flat=True)) == ["before"]
    assert all(update.finished is None for update in recorder.updates)
    assert recorder.closed


def test_a_second_delivery_finds_nothing_to_do() -> None:
    bodies: list[int] = []
    Scripted.body = lambda op, p: bodies.append(1)
    operation = Scripted.objects.create()
    assert execute(fresh(operation), pump=InlinePump(), web=False) is State.FINISHED_OK
    assert execute(fresh(operation), pump=InlinePump(), web=False) is None
    assert bodies == [1]


def test_an_instance_from_before_the_run_undoes_nothing() -> None:
    Scripted.body = lambda op, p: p.result({"a": 1})
    operation = Scripted.objects.create()
    execute(fresh(operation), pump=InlinePump(), web=False)
    operation.note = "edited meanwhile"
    operation.save()
    row = fresh(operation)
    assert row.note == "edited meanwhile"
    assert row.get_state() == "FINISHED_OK"
    assert row.result_context == {"a": 1}
    assert row.run_id is not None


def test_a_save_inside_the_run_does_not_take_back_a_cancel() -> None:
    def body(op: Scripted, p: Progress) -> None:
        store.request_cancel(fresh(op))
        op.note = "saved"
        op.save()
        p.check_cancelled()

    operation, _ = run_scripted(body)
    assert operation.note == "saved"
    assert operation.cancel_requested
    assert operation.get_state() == "CANCELLED"


def test_a_change_made_on_purpose_is_saved() -> None:
    operation = Scripted.objects.create()
    operation.cancel_requested = True
    operation.save()
    assert fresh(operation).cancel_requested


COLUMNS = st.fixed_dictionaries(
    {
        "started": st.booleans(),
        "finished": st.booleans(),
        "finished_successfully": st.booleans(),
        "cancelled": st.booleans(),
        "interrupted": st.booleans(),
    }
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(columns=COLUMNS)
def test_python_and_the_database_agree_on_the_state(columns: dict[str, bool], db: Any) -> None:
    operation = Scripted.objects.create()
    moment = operation.created_on
    operation.started_on = moment if columns["started"] else None
    operation.finished_on = moment if columns["finished"] else None
    operation.finished_successfully = columns["finished_successfully"]
    operation.cancelled = columns["cancelled"]
    operation.interrupted = columns["interrupted"]
    operation.save()
    state = LiveOperation.objects.values_list("state", flat=True).get(pk=operation.pk)
    assert operation.get_state() == state


STEPS = st.lists(
    st.sampled_from(["claim", "claim2", "finish", "finish2", "cancel", "restart", "take", "save"]),
    max_size=12,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_no_interleaving_lets_two_runs_own_it(steps: list[str], db: Any) -> None:
    """Two runners, a canceller and a reaper in any order: at most one fence is the row's."""
    row = Scripted.objects.create()
    runners = {"": fresh(row), "2": fresh(row)}
    for step in steps:
        before = fresh(row)
        runner = runners["2" if step.endswith("2") else ""]
        owned = runner.fence is not None and runner.fence == before.run_id
        running = before.get_state() == "STARTED"
        match step.rstrip("2"):
            case "claim":
                won = store.claim(runner) is not None
                assert won == (before.get_state() == "NOT_STARTED")
            case "finish" if runner.fence is not None:
                assert store.finish(runner, Ending(State.FINISHED_OK)) == (owned and running)
            case "save" if runner.fence is not None:
                runner.note = str(runner.fence)
                try:
                    runner.save()
                    assert owned
                except FenceLost:
                    assert not owned
            case "take" if running:
                take_over(row)
            case "cancel" | "restart" as action:
                ended = before.get_state() not in ("NOT_STARTED", "STARTED")
                refused = ended if action == "cancel" else not ended
                change = store.request_cancel if action == "cancel" else store.restart
                if refused:
                    with pytest.raises(InvalidStateError):
                        change(fresh(row))
                else:
                    change(fresh(row))
        fences = [r.fence for r in runners.values() if r.fence is not None]
        assert len(set(fences)) == len(fences), "no fence is given twice"
