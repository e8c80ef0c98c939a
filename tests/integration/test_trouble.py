"""Trouble that users and databases make: each run ends, in a right state, and is let go of."""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError
from django.utils.functional import lazystr

from liveops import outages, registry, snapshot, store
from liveops.exceptions import (
    InvalidStateError,
    OperationCancelled,
    OperationError,
    OperationInterrupted,
)
from liveops.models import LiveOperation, LogLine
from liveops.progress import Progress
from liveops.progress.pumps import InlinePump, threaded_pump
from liveops.progress.threaded_pump import ThreadedPump
from liveops.runners import executor
from liveops.runners.thread import Pool
from liveops.sinks.recording import RecordingSink
from tests.integration.helpers import run_scripted
from tests.testapp.models import AsyncScripted, Scripted

pytestmark = pytest.mark.django_db(transaction=True)


def until(done: Callable[[], Any]) -> None:
    """Poll until something is so; fail after twenty seconds."""
    pause = threading.Event()
    for _ in range(2_000):
        if done():
            return
        pause.wait(0.01)
    pytest.fail("it never came to be so")


def test_a_run_whose_row_is_deleted_is_no_longer_served(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = ThreadedPump()
    saves: list[int] = []
    original = store.save_rows

    def counting(*args: Any, **kwargs: Any) -> None:
        saves.append(1)
        original(*args, **kwargs)

    monkeypatch.setattr(store, "save_rows", counting)

    def body(op: Scripted, p: Progress) -> None:
        LiveOperation.objects.filter(pk=op.pk).delete()
        p.status("to nobody")
        p._run._ledger.note_change()
        p._run._ledger.postpone(0, 0)
        until(lambda: p._run.stop is not None)
        until(lambda: not pump._runs)

    Scripted.body = body
    operation = Scripted.objects.create()
    recorder = RecordingSink()
    assert executor.execute(operation, pump=pump, sinks=[recorder], web=False) is None
    assert len(saves) < 20
    assert not pump._runs
    assert recorder.closed


def test_what_no_database_takes_fails_the_operation_and_leaves_nothing_running() -> None:
    def body(op: Scripted, p: Progress) -> None:
        op.current_stage = "x"

    pump = ThreadedPump()
    operation, recorder = run_scripted(body, pump=pump)
    assert operation.get_state() == "FINISHED_ERROR"
    assert "ValueError" in operation.traceback
    assert not pump._runs
    assert registry.everything() == []
    assert recorder.updates[-1].finished is not None


def test_a_stage_name_may_be_lazy_or_no_string_at_all() -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage(lazystr("Load")):  # type: ignore[arg-type]
            p.log("inside")
        with p.stage(5):  # type: ignore[arg-type]
            p.log("untracked")

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"Load": "done"}
    assert [x.stage for x in LogLine.objects.all()] == ["Load", "5"]


@pytest.mark.parametrize("total", [10**20, None])
def test_totals_beyond_all_databases(total: int | None) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            for number in p.track(range(10**20), total=total):
                p.log(str(number))
                if number == 2:
                    break

    operation, recorder = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert LogLine.objects.count() == 3
    assert recorder.updates[-1].finished is not None


