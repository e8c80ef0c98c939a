"""Signals about whole operations: claimed, finished, interrupted, released; each once."""

import logging
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from liveops import control, events, shutdown, signals, store
from liveops.exceptions import OperationCancelled, OperationError, OperationInterrupted
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.pumps import InlinePump
from liveops.reaping import Reaper
from liveops.runners.base import Runner, end_unstarted
from liveops.runners.executor import execute
from liveops.signals import Reason
from liveops.states import State
from tests.integration.helpers import run_scripted
from tests.integration.observing import Heard, briefly, listening
from tests.integration.resuming import Voyage
from tests.integration.resuming import carry_out as carry_on
from tests.testapp.models import AsyncScripted, Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)

BEGAN = ("operation_claimed",)
OVER = ("operation_released",)


def ended(state: str, text: str = "") -> tuple[str, str, str]:
    return ("operation_finished", state, text)


def idle(_: Any, p: Progress) -> None:
    """Do nothing."""


@pytest.fixture
def heard() -> Iterator[list[Heard]]:
    """Return the signals that are sent."""
    with listening() as found:
        yield found


class Refusing(Runner):
    """Takes nothing."""

    def enqueue(self, operation: LiveOperation) -> None:
        """Refuse."""
        raise ConnectionError


def raising(error: BaseException) -> Any:
    """Return a body that raises."""

    def body(_: Any, p: Progress) -> None:
        raise error

    return body


def test_a_run_is_claimed_and_released_around_all_else(heard: list[Heard]) -> None:
    operation, _ = run_scripted(idle)
    assert briefly(heard) == [BEGAN, ended("FINISHED_OK"), OVER]
    assert {one.operation.pk for one in heard} == {operation.pk}
    assert {one.sender for one in heard} == {Scripted}
    (run_id,) = {one.run_id for one in heard}
    assert run_id == operation.run_id
    assert heard[1].values["state"] is State.FINISHED_OK
    assert heard[1].values["seconds"] > 0
    assert not any(one.in_transaction for one in heard)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OperationError("The file is empty."), ended("FINISHED_ERROR", "The file is empty.")),
        (
            ValueError("secret"),
            ended("FINISHED_ERROR", "It stopped with an unexpected error (ValueError)."),
        ),
        (OperationCancelled("by you"), ended("CANCELLED")),
        (OperationInterrupted("down"), ("operation_interrupted", "stopped")),
    ],
    ids=["failed", "unexpected", "cancelled", "interrupted"],
)
@pytest.mark.parametrize("model", [Scripted, AsyncScripted])
def test_the_end_says_how_it_went(
    heard: list[Heard], error: BaseException, told: Any, model: Any
) -> None:
    async def body(_: Any, p: Progress) -> None:
        raise error

    run_scripted(raising(error) if model is Scripted else body, model=model)
    assert briefly(heard) == [BEGAN, told, OVER]


def test_a_process_that_leaves_tells_before_it_goes(heard: list[Heard]) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_scripted(raising(KeyboardInterrupt()))
    assert briefly(heard) == [BEGAN, ("operation_interrupted", "stopped"), OVER]


def test_the_end_is_stored_when_it_is_told() -> None:
    states: list[str] = []

    def look(sender: Any, operation: Any, **_: Any) -> None:
        states.append(sender.objects.get(pk=operation.pk).state)

    for signal in (signals.operation_claimed, signals.operation_finished):
        signal.connect(look)
    try:
        run_scripted(idle)
    finally:
        for signal in (signals.operation_claimed, signals.operation_finished):
            signal.disconnect(look)
    assert states == ["STARTED", "FINISHED_OK"]


def test_a_receiver_may_speak_to_watchers() -> None:
    def greet(sender: Any, operation: Any, **_: Any) -> None:
        operation.progress.log("hello from a receiver")

    signals.operation_claimed.connect(greet)
    try:
        operation, _ = run_scripted(idle)
    finally:
        signals.operation_claimed.disconnect(greet)
    assert operation.log_lines.get().text == "hello from a receiver"


def test_both_operations_of_a_chain_have_an_end(heard: list[Heard]) -> None:
    following = Walk.objects.create(items=0)

    def body(_: Any, p: Progress) -> None:
        with p.stage("Load"):
            p.chain_to(following)

    first, _ = run_scripted(body)
    own = [one for one in heard if one.operation.pk == first.pk]
    assert [one.name for one in own] == [
        "operation_claimed",
        "stage_started",
        "attempt_started",
        "attempt_finished",
        "stage_finished",
        "operation_finished",
        "operation_released",
    ]
    assert own[4].values["outcome"] == "done"
    assert own[5].operation.next_operation_id == following.pk
    ends = [one for one in heard if one.name == "operation_finished"]
    assert [one.operation.pk for one in ends] == [first.pk, following.pk]


def test_a_chain_that_is_rolled_back_has_not_finished(heard: list[Heard]) -> None:
    def body(_: Any, p: Progress) -> None:
        with transaction.atomic():
            p.chain_to(Walk.objects.create(items=0))
            transaction.set_rollback(True)

    run_scripted(body)
    assert briefly(heard) == [BEGAN, ended("FINISHED_OK"), OVER]
    assert heard[1].operation.next_operation_id is None


