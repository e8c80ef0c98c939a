"""`p.stage()`: what is saved, in which order it is shown, and how each way out ends."""

from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext

from liveops.exceptions import OperationCancelled
from liveops.models import LiveOperation, StageRun
from liveops.progress import Progress
from liveops.progress.update import Region
from tests.integration.helpers import run_scripted
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


def stored(operation: LiveOperation) -> Scripted:
    return Scripted.objects.get(pk=operation.pk)


def test_entering_saves_exactly_the_two_fields_and_the_block_sees_them() -> None:
    saves: list[Any] = []

    def note(sender: Any, update_fields: Any, **_: Any) -> None:
        saves.append(update_fields and set(update_fields))

    def body(op: Scripted, p: Progress) -> None:
        saves.clear()
        with p.stage("Validate"):
            assert saves == [{"current_stage", "stage_states"}]
            row = stored(op)
            assert (row.current_stage, row.stage_states) == (1, {"Validate": "active"})
        assert saves == [{"current_stage", "stage_states"}] * 2

    post_save.connect(note, sender=Scripted)
    try:
        operation, _ = run_scripted(body)
    finally:
        post_save.disconnect(note, sender=Scripted)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"Validate": "done"}


@pytest.mark.parametrize(
    ("error", "outcome", "state"),
    [
        (None, "done", "FINISHED_OK"),
        (OperationCancelled(), "cancelled", "CANCELLED"),
        (ValueError("no"), "failed", "FINISHED_ERROR"),
        (BaseException("odd"), "failed", "FINISHED_ERROR"),
        (GeneratorExit(), "failed", "FINISHED_ERROR"),
    ],
)
def test_each_way_out_of_a_block(error: BaseException | None, outcome: str, state: str) -> None:
    seen: list[BaseException] = []

    def body(op: Scripted, p: Progress) -> None:
        try:
            with p.stage("Load"):
                if error is not None:
                    raise error
        except BaseException as caught:
            seen.append(caught)
            raise

    operation, recorder = run_scripted(body)
    assert seen == ([] if error is None else [error]), "the exception goes on unchanged"
    assert operation.stage_states == {"Load": outcome}
    assert operation.get_state() == state
    assert [(r.stage, r.outcome, r.attempt) for r in StageRun.objects.all()] == [
        ("Load", outcome, 1)
    ]
    changes = [u.stage for u in recorder.updates if u.stage]
    assert [(c.name, c.state) for c in changes] == [("Load", "active"), ("Load", outcome)]


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
def test_a_process_that_goes_down_interrupts_and_passes_the_signal_on(
    signal: type[BaseException],
) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            raise signal

    with pytest.raises(signal):
        run_scripted(body)
    operation = Scripted.objects.get()
    assert operation.stage_states == {"Load": "interrupted"}
    assert operation.get_state() == "INTERRUPTED"


def test_the_stage_is_committed_before_it_is_shown_and_the_bar_starts_at_zero() -> None:
    shown: list[tuple[str, dict[str, str]]] = []

    class Looking:
        def emit(self, update: Any) -> None:
            if update.stage is not None:
                row = stored(update.operation)
                shown.append((update.stage.state, row.stage_states))
                assert row.stage_states == dict(update.view.stage_states)

        def close(self) -> None:
            pass

    def body(op: Scripted, p: Progress) -> None:
        p.percent(80)
        with p.stage("Load"):
            pass

    operation, recorder = run_scripted(body, sinks=[Looking()])
    assert shown == [("active", {"Load": "active"}), ("done", {"Load": "done"})]
    enter = next(u for u in recorder.updates if u.stage and u.stage.state == "active")
    assert {Region.STAGES, Region.PROGRESS} <= enter.regions
    assert enter.view.percent == 0.0
    assert operation.get_state() == "FINISHED_OK"


def test_the_last_value_of_a_stage_is_shown_before_the_next_begins() -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            p.percent(10)
            p.percent(97)
            p.status("almost")
        with p.stage("Save"):
            pass

    _, recorder = run_scripted(body)
    done = next(n for n, u in enumerate(recorder.updates) if u.stage and u.stage.state == "done")
    before = recorder.updates[:done]
    assert before[-1].view.percent == 97.0
    assert before[-1].view.status_text == "almost"


def test_a_name_that_is_not_in_stages_runs_untracked() -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"), p.stage("Warm up"):
            p.log("inside")
        with pytest.raises(ZeroDivisionError), p.stage("Elsewhere"):
            raise ZeroDivisionError

    operation, recorder = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK"
    assert operation.stage_states == {"Load": "done"}
    assert operation.current_stage == 0
    assert [r.stage for r in StageRun.objects.all()] == ["Load"]
    untracked = [u for u in recorder.updates if u.stage and u.stage.index is None]
    assert [u.stage.name for u in untracked if u.stage] == ["Warm up"] * 2 + ["Elsewhere"] * 2
    assert all(Region.STAGES not in u.regions for u in untracked)
    assert list(operation.log_lines.values_list("stage", "text")) == [("Warm up", "inside")]


def test_a_cancel_is_raised_before_the_next_stage_begins() -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            p._run.request_stop(OperationCancelled())
        with p.stage("Save"):
            pytest.fail("the stage must not begin")

    operation, _ = run_scripted(body)
    assert operation.get_state() == "CANCELLED"
    assert operation.stage_states == {"Load": "done"}


def test_cleaning_up_after_a_cancel_may_use_stages() -> None:
    def body(op: Scripted, p: Progress) -> None:
        try:
            p._run.request_stop(OperationCancelled())
            with p.stage("Load"):
                pytest.fail("the stage must not begin")
        finally:
            with p.stage("Save"):
                p.log("tidied up")

    operation, _ = run_scripted(body)
    assert operation.get_state() == "CANCELLED"
    assert operation.stage_states == {"Save": "done"}


def test_a_stage_costs_two_updates_of_the_operation_and_one_row() -> None:
    statements: list[str] = []

    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            pass  # begin with nothing pending
        with CaptureQueriesContext(connection) as captured, p.stage("Save"):
            pass
        statements.extend(q["sql"] for q in captured.captured_queries)

    run_scripted(body)
    updates = [s for s in statements if s.startswith('UPDATE "liveops_liveoperation"')]
    inserts = [s for s in statements if s.startswith('INSERT INTO "liveops_stagerun"')]
    assert (len(updates), len(inserts)) == (2, 1), statements
