"""Operations that go on by themselves after an interruption: how often, when not, what is shown."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from liveops import control, registry, store
from liveops.models import LiveOperation
from liveops.progress.view import ControlAction
from liveops.reaping import Reaper
from liveops.states import RESUMABLE_STATES, State
from tests.integration.edge import person
from tests.integration.reaping import (
    NOTING,
    HandClock,
    Homing,
    Noting,
    dead,
    fall_silent,
    fresh_runner,
    ids,
    look_twice,
    state_of,
)
from tests.integration.resuming import PHASES, Voyage, bodies, break_off, carry_out, stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def acts(settings: Any) -> Iterator[dict[str, Any]]:
    """Return what each stage is to do; nothing at first."""
    settings.LIVEOPS = {"RUNNER": NOTING}
    PHASES.clear()
    Voyage.acts = Homing.acts = {}
    with fresh_runner():
        yield Homing.acts
    Voyage.acts = Homing.acts = {}


def test_it_goes_on_where_it_was_when_its_run_died(acts: dict[str, Any]) -> None:
    clock = HandClock()

    def die(op: Any, p: Any) -> None:
        p._run.flush()
        registry.remove(p._run)  # as seen from another process
        fall_silent(op)
        assert len(look_twice(Reaper(clock), clock).resumed) == 1

    acts.update(Pack="bags", Sail=die)
    operation = Homing.objects.create()
    carry_out(operation)
    waiting = stored(operation)
    assert (waiting.get_state(), waiting.stage_states) == ("NOT_STARTED", {"Pack": "done"})
    assert Noting.given == [operation.pk]
    PHASES.clear()
    acts["Sail"] = None
    after, _ = carry_out(operation)
    assert (after.get_state(), bodies()) == ("FINISHED_OK", ["Sail", "Unpack"])
    assert after.resumes_left == 2


def test_an_orderly_interruption_is_followed_too() -> None:
    operation = break_off(State.INTERRUPTED, model=Homing)
    assert ids(Reaper().round().resumed) == [operation.pk]
    assert Noting.given == [operation.pk]
    assert state_of(operation) == "NOT_STARTED"


def test_it_is_capped_and_counted(acts: dict[str, Any]) -> None:
    operation = break_off(State.INTERRUPTED, model=Homing)
    acts["Sail"] = KeyboardInterrupt()
    lefts = [operation.resumes_left]
    while Reaper().round().resumed:
        with pytest.raises(KeyboardInterrupt):
            carry_out(operation)
        lefts.append(stored(operation).resumes_left)
    assert lefts == [3, 2, 1, 0]
    assert state_of(operation) == "INTERRUPTED"
    assert stored(operation).can_resume, "by hand"


def test_somebody_who_resumes_or_restarts_gives_it_all_its_times_again() -> None:
    operation = break_off(State.INTERRUPTED, model=Homing)
    for act in (control.resume, control.restart):
        LiveOperation.objects.update(resumes_left=0)
        assert not Reaper().round()
        act(stored(operation))
        Homing.acts["Sail"] = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            carry_out(operation)
        assert stored(operation).resumes_left == 3


def test_a_class_that_does_not_ask_for_it_stays_interrupted() -> None:
    operation = break_off(State.INTERRUPTED)
    assert not Reaper().round()
    assert state_of(operation) == "INTERRUPTED"


@pytest.mark.parametrize("state", [s for s in RESUMABLE_STATES if s is not State.INTERRUPTED])
def test_what_ended_otherwise_stays_so(state: State) -> None:
    operation = break_off(state, model=Homing)
    assert not Reaper().round()
    assert state_of(operation) == state


def test_whom_somebody_asked_to_cancel_it_does_not_come_back() -> None:
    clock = HandClock()
    operation = dead(Homing)
    control.cancel(stored(operation), person("somebody"))
    found = look_twice(Reaper(clock), clock)
    assert ids(found.interrupted) == [operation.pk]
    assert found.resumed == []
    assert state_of(operation) == "INTERRUPTED"


def test_a_run_in_the_terminal_does_not_come_back(acts: dict[str, Any]) -> None:
    acts["Sail"] = KeyboardInterrupt()
    with pytest.raises(SystemExit):
        call_command("run_liveop", "testapp.Homing")
    operation = Homing.objects.get()
    assert (operation.get_state(), operation.resumes_left) == ("INTERRUPTED", 0)
    assert not Reaper().round()


@pytest.mark.parametrize("what", ["changed", "unknown stage", "gone"])
def test_one_that_cannot_go_on_is_given_up_with_one_line(
    what: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = break_off(State.INTERRUPTED, model=Homing)
    other = break_off(State.INTERRUPTED, model=Homing)
    rows = LiveOperation.objects.filter(pk=broken.pk)
    if what == "changed":
        rows.update(declared_stages=["Pack", "Row", "Unpack"])
    elif what == "unknown stage":
        rows.update(stages_to_run=["Row"])
    else:
        rows.update(operation_type="gone.Away")
    assert ids(Reaper().round().resumed) == [other.pk]
    assert not Reaper().round()
    assert caplog.text.count("is not resumed") == 1
    row = rows.get()
    assert (row.get_state(), row.resumes_left) == ("INTERRUPTED", 0)
    assert not row.control_records.exists()


def test_a_runner_that_refuses_does_not_end_it() -> None:
    operation = break_off(State.INTERRUPTED, model=Homing)
    Noting.refusal = ConnectionError("the broker is away")
    assert ids(Reaper().round().resumed) == [operation.pk]
    after = stored(operation)
    assert after.get_state() == "NOT_STARTED"
    assert after.enqueued_on is not None, "so it is handed over again"


def test_two_reapers_resume_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = break_off(State.INTERRUPTED, model=Homing)
    seen = store.resumable("default")
    assert len(Reaper().round().resumed) == 1
    monkeypatch.setattr(store, "resumable", lambda alias: seen)
    assert not Reaper().round()
    assert Noting.given == [operation.pk]
    assert stored(operation).resumes_left == 2
    assert operation.control_records.count() == 1


def test_the_page_says_that_it_went_on_by_itself() -> None:
    operation = break_off(State.INTERRUPTED, model=Homing)
    Reaper().round()
    (action,) = store.actions_of(operation)
    assert action == ControlAction("go_on", "", action.at)
    _, recorder = carry_out(operation)
    assert [one.action for one in recorder.updates[-1].view.actions] == ["go_on"]