def test_a_lost_run_is_only_released(heard: list[Heard]) -> None:
    def body(operation: Any, p: Progress) -> None:
        assert store.interrupt(operation, operation.run_id)
        p.check_cancelled()

    run_scripted(body)
    assert briefly(heard) == [BEGAN, OVER]


def test_a_run_that_does_not_stop_in_time_is_told_of_once(heard: list[Heard]) -> None:
    def body(operation: Any, p: Progress) -> None:
        shutdown._end_from_outside(p._run)
        p.check_cancelled()

    run_scripted(body)
    assert briefly(heard) == [BEGAN, ("operation_interrupted", "cut_off"), OVER]
    assert heard[1].run_id == heard[0].run_id


def test_a_dead_run_is_told_of_by_whoever_reaps_it(heard: list[Heard]) -> None:
    operation = LiveOperation.objects.get(pk=Walk.objects.create().pk)
    claim = store.claim(operation.specific)
    assert claim is not None
    LiveOperation.objects.filter(pk=operation.pk).update(started_on="2020-01-01T00:00Z")
    operation.live_progress.__class__.objects.update(heartbeat_on="2020-01-01T00:00Z")
    now = [0.0]
    reapers = [Reaper(clock=lambda: now[0]) for _ in range(2)]
    for _ in range(3):
        for reaper in reapers:
            reaper.round()
        now[0] += reapers[0].confirm_seconds
    assert briefly(heard) == [("operation_interrupted", "reaped")]
    assert (heard[0].sender, heard[0].run_id) == (Walk, claim.run_id)
    assert heard[0].operation.get_state() == "INTERRUPTED"


def test_an_operation_of_a_class_that_is_gone_is_told_of_as_any(heard: list[Heard]) -> None:
    operation = LiveOperation.objects.create(operation_type="testapp.Gone")
    events.interrupted(operation, uuid.uuid4(), Reason.REAPED)
    assert heard[0].sender is LiveOperation


def test_what_is_cancelled_before_it_runs_has_an_end(heard: list[Heard]) -> None:
    operation = LiveOperation.objects.get(pk=Walk.objects.create().pk)
    control.cancel(operation)
    assert briefly(heard) == [ended("CANCELLED")]
    assert (heard[0].sender, heard[0].run_id, heard[0].values["seconds"]) == (Walk, None, 0.0)
    assert heard[0].operation.get_state() == "CANCELLED"


def test_a_cancel_that_is_rolled_back_is_not_told(heard: list[Heard]) -> None:
    operation = Walk.objects.create()
    with transaction.atomic():
        control.cancel(operation)
        transaction.set_rollback(True)
    assert heard == []


def test_what_no_runner_takes_has_an_end(heard: list[Heard], settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": f"{__name__}.Refusing"}
    Walk.objects.create().enqueue()
    text = "The operation could not be started: the runner did not take it."
    assert briefly(heard) == [ended("FINISHED_ERROR", text)]


def test_what_a_pool_cannot_start_has_an_end(heard: list[Heard]) -> None:
    end_unstarted(Walk.objects.create())
    assert briefly(heard) == [ended("FINISHED_ERROR", "The operation could not be started.")]


def test_a_stage_that_a_resume_passes_by_is_not_told_of(heard: list[Heard]) -> None:
    Voyage.acts = {"Sail": ValueError("storm")}
    operation, _ = carry_on(Voyage._default_manager.create())
    heard.clear()
    Voyage.acts = {}
    store.resume(operation, None)
    carry_on(operation)
    started = [one.values["stage"] for one in heard if one.name == "stage_started"]
    assert started == ["Sail", "Unpack"]


def test_a_run_that_breaks_down_is_released(
    heard: list[Heard], monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish(*_: Any, **__: Any) -> bool:
        raise RuntimeError("no end")

    monkeypatch.setattr(store, "finish", finish)
    with pytest.raises(RuntimeError, match="no end"):
        execute(Walk.objects.create(items=0), pump=InlinePump(), web=False)
    assert (heard[0].brief, heard[-1].brief) == (BEGAN, OVER)
    assert "operation_finished" not in {one.name for one in heard}
    assert events._began == {}


def test_a_receiver_that_raises_stops_neither_the_run_nor_the_others(
    heard: list[Heard], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: Any) -> None:
        raise ValueError("no mail server")

    signals.operation_finished.connect(fail)
    try:
        operation, _ = run_scripted(idle)
    finally:
        signals.operation_finished.disconnect(fail)
    assert operation.get_state() == "FINISHED_OK"
    assert briefly(heard) == [BEGAN, ended("FINISHED_OK"), OVER]
    (record,) = [one for one in caplog.records if one.name == "liveops"]
    assert record.levelno == logging.ERROR
    for part in ("fail", "operation.finished", str(operation.pk), "no mail server"):
        assert part in record.getMessage()


def test_an_observer_that_raises_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: events.Event) -> None:
        raise ValueError("broken")

    events.observe(fail)
    events.observe(fail)
    try:
        operation, _ = run_scripted(idle)
    finally:
        events.ignore(fail)
    assert operation.get_state() == "FINISHED_OK"
    assert len([one for one in caplog.records if "was not noted" in one.getMessage()]) == 3
