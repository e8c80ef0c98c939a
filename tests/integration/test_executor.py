"""One run from claim to end: each ending, and what goes wrong on the way."""

import logging
import threading
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone, translation

from liveops import registry, store
from liveops.exceptions import OperationError
from liveops.models import LiveOperation, LiveProgress
from liveops.progress import OperationCancelled, Progress
from liveops.progress.pumps import InlinePump, threaded_pump
from liveops.runners.executor import execute
from liveops.sinks.recording import RecordingSink
from liveops.states import State
from tests.integration.helpers import run_scripted
from tests.testapp.models import AsyncScripted, Scripted

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_that_returns_nothing_is_a_success_without_a_result() -> None:
    operation, recorder = run_scripted(lambda op, p: None)
    assert operation.get_state() == "FINISHED_OK"
    assert operation.finished_successfully
    assert operation.result_context is None
    assert operation.started_on <= operation.finished_on <= timezone.now()
    finished = recorder.updates[-1].finished
    assert finished is not None
    assert finished.state == State.FINISHED_OK


def test_a_run_that_raises_keeps_the_text_for_those_who_may_debug(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def body(op: Scripted, p: Progress) -> None:
        raise LookupError("the secret of the database\x00\ud800")

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_ERROR"
    assert "the secret of the database" in operation.traceback
    text = operation.live_progress.error_text
    assert "LookupError" in text
    assert "secret" not in text
    assert [r.levelname for r in caplog.records if "failed" in r.message] == ["ERROR"]


def test_an_operation_error_is_shown_as_it_stands(caplog: pytest.LogCaptureFixture) -> None:
    def body(op: Scripted, p: Progress) -> None:
        raise OperationError("Line 7, column 12: not a number.")

    operation, _ = run_scripted(body)
    assert operation.live_progress.error_text == "Line 7, column 12: not a number."
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


def test_user_code_cannot_swallow_a_cancel_by_accident() -> None:
    def body(op: Scripted, p: Progress) -> None:
        store.request_cancel(Scripted.objects.get(pk=op.pk))
        try:
            p.check_cancelled()
        except Exception:  # noqa: BLE001
            pytest.fail("a cancel is no Exception")

    assert run_scripted(body)[0].get_state() == "CANCELLED"
    assert not issubclass(OperationCancelled, Exception)


@pytest.mark.parametrize("pump", [InlinePump, threaded_pump])
def test_a_cancel_written_to_the_database_stops_a_loop(pump: Any) -> None:
    def body(op: Scripted, p: Progress) -> None:
        endless = iter(int, 1)
        for number, _ in enumerate(p.track(endless)):
            if number == 10:
                store.request_cancel(LiveOperation.objects.get(pk=op.pk))
            if isinstance(p._run._pump, InlinePump) and number > 10:
                p._run._pump._next_poll = 0.0
                p._run.throttle.hurry()
                p._run.answer_alarm()

    operation, _ = run_scripted(body, pump=pump())
    assert operation.get_state() == "CANCELLED"
    assert operation.cancelled
    assert operation.finished_on is not None


def test_a_cancel_before_the_start_runs_nothing() -> None:
    ran: list[int] = []
    Scripted.body = lambda op, p: ran.append(1)
    operation = Scripted.objects.create()
    assert store.request_cancel(operation) is State.CANCELLED
    assert execute(operation, pump=InlinePump(), web=False) is None
    assert ran == []
    assert Scripted.objects.get().get_state() == "CANCELLED"


@pytest.mark.parametrize("pump", [InlinePump, threaded_pump])
def test_an_async_run_that_fails_and_one_that_is_cancelled(pump: Any) -> None:
    async def fails(op: AsyncScripted, p: Progress) -> None:
        with p.stage("Load"):
            raise KeyError("no")

    async def cancelled(op: AsyncScripted, p: Progress) -> None:
        with p.stage("Load"):
            p._run.request_stop(OperationCancelled())
            for _ in p.track(range(5)):
                pytest.fail("cancelled before the first item")

    operation, _ = run_scripted(fails, pump=pump(), model=AsyncScripted)
    assert operation.get_state() == "FINISHED_ERROR"
    assert operation.stage_states == {"Load": "failed"}
    operation, _ = run_scripted(cancelled, pump=pump(), model=AsyncScripted)
    assert operation.get_state() == "CANCELLED"
    assert operation.stage_states == {"Load": "cancelled"}


def test_a_plain_run_that_returns_a_coroutine_is_told_how_to_write_it() -> None:
    async def coroutine() -> None:
        pass

    operation, _ = run_scripted(lambda op, p: coroutine())
    assert "async def run" in operation.traceback


def test_run_speaks_the_language_of_its_creator() -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.log(str(translation.get_language()))

    with translation.override("de"):
        operation, _ = run_scripted(body)
    assert operation.language == "de"
    assert operation.log_lines.get().text == "de"
    assert translation.get_language() != "de"


def test_a_sink_that_fails_is_logged_once_and_breaks_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(RecordingSink):
        def emit(self, update: Any) -> None:
            raise OSError("no such terminal")

    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            p.log("a")
        with p.stage("Save"):
            p.log("b")

    operation, recorder = run_scripted(body, sinks=[Broken()])
    assert operation.get_state() == "FINISHED_OK"
    assert len(recorder.updates) >= 5
    assert len([r for r in caplog.records if "Broken failed" in r.message]) == 1


def test_rows_wait_while_the_database_refuses_and_are_saved_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original, refused = store.save_rows, [0]

    def refusing(*args: Any, **kwargs: Any) -> None:
        if refused[0] < 3:
            refused[0] += 1
            raise DatabaseError("database is locked")
        original(*args, **kwargs)

    monkeypatch.setattr(store, "save_rows", refusing)

    def body(op: Scripted, p: Progress) -> None:
        for name in op.stages:
            with p.stage(name):
                p.log(name)
                p._run._ledger.postpone(0, 0)

    operation, _ = run_scripted(body)
    assert refused == [3]
    assert [line.text for line in operation.log_lines.all()] == ["Load", "Validate", "Save"]
    assert operation.stage_runs.count() == 3


def test_the_end_is_saved_again_after_a_database_error(monkeypatch: pytest.MonkeyPatch) -> None:
    original, tries = store.finish, [0]

    def flaky(*args: Any) -> bool:
        tries[0] += 1
        if tries[0] < 3:
            raise DatabaseError("gone")
        return original(*args)

    monkeypatch.setattr(store, "finish", flaky)
    operation, _ = run_scripted(lambda op, p: p.result({"a": 1}))
    assert tries == [3]
    assert operation.get_state() == "FINISHED_OK"


def beats_while_silent(operation: Scripted) -> list[Any]:
    """Look at an operation's heartbeat until it has been three different ones."""
    pause, beats = threading.Event(), []
    for _ in range(400):
        beat = LiveProgress.objects.values_list("heartbeat_on", flat=True).get(pk=operation.pk)
        beats.append(beat)
        if len(set(beats)) >= 3:
            break
        pause.wait(0.02)
    return beats


@pytest.mark.parametrize("place", ["run", "get_success_url"])
def test_a_heartbeat_is_written_while_user_code_is_silent(
    settings: Any, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Also in a hook that is called when ``run()`` has returned."""
    settings.LIVEOPS = {"RUNNER": "eager", "HEARTBEAT_SECONDS": 0.05}
    beats: list[Any] = []

    def silent(operation: Scripted, *_: object) -> None:
        beats.extend(beats_while_silent(operation))

    if place == "get_success_url":
        monkeypatch.setattr(Scripted, place, silent)
    run_scripted(silent if place == "run" else lambda op, p: None, pump=threaded_pump())
    assert len(set(beats)) >= 3
    assert sorted(beats) == beats


def test_the_registry_knows_a_run_only_while_it_runs() -> None:
    def body(op: Scripted, p: Progress) -> None:
        run = registry.find(op.pk)
        assert run is not None
        assert run.operation is op
        assert registry.everything() == [run]

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert registry.everything() == []


def test_a_restart_begins_anew_and_log_numbers_go_on() -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            p.log("hello")
        p.result({"run": 1})

    operation, first = run_scripted(body)
    store.restart(operation)
    assert operation.get_state() == "NOT_STARTED"
    row = Scripted.objects.get()
    assert (row.stage_states, row.result_context, row.current_stage) == ({}, None, -1)
    assert not row.log_lines.exists()
    second = RecordingSink()
    execute(row, pump=InlinePump(), sinks=[second], web=False)
    assert [line.seq for line in row.log_lines.all()] == [2]
    assert second.updates[0].seq > first.updates[-1].seq
    assert second.updates[0].replace_log
