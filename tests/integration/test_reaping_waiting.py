"""Operations that wait in vain: when they are handed over again, and by whom."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from liveops import control, store
from liveops.models import LiveOperation
from liveops.reaping import Reaper
from tests.integration.reaping import NOTING, Noting, fresh_runner, ids
from tests.integration.resuming import Voyage, break_off, stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def runner(settings: Any) -> Iterator[None]:
    settings.LIVEOPS = {"RUNNER": NOTING, "REQUEUE_SECONDS": 60.0}
    with fresh_runner():
        yield


def waiting() -> Voyage:
    """Return an operation that was handed to the runner just now, which forgot it."""
    operation = Voyage.objects.create()
    operation.enqueue()
    Noting.given.clear()
    return operation


def wait(operation: LiveOperation, seconds: float) -> None:
    """Let so much time pass for an operation that waits."""
    earlier = F("enqueued_on") - timedelta(seconds=seconds)
    LiveOperation.objects.filter(pk=operation.pk).update(enqueued_on=earlier)


def test_what_waits_too_long_is_handed_over_again() -> None:
    operation, fresh = waiting(), waiting()
    wait(operation, 61)
    wait(fresh, 50)
    assert ids(Reaper().round().handed_over) == [operation.pk]
    assert Noting.given == [operation.pk]
    assert not Reaper().round(), "the time begins anew"


def test_each_time_it_waits_twice_as_long_up_to_a_limit() -> None:
    operation = waiting()
    for seconds in [60, 120, 240, 480, 960, 1920, 3840, 3840, 3840]:
        wait(operation, seconds - 5)
        assert not Reaper().round(), seconds
        wait(operation, 6)
        assert ids(Reaper().round().handed_over) == [operation.pk], seconds
    assert stored(operation).hand_overs == 9


def test_it_is_handed_over_as_an_instance_of_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Any] = []
    monkeypatch.setattr(Noting, "enqueue", lambda self, operation: taken.append(type(operation)))
    operation = waiting()
    wait(operation, 61)
    Reaper().round()
    assert taken == [Voyage, Voyage]


@pytest.mark.parametrize("how", ["never enqueued", "started", "cancelled", "rolled back"])
def test_what_does_not_wait_for_a_runner_is_left_alone(how: str) -> None:
    operation = Voyage.objects.create()
    if how != "never enqueued":
        with transaction.atomic():
            operation.enqueue()
            transaction.set_rollback(how == "rolled back")
    wait(operation, 3_600)
    if how == "started":
        assert store.claim(operation) is not None
    if how == "cancelled":
        control.cancel(operation)
    Noting.given.clear()
    assert not Reaper().round()
    assert Noting.given == []


def test_two_reapers_hand_it_over_once(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = waiting()
    wait(operation, 61)
    seen = store.overdue("default", 60.0)
    Reaper().round()
    monkeypatch.setattr(store, "overdue", lambda *_: seen)
    assert not Reaper().round(), "what it saw is over"
    assert Noting.given == [operation.pk]


def test_a_runner_that_refuses_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    operation = waiting()
    wait(operation, 61)
    Noting.refusal = ConnectionError("the broker is away")
    Reaper().round()
    assert stored(operation).get_state() == "NOT_STARTED", "it may lie in the queue all the same"
    assert "did not take operation" in caplog.text
    wait(operation, 121)
    Noting.refusal = None
    assert ids(Reaper().round().handed_over) == [operation.pk]


def test_one_whose_class_is_gone_keeps_nobody_from_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lost, operation = waiting(), waiting()
    LiveOperation.objects.filter(pk=lost.pk).update(operation_type="gone.Away")
    wait(lost, 100)
    wait(operation, 61)
    assert ids(Reaper().round().handed_over) == [operation.pk]
    assert not Reaper().round()
    assert caplog.text.count("cannot be run") == 1


def test_a_wrong_clock_of_this_process_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = waiting()
    tomorrow = timezone.now() + timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    assert not Reaper().round()
    wait(operation, 61)
    assert ids(Reaper().round().handed_over) == [operation.pk]


@pytest.mark.parametrize("act", [control.resume, control.restart])
def test_a_new_start_waits_from_then_on(act: Any, settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": "eager"}
    operation = break_off()
    settings.LIVEOPS = {"RUNNER": NOTING}
    LiveOperation.objects.update(enqueued_on=timezone.now() - timedelta(days=1), hand_overs=4)
    act(operation)
    assert stored(operation).hand_overs == 0
    assert not Reaper().round()
    wait(operation, 61)
    assert ids(Reaper().round().handed_over) == [operation.pk]


def test_looking_alone_hands_nothing_over() -> None:
    operation = waiting()
    wait(operation, 61)
    assert not Reaper().round(hands_over=False)
    assert Noting.given == []
