"""Resume: which stages run again, what they are given back, and what stays of the run before."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from liveops import control, store
from liveops.exceptions import InvalidStateError
from liveops.models import CommandRun, LiveOperation, LiveProgress, StageRun
from liveops.progress.pumps import InlinePump, Pump, threaded_pump
from liveops.states import RESUMABLE_STATES, State
from tests.integration.edge import person
from tests.integration.resuming import (
    PHASES,
    Voyage,
    bodies,
    break_off,
    carry_out,
    go_on,
    recorded,
    stored,
)
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)

PUMPS = [pytest.param(InlinePump, id="inline"), pytest.param(threaded_pump, id="threaded")]
BROKEN = pytest.mark.parametrize("state", RESUMABLE_STATES)


@pytest.fixture(autouse=True)
def acts() -> Iterator[dict[str, Any]]:
    """Return what each stage is to do; nothing at first."""
    PHASES.clear()
    Voyage.acts = {}
    yield Voyage.acts
    Voyage.acts = {}


@BROKEN
@pytest.mark.parametrize("pump", PUMPS)
def test_it_goes_on_with_the_first_stage_that_was_not_done(
    pump: Callable[[], Pump], state: State
) -> None:
    operation = break_off(state)
    assert operation.can_resume
    after, recorder = go_on(operation, pump())
    assert after.get_state() == "FINISHED_OK", after.traceback
    assert PHASES == ["pre", "Sail", "post", "pre", "Unpack", "post"]
    assert after.stage_states == dict.fromkeys(Voyage.stages, "done")
    changes = [(u.stage.name, str(u.stage.state)) for u in recorder.updates if u.stage]
    assert changes == [(n, s) for n in ("Sail", "Unpack") for s in ("active", "done")]
    shown = [update.view.stage_states.get("Pack") for update in recorder.updates]
    assert set(shown) == {"done"}, "from the first frame on"


@BROKEN
def test_between_the_two_runs_it_waits_like_a_new_one(state: State, acts: dict[str, Any]) -> None:
    acts["Pack"] = lambda op, p: p.result({"bags": 2})
    operation = break_off(state)
    first_run = StageRun.objects.filter(stage="Pack").values_list("run_id", flat=True).get()
    store.resume(operation)
    row = stored(operation)
    for waiting in (operation, row):
        assert waiting.get_state() == "NOT_STARTED"
        assert waiting.stage_states == {"Pack": "done"}
        assert (waiting.current_stage, waiting.run_id, waiting.traceback) == (-1, None, "")
        assert (waiting.started_on, waiting.finished_on) == (None, None)
        assert (waiting.result_context, waiting.cancel_requested) == (None, False)
    assert recorded(operation) == [("Pack", 1, "done", True)]
    assert StageRun.objects.get().run_id == first_run, "the run that did it"
    progress = LiveProgress.objects.get()
    assert (progress.run_id, progress.heartbeat_on, progress.error_text) == (None, None, "")


def test_the_log_the_commands_and_the_parts_of_the_page_stay(acts: dict[str, Any]) -> None:
    def pack(op: Voyage, p: Any) -> None:
        p.log("packed")
        p.run(["true"])
        p.html("#chart", "<b>2 bags</b>")
        p.html("#map", "<i>old</i>")

    acts["Pack"] = pack
    operation = break_off()
    lines = [line.seq for line in operation.log_lines.all()]
    acts["Sail"] = lambda op, p: (p.log("sailed"), p.html("#map", "<i>new</i>"))
    after, recorder = go_on(operation)
    again = list(after.log_lines.values_list("seq", "text"))
    assert [seq for seq, _ in again][: len(lines)] == lines
    texts = [text for _, text in again if "ed" in text and "$" not in text]
    assert texts == ["packed", "Resumed at the stage Sail.", "sailed"]
    assert [seq for seq, _ in again] == list(range(1, len(again) + 1)), "no number twice"
    assert CommandRun.objects.count() == 1
    assert not recorder.updates[0].replace_log
    assert recorder.updates[0].view.swaps == {"#chart": "<b>2 bags</b>", "#map": "<i>old</i>"}
    kept = {"#chart": "<b>2 bags</b>", "#map": "<i>new</i>"}
    assert recorder.updates[-1].view.swaps == LiveProgress.objects.get().swaps == kept


def test_a_restart_forgets_the_checkpoints(acts: dict[str, Any]) -> None:
    operation = break_off()
    store.restart(operation)
    assert not StageRun.objects.exists()
    _after, recorder = carry_out(operation)
    assert bodies() == Voyage.stages
    assert recorder.updates[0].replace_log
    assert recorder.updates[0].view.stage_states == {}


def test_only_a_restart_puts_the_operations_own_fields_back(acts: dict[str, Any]) -> None:
    control.resume(break_off())
    assert "on_restart" not in PHASES
    operation = break_off(at="Unpack")
    control.restart(operation)
    assert "on_restart" in PHASES


def test_a_resume_through_the_base_runs_it_after_the_commit() -> None:
    operation = break_off()
    with transaction.atomic():
        control.resume(LiveOperation.objects.get(pk=operation.pk))
        assert stored(operation).get_state() == "NOT_STARTED"
        assert PHASES == []
    assert bodies() == ["Sail", "Unpack"]
    assert stored(operation).get_state() == "FINISHED_OK"


def test_a_resume_that_is_rolled_back_changes_nothing() -> None:
    operation = break_off()
    before = recorded(operation)
    with transaction.atomic():
        control.resume(stored(operation))
        transaction.set_rollback(True)
    after = stored(operation)
    assert after.get_state() == "FINISHED_ERROR"
    assert (recorded(after), after.traceback) == (before, operation.traceback)
    assert PHASES == []
    assert not after.control_records.exists()


def test_a_resume_can_be_resumed(acts: dict[str, Any]) -> None:
    acts.update(Pack="bags", Sail="harbour", Unpack=OSError())
    operation = break_off(at="Sail")
    after, _ = go_on(operation)
    assert after.get_state() == "FINISHED_ERROR"
    assert recorded(after)[:2] == [("Pack", 1, "done", True), ("Sail", 1, "done", True)]
    acts["Unpack"] = None
    PHASES.clear()
    after, _ = go_on(after)
    assert bodies() == ["Unpack"]
    assert after.get_state() == "FINISHED_OK"
    assert [row.result for row in after.stage_runs.all()] == ["bags", "harbour", None]
    assert len({row.run_id for row in after.stage_runs.all()}) == 3


def test_one_that_never_started_can_be_resumed() -> None:
    operation = Voyage.objects.create()
    control.cancel(operation)
    control.resume(operation)
    assert bodies() == Voyage.stages
    assert stored(operation).get_state() == "FINISHED_OK"


def test_without_a_stage_left_only_the_end_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(op: Voyage, p: Any) -> None:
        LiveOperation.run(op, p)
        if not PHASES.count("again"):
            PHASES.append("again")
            raise OSError

    monkeypatch.setattr(Voyage, "run", run)
    operation = Voyage.objects.create()
    carry_out(operation)
    assert stored(operation).stage_states == dict.fromkeys(Voyage.stages, "done")
    PHASES[:] = ["again"]
    after, _ = go_on(stored(operation))
    assert (after.get_state(), bodies()) == ("FINISHED_OK", [])


@pytest.mark.parametrize("state", [State.NOT_STARTED, State.STARTED, State.FINISHED_OK])
def test_what_waits_runs_or_succeeded_is_not_resumed(state: State, acts: dict[str, Any]) -> None:
    operation = Voyage.objects.create()
    if state is State.STARTED:
        assert store.claim(stored(operation)) is not None
    if state is State.FINISHED_OK:
        carry_out(operation)
    fresh = stored(operation)
    rows = recorded(fresh)
    assert not fresh.can_resume
    with pytest.raises(InvalidStateError, match="failed, was cancelled or interrupted"):
        control.resume(fresh, person("somebody"))
    after = stored(operation)
    assert (after.get_state(), recorded(after), after.stage_states) == (
        state,
        rows,
        fresh.stage_states,
    )
    assert not after.control_records.exists()


@pytest.mark.parametrize("model", [Scripted, Walk])
def test_an_operation_without_stage_methods_is_not_resumed(model: type[LiveOperation]) -> None:
    operation = model._default_manager.create()
    control.cancel(operation)
    assert not operation.can_resume
    with pytest.raises(InvalidStateError, match="not made of stage methods"):
        control.resume(operation)
    assert stored(operation).get_state() == "CANCELLED"


def test_one_whose_class_is_gone_offers_no_resume() -> None:
    operation = break_off()
    LiveOperation.objects.update(operation_type="gone.Away")
    assert not LiveOperation.objects.get(pk=operation.pk).can_resume


def test_a_stage_that_was_added_since_runs() -> None:
    operation = break_off(at="Unpack")
    LiveOperation.objects.update(stage_states={"Pack": "done", "Unpack": "failed"})
    StageRun.objects.filter(stage="Sail").delete()
    after, _ = go_on(stored(operation))
    assert bodies() == ["Sail", "Unpack"]
    assert after.get_state() == "FINISHED_OK"


def test_a_done_stage_without_its_row_runs_again() -> None:
    operation = break_off(at="Unpack")
    StageRun.objects.filter(stage="Pack").delete()
    store.resume(operation)
    assert stored(operation).stage_states == {"Sail": "done"}
    carry_out(operation)
    assert bodies() == ["Pack", "Unpack"]


def test_two_that_resume_start_one_run() -> None:
    operation = break_off()
    one, other = stored(operation), stored(operation)
    with transaction.atomic():
        control.resume(one, person("first"))
        with pytest.raises(InvalidStateError):
            control.resume(other, person("second"))
        with pytest.raises(InvalidStateError):
            control.restart(other, person("third"))
    assert bodies() == ["Sail", "Unpack"]
    names = list(operation.control_records.values_list("action", "user_name"))
    assert names == [("resume", "first")]


def test_a_run_that_was_taken_over_writes_nothing_into_the_resumed_one() -> None:
    operation = Voyage.objects.create()

    def taken(op: Voyage, p: Any) -> None:
        p.log("late")
        LiveOperation.objects.update(interrupted=True, finished_on=op.started_on, run_id=None)
        store.resume(stored(op))
        p.status("too late")

    Voyage.acts["Sail"] = taken
    carry_out(operation)
    waiting = stored(operation)
    assert waiting.get_state() == "NOT_STARTED"
    assert waiting.stage_states == {"Pack": "done"}
    assert recorded(waiting) == [("Pack", 1, "done", True)]
