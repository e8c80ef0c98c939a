"""Reaping amid trouble: the database away, rows held, several reapers, receivers that fail."""

import threading
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connections

from liveops import reaping, store
from liveops.models import LiveOperation
from liveops.reaping import Reaper
from liveops.signals import Reason, operation_interrupted
from tests.integration.reaping import HandClock, dead, ids, look_twice
from tests.integration.resuming import stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def reaper(clock: HandClock) -> Reaper:
    return Reaper(clock)


def test_a_look_that_failed_lets_all_begin_anew(
    reaper: Reaper, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = dead()
    reaper.round()
    clock.now += reaper.confirm_seconds

    def away(*_: object) -> Any:
        raise OperationalError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(store, "stale_runs", away)
        with pytest.raises(DatabaseError):
            reaper.round()
    assert reaper.round().interrupted == [], "nobody could give a sign of life meanwhile"
    clock.now += reaper.confirm_seconds
    assert ids(reaper.round().interrupted) == [operation.pk]


def test_two_reapers_at_once_end_a_run_once() -> None:
    operations = [dead() for _ in range(5)]
    clocks = HandClock(), HandClock()
    reapers = [Reaper(clock) for clock in clocks]
    told: list[Any] = []
    rounds: list[reaping.Round] = []
    start = threading.Barrier(2)

    def look(reaper: Reaper) -> None:
        try:
            start.wait(10)
            rounds.append(reaper.round())
        finally:
            connections.close_all()

    def receiver(operation: Any, **_: Any) -> None:
        told.append(operation.pk)

    for reaper, clock in zip(reapers, clocks, strict=True):
        reaper.round()
        clock.now += reaper.confirm_seconds
    operation_interrupted.connect(receiver)
    try:
        threads = [threading.Thread(target=look, args=[reaper]) for reaper in reapers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        rounds += [reaper.round() for reaper in reapers]  # what was locked when its turn came
    finally:
        operation_interrupted.disconnect(receiver)
    done = [pk for found in rounds for pk in ids(found.interrupted)]
    assert sorted(done) == sorted(ids(operations))
    assert sorted(told) == sorted(done)


def test_the_signal_says_what_happened_and_trouble_with_it_is_no_trouble(
    reaper: Reaper, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    operation, other = dead(), dead()
    run_ids = {operation.pk: operation.run_id, other.pk: other.run_id}
    told: dict[Any, Any] = {}

    def receiver(sender: Any, operation: Any, run_id: Any, reason: str, **_: Any) -> None:
        told[operation.pk] = (sender, operation.get_state(), run_id, reason)
        raise ZeroDivisionError

    operation_interrupted.connect(receiver)
    try:
        found = look_twice(reaper, clock)
    finally:
        operation_interrupted.disconnect(receiver)
    assert len(found.interrupted) == 2
    sender = type(stored(operation))
    assert told == {pk: (sender, "INTERRUPTED", run, Reason.REAPED) for pk, run in run_ids.items()}
    assert "silent since" in caplog.text


def test_a_row_that_is_held_is_reaped_later_and_said_once(
    reaper: Reaper,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    held, free = dead(), dead()
    real = store.interrupt_stale

    def interrupt(operation: Any, *arguments: Any) -> bool:
        if operation.pk == held.pk:
            raise OperationalError("lock timeout")
        return real(operation, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(store, "interrupt_stale", interrupt)
        assert ids(look_twice(reaper, clock).interrupted) == [free.pk]
        for _ in range(3):
            clock.now += 5
            found = reaper.round()
            assert (found.interrupted, found.suspects, found.look_again_in) == ([], 1, None)
    assert caplog.text.count("is reaped later") == 1
    clock.now += 5
    assert ids(reaper.round().interrupted) == [held.pk]


def test_one_that_was_deleted_meanwhile_is_forgotten(
    reaper: Reaper, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = dead()
    reaper.round()
    stale = store.stale_runs("default", 15.0)
    LiveOperation.objects.filter(pk=operation.pk).delete()
    clock.now += reaper.confirm_seconds
    monkeypatch.setattr(store, "stale_runs", lambda *_: stale)
    found = reaper.round()
    assert (found.interrupted, found.suspects) == ([], 0)


def test_one_whose_class_is_gone_ends_all_the_same(
    reaper: Reaper, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    operation = dead()
    LiveOperation.objects.update(operation_type="gone.Away")
    assert ids(look_twice(reaper, clock).interrupted) == [operation.pk]
    assert LiveOperation.objects.get().get_state() == "INTERRUPTED"
    assert "no watcher is told" in caplog.text
