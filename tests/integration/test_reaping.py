"""Dead runs: which are ended, when, and what is left of them."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from liveops import registry, store
from liveops.exceptions import FenceLost
from liveops.models import LiveOperation, LiveProgress
from liveops.progress.redaction import Redactor
from liveops.reaping import Reaper, reap_once
from liveops.states import State
from tests.integration.edge import HeldRun
from tests.integration.reaping import (
    HandClock,
    dead,
    fall_silent,
    ids,
    look_twice,
    started,
    state_of,
)
from tests.integration.resuming import stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def reaper(clock: HandClock) -> Reaper:
    return Reaper(clock)


def test_a_dead_run_is_ended_and_its_stage_interrupted(reaper: Reaper, clock: HandClock) -> None:
    operation = dead(Pack="done", Sail="active")
    found = look_twice(reaper, clock)
    after = stored(operation)
    assert ids(found.interrupted) == [operation.pk]
    assert after.get_state() == "INTERRUPTED"
    assert after.stage_states == {"Pack": "done", "Sail": "interrupted"}
    assert (after.run_id, after.finished_successfully) == (None, False)
    assert after.finished_on is not None
    assert after.can_resume
    assert reaper.round().interrupted == []


def test_the_dead_run_can_write_nothing_more(reaper: Reaper, clock: HandClock) -> None:
    operation = dead()
    look_twice(reaper, clock)
    with pytest.raises(FenceLost):
        store.save_rows(operation, {"percent": 50.0}, keep_lines=10)
    with pytest.raises(FenceLost):
        operation.save(update_fields=["current_stage"])
    assert not store.finish(operation, store.Ending(State.FINISHED_OK))
    assert state_of(operation) == "INTERRUPTED"


def test_what_is_shown_from_then_on_is_newer_than_all_it_showed(
    reaper: Reaper, clock: HandClock
) -> None:
    operation = dead()
    LiveProgress.objects.update(seq=70)
    look_twice(reaper, clock)
    assert LiveProgress.objects.get(pk=operation.pk).seq > 1_000


def test_one_look_is_not_enough_nor_are_two_in_a_hurry(reaper: Reaper, clock: HandClock) -> None:
    operation = dead()
    found = look_twice(reaper, clock, wait=reaper.confirm_seconds - 0.5)
    assert (found.interrupted, found.suspects) == ([], 1)
    assert found.look_again_in == pytest.approx(0.5)
    clock.now += 0.5
    assert ids(reaper.round().interrupted) == [operation.pk]


@pytest.mark.parametrize(("silent", "dies"), [(14.0, False), (17.0, True)])
def test_a_run_is_stale_after_its_seconds(
    silent: float, dies: bool, reaper: Reaper, clock: HandClock
) -> None:
    operation = started()
    fall_silent(operation, silent)
    look_twice(reaper, clock, wait=reaper.confirm_seconds)
    assert (state_of(operation) == "INTERRUPTED") is dies


def test_a_sign_of_life_between_the_looks_saves_a_run(reaper: Reaper, clock: HandClock) -> None:
    operation = dead()
    assert reaper.round().suspects == 1
    store.save_rows(operation, {"percent": 50.0}, keep_lines=10)
    clock.now += reaper.confirm_seconds
    assert reaper.round().suspects == 0
    fall_silent(operation, 60.0)
    clock.now += reaper.confirm_seconds
    assert reaper.round().suspects == 1, "it begins anew"
    clock.now += reaper.confirm_seconds
    assert ids(reaper.round().interrupted) == [operation.pk]


def test_another_old_sign_of_life_begins_anew(reaper: Reaper, clock: HandClock) -> None:
    operation = dead()
    reaper.round()
    fall_silent(operation, 60.0)  # it lived between the looks, and is silent again
    clock.now += reaper.confirm_seconds
    assert reaper.round().interrupted == []
    clock.now += reaper.confirm_seconds
    assert ids(reaper.round().interrupted) == [operation.pk]


def test_looks_that_are_far_apart_do_not_count_together(reaper: Reaper, clock: HandClock) -> None:
    operation = dead()
    assert look_twice(reaper, clock, wait=600.0).interrupted == []
    clock.now += reaper.confirm_seconds
    assert ids(reaper.round().interrupted) == [operation.pk]


def test_a_run_of_this_process_is_left_alone(
    run: HeldRun, reaper: Reaper, clock: HandClock
) -> None:
    fall_silent(run.operation)
    assert look_twice(reaper, clock).suspects == 0
    assert state_of(run.operation) == "STARTED"


def test_an_older_run_of_an_operation_that_runs_here_is_no_excuse(
    reaper: Reaper, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = dead()
    here = SimpleNamespace(run_id=None, redactor=Redactor())
    monkeypatch.setattr(registry, "find", lambda pk: here)
    assert ids(look_twice(reaper, clock).interrupted) == [operation.pk]


@pytest.mark.parametrize("minutes", [-600, -10, 10, 600])
def test_a_wrong_clock_of_a_worker_changes_nothing(
    minutes: int, reaper: Reaper, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = timezone.now() + timedelta(minutes=minutes)
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: wrong)
        alive, gone = started(), dead()
        found = look_twice(reaper, clock)  # this process's clock is wrong, too
    assert ids(found.interrupted) == [gone.pk]
    assert state_of(alive) == "STARTED"


def test_a_run_without_progress_counts_from_its_start(reaper: Reaper, clock: HandClock) -> None:
    operation, fresh = started(), started()
    LiveProgress.objects.all().delete()
    long_ago = timezone.now() - timedelta(hours=1)
    LiveOperation.objects.filter(pk=operation.pk).update(started_on=long_ago)
    assert ids(look_twice(reaper, clock).interrupted) == [operation.pk]
    assert state_of(fresh) == "STARTED"


@pytest.mark.parametrize("state", [s for s in State if s is not State.STARTED])
def test_only_what_runs_is_reaped(state: State, reaper: Reaper, clock: HandClock) -> None:
    operation = dead()
    if state is State.NOT_STARTED:
        LiveOperation.objects.update(started_on=None)
    else:
        store.finish(operation, store.Ending(state))
    found = look_twice(reaper, clock)
    assert (found.suspects, bool(found)) == (0, False)
    assert state_of(operation) == state


def test_a_life_sign_at_the_last_moment_is_heeded() -> None:
    operation = dead()
    run_id = operation.fence
    store.save_rows(operation, {"percent": 50.0}, keep_lines=10)
    assert not store.interrupt_stale(operation, run_id, 15.0)
    fall_silent(operation)
    assert store.interrupt_stale(operation, run_id, 15.0)
    assert not store.interrupt_stale(operation, run_id, 15.0)


def test_reaping_once_waits_only_if_there_are_suspects(clock: HandClock) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock.now += seconds

    assert not reap_once(Reaper(clock), wait)
    assert waits == []
    operation = dead()
    assert ids(reap_once(Reaper(clock), wait).interrupted) == [operation.pk]
    assert waits == [Reaper().confirm_seconds]