def test_the_end_waits_for_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    original, tries = store.finish, [0]

    def away(*args: Any) -> bool:
        tries[0] += 1
        if tries[0] < 8:
            raise OperationalError("database is locked")
        return original(*args)

    monkeypatch.setattr(store, "finish", away)
    monkeypatch.setattr(outages, "longest_pause", lambda: 0.01)
    operation, _ = run_scripted(lambda op, p: None)
    assert operation.get_state() == "FINISHED_OK"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (OperationalError("database is locked"), "FINISHED_OK"),
        (DatabaseError("no"), "FINISHED_ERROR"),
    ],
)
def test_a_claim_that_fails_is_tried_again_or_ends_the_operation(
    monkeypatch: pytest.MonkeyPatch, error: Exception, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    original, tries = store.claim, [0]

    def failing(operation: LiveOperation, **options: Any) -> Any:
        tries[0] += 1
        if tries[0] < 3:
            raise error
        return original(operation, **options)

    monkeypatch.setattr(store, "claim", failing)
    Scripted.body = lambda op, p: None
    operation = Scripted.objects.create()
    with caplog.at_level(logging.CRITICAL, "liveops"):
        Pool().put(operation)
        until(lambda: Scripted.objects.get().get_state() == state)


@pytest.mark.parametrize("listens", [True, False], ids=["calls", "only awaits"])
def test_an_async_run_is_interrupted_when_the_process_goes_down(listens: bool) -> None:
    async def body(op: AsyncScripted, p: Progress) -> None:
        with p.stage("Load"):
            run = p._run
            stop = OperationInterrupted("The process is shutting down.")
            threading.Timer(0.05, run.request_stop, [stop]).start()
            for _ in range(3_000):
                if listens:
                    p.check_cancelled()
                await asyncio.sleep(0.01)

    operation, _ = run_scripted(body, pump=threaded_pump(), model=AsyncScripted)
    assert operation.get_state() == "INTERRUPTED"
    assert operation.stage_states == {"Load": "interrupted"}


def test_a_restart_before_the_old_run_has_said_its_last_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = store.finish

    def restarted(operation: LiveOperation, *args: Any) -> bool:
        done = original(operation, *args)
        store.restart(Scripted.objects.get())
        return done

    monkeypatch.setattr(store, "finish", restarted)
    operation, recorder = run_scripted(lambda op, p: p.log("late"))
    assert operation.get_state() == "NOT_STARTED"
    assert all(update.finished is None for update in recorder.updates)
    assert not LogLine.objects.exists()


def test_whoever_reads_of_the_end_finds_its_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    original = store.finish

    def looking(operation: LiveOperation, *args: Any) -> bool:
        before = snapshot.find(operation.pk)  # as a page does, just before the end is saved
        assert before is not None
        done = original(operation, *args)
        before.refresh_from_db(fields=["finished_on", "finished_successfully"])
        registry.remove(registry.everything()[0])  # as another process sees it
        taken = snapshot.take(before)
        seen.append((taken.view.state, taken.view.error_text, [x.text for x in taken.lines]))
        return done

    def body(op: Scripted, p: Progress) -> None:
        p.log("the last line")
        raise OperationError("Line 7 is wrong.")

    seen: list[Any] = []
    monkeypatch.setattr(store, "finish", looking)
    run_scripted(body, pump=threaded_pump())
    assert seen == [("FINISHED_ERROR", "Line 7 is wrong.", ["the last line"])]


def test_what_a_thread_says_after_the_end_goes_nowhere() -> None:
    kept: list[Progress] = []
    _, recorder = run_scripted(lambda op, p: kept.append(p), pump=threaded_pump())
    shown = len(recorder.updates)
    p = kept[0]
    p.log("too late")
    p.status("too late")
    p._run.flush()
    with pytest.raises(InvalidStateError, match="has ended"), p.stage("Load"):
        pytest.fail("the stage must not begin")
    assert len(recorder.updates) == shown
    assert Scripted.objects.get().stage_states == {}


def test_a_flood_is_taken_in_portions_and_nothing_is_lost_silently() -> None:
    def body(op: Scripted, p: Progress) -> None:
        for number in range(25_000):
            p.log(str(number))
        p.log("\n" * 200_000)

    operation, recorder = run_scripted(body, pump=threaded_pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert max(len(update.lines) for update in recorder.updates) <= 1_000
    seqs = list(LogLine.objects.values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) == 25_000 + 10_000 + 1
    assert "190,000 more lines" in LogLine.objects.get(seq=len(seqs)).text
    told = sum(len(update.lines) + update.skipped for update in recorder.updates)
    assert told == len(seqs), "what is not shown is counted as skipped"


@pytest.mark.parametrize("kind", ["generator", "async generator"])
def test_a_run_that_yields_is_told_that_it_did_nothing(kind: str) -> None:
    def generator(op: Scripted, p: Progress) -> Any:
        yield 1

    async def async_generator(op: Scripted, p: Progress) -> Any:
        yield 1

    operation, _ = run_scripted(generator if kind == "generator" else async_generator)
    assert operation.get_state() == "FINISHED_ERROR"
    assert "must do the work itself" in operation.traceback


def test_two_captures_of_one_logger_leave_it_as_it_was() -> None:
    source = logging.getLogger("tests.shared")
    source.setLevel(logging.WARNING)
    kept: list[Progress] = []

    def body(op: Scripted, p: Progress) -> None:
        first = p.capture_logging("tests.shared")
        second = p.capture_logging("tests.shared")
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        source.info("still heard")
        second.__exit__(None, None, None)
        source.info("no longer heard")
        kept.append(p)

    run_scripted(body)
    assert [x.text for x in LogLine.objects.all()] == ["still heard"]
    assert source.level == logging.WARNING


def test_a_partial_save_does_not_forget_other_changes() -> None:
    operation = Scripted.objects.create()
    operation.result_context = {"a": {"b": 1}}
    operation.save(update_fields=["note"])
    operation.save()
    assert Scripted.objects.get().result_context == {"a": {"b": 1}}
    operation.result_context["a"]["b"] = 2
    operation.save()
    assert Scripted.objects.get().result_context == {"a": {"b": 2}}


def test_a_cancel_that_meets_an_interrupt_stays_a_cancel() -> None:
    def body(op: Scripted, p: Progress) -> None:
        p._run.request_stop(OperationCancelled())
        p._run.request_stop(OperationInterrupted())
        p.check_cancelled()

    assert run_scripted(body, pump=InlinePump())[0].get_state() == "CANCELLED"
