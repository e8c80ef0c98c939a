"""Cancel and restart: what they change, what they refuse, and what watchers hear of it."""

import logging
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import translation

from liveops import control, registry, store
from liveops.exceptions import InvalidStateError
from liveops.models import LiveOperation, LiveProgress, LogLine, StageRun
from liveops.progress import Progress
from liveops.progress.update import ALL_REGIONS, Region
from liveops.sinks.recording import RecordingSink
from liveops.sinks.web import WebSink
from liveops.states import State
from liveops.store import Ending
from liveops.store.rows import ending_values
from tests.integration.edge import HeldRun
from tests.integration.helpers import run_scripted
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)

ENDINGS = [State.FINISHED_OK, State.FINISHED_ERROR, State.CANCELLED, State.INTERRUPTED]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> RecordingSink:
    """Return a sink that keeps what watchers are told without a run."""

    ear = RecordingSink()
    monkeypatch.setattr(WebSink, "emit", lambda sink, update: ear.emit(update))
    return ear


def ended(state: State) -> Scripted:
    """Return an operation whose run ended so, as a page that loads it gets it."""

    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            p.log("a line")
            p.percent(40)
            p.status("Loading")
            p.html("#chart", "<b>old</b>")
        p.result({"count": 3})

    operation, _ = run_scripted(body, note="kept")
    if state is not State.FINISHED_OK:
        values = ending_values(Ending(state, traceback="Traceback …"))
        LiveOperation.objects.filter(pk=operation.pk).update(**values)
    fresh = Scripted.objects.get()
    assert fresh.get_state() == state
    return fresh


def test_a_cancel_before_the_start_takes_it_out_of_the_queue(told: RecordingSink) -> None:
    operation = Walk.objects.create()
    assert control.cancel(operation) is State.CANCELLED
    assert operation.get_state() == "CANCELLED", "the caller's instance knows it too"
    row = Walk.objects.get()
    assert (row.get_state(), row.cancelled, row.cancel_requested) == ("CANCELLED", True, True)
    assert row.finished_on is not None
    assert row.started_on is None
    row.enqueue()
    assert Walk.objects.get().get_state() == "CANCELLED", "a late delivery changes nothing"
    assert not row.log_lines.exists()


def test_watchers_hear_of_a_cancel_before_the_start(told: RecordingSink) -> None:
    control.cancel(Walk.objects.create())
    (update,) = told.updates
    assert update.view.state == "CANCELLED"
    assert update.regions == ALL_REGIONS - {Region.LOG}
    assert update.finished is not None
    assert (update.finished.state, update.finished.success_url) == ("CANCELLED", None)


def test_a_cancel_works_without_a_channel_layer_and_when_telling_fails(
    told: RecordingSink, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("no layer")

    monkeypatch.setattr(told, "emit", fail)
    assert control.cancel(Walk.objects.create()) is State.CANCELLED
    settings.CHANNEL_LAYERS = {}
    assert control.cancel(Walk.objects.create()) is State.CANCELLED
    assert told.updates == []


def test_a_cancel_in_mid_run_is_heard_at_once_and_shown() -> None:
    with HeldRun() as run:
        assert control.cancel(run.operation) is State.STARTED
        live = registry.find(run.operation.pk)
        assert live is not None
        assert live.snapshot()[0].cancel_requested
        with pytest.raises(Exception, match="cancelled"):
            run.do(lambda p: p.check_cancelled())
    row = Scripted.objects.get()
    assert (row.get_state(), row.cancel_requested) == ("CANCELLED", True)


def test_a_cancel_reaches_a_run_of_another_process_through_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with HeldRun() as run:
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(registry, "find", lambda pk: None)
            operation = Scripted.objects.get()
            assert control.cancel(operation) is State.STARTED
        assert operation.cancel_requested
        assert Scripted.objects.get().get_state() == "STARTED", "a request is no end"
        with pytest.raises(Exception, match="cancelled"):
            run.do(lambda p: p.check_cancelled())
    assert Scripted.objects.get().get_state() == "CANCELLED"


def test_a_second_cancel_of_a_run_is_no_error() -> None:
    with HeldRun() as run:
        assert control.cancel(Scripted.objects.get()) is State.STARTED
        assert control.cancel(Scripted.objects.get()) is State.STARTED
        run.end()
    assert Scripted.objects.get().get_state() == "FINISHED_OK", "it ended before it noticed"


@pytest.mark.parametrize("state", ENDINGS)
def test_what_has_ended_cannot_be_cancelled(state: State, told: RecordingSink) -> None:
    operation = ended(state)
    with pytest.raises(InvalidStateError, match="ended"):
        control.cancel(operation)
    row = Scripted.objects.get()
    assert (row.get_state(), row.cancel_requested) == (state, False)
    assert told.updates == []


def test_a_page_loaded_before_the_end_cannot_cancel_after_it() -> None:
    stale = Walk.objects.create(items=1)
    Walk.objects.get().enqueue()
    assert stale.get_state() == "NOT_STARTED"
    with pytest.raises(InvalidStateError):
        control.cancel(stale)
    assert Walk.objects.get().get_state() == "FINISHED_OK"


@pytest.mark.parametrize("state", ENDINGS)
def test_a_restart_drops_what_was_left_and_runs_anew(state: State) -> None:
    operation = ended(state)
    seen: list[Any] = []

    def body(op: Scripted, p: Progress) -> None:
        progress = LiveProgress.objects.get()
        seen.append((op.note, op.stage_states, op.current_stage, op.result_context, op.traceback))
        seen.append((progress.percent, progress.status_text, progress.swaps))
        seen.append((LogLine.objects.count(), StageRun.objects.count()))
        p.log("a second line")

    Scripted.body = body
    control.restart(operation)
    assert seen == [("kept", {}, -1, None, ""), (None, "", {}), (0, 0)]
    row = Scripted.objects.get()
    assert row.get_state() == "FINISHED_OK"
    assert row.result_context is None
    assert row.finished_on is not None
    assert list(row.log_lines.values_list("seq", "text")) == [(2, "a second line")]


def test_a_restart_of_what_waits_or_runs_is_refused() -> None:
    waiting = Walk.objects.create()
    with pytest.raises(InvalidStateError, match="started again"):
        control.restart(waiting)
    assert Walk.objects.get().get_state() == "NOT_STARTED"
    with HeldRun(), pytest.raises(InvalidStateError, match="started again"):
        control.restart(Scripted.objects.get())
    assert Scripted.objects.get().get_state() == "FINISHED_OK"


def test_two_pages_that_restart_start_one_run() -> None:
    ended(State.FINISHED_ERROR)
    one, other = Scripted.objects.get(), Scripted.objects.get()
    ran: list[Any] = []
    Scripted.body = lambda op, p: ran.append(op.pk)
    with transaction.atomic():
        control.restart(one)
        with pytest.raises(InvalidStateError):
            control.restart(other)
    assert ran == [one.pk]


def test_a_restart_that_is_rolled_back_starts_nothing() -> None:
    operation = ended(State.FINISHED_OK)
    Scripted.body = lambda op, p: pytest.fail("must not run")
    with transaction.atomic():
        control.restart(operation)
        transaction.set_rollback(True)
    row = Scripted.objects.get()
    assert (row.get_state(), row.result_context) == ("FINISHED_OK", {"count": 3})


def test_the_hook_puts_the_operations_own_fields_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def hook(op: Scripted) -> None:
        assert op.get_state() == "NOT_STARTED"
        op.note = "as at first"

    notes: list[str] = []
    operation = ended(State.FINISHED_ERROR)
    monkeypatch.setattr(Scripted, "on_restart", hook)
    Scripted.body = lambda op, p: notes.append(op.note)
    base = LiveOperation.objects.get(pk=operation.pk)
    control.restart(base)
    assert notes == ["as at first"], "also without a save() in the hook, and through the base"


def test_a_hook_that_fails_leaves_the_operation_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hook(op: Scripted) -> None:
        raise LookupError("no such file any more")

    operation = ended(State.FINISHED_ERROR)
    monkeypatch.setattr(Scripted, "on_restart", hook)
    with pytest.raises(LookupError):
        control.restart(operation)
    row = Scripted.objects.get()
    assert row.get_state() == "FINISHED_ERROR", "not waiting for ever"
    assert row.traceback == "Traceback …"
    assert [line.text for line in row.log_lines.all()] == ["a line"]


def test_success_leads_on_and_nothing_else_does(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    operation = Scripted.objects.create()
    assert control.success_url(operation, State.FINISHED_OK) is None
    monkeypatch.setattr(Scripted, "get_success_url", lambda op: f"/done/{op.note}")
    assert control.success_url(operation, State.FINISHED_OK) == "/done/"
    for state in (State.FINISHED_ERROR, State.CANCELLED, State.INTERRUPTED, State.STARTED):
        assert control.success_url(operation, state) is None
    monkeypatch.setattr(Scripted, "get_success_url", lambda op: 1 / 0)
    with caplog.at_level(logging.ERROR, "liveops"):
        assert control.success_url(operation, State.FINISHED_OK) is None
    assert str(operation.pk) in caplog.text


def test_a_cancel_and_a_restart_each_take_few_statements(
    django_assert_max_num_queries: Any,
) -> None:
    operation = Walk.objects.create()
    with django_assert_max_num_queries(4):
        store.request_cancel(operation)
    with django_assert_max_num_queries(8):
        store.restart(operation)
    assert not connection.in_atomic_block


def test_refusals_are_sentences_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "liveops.store.controls._", lambda text: f"{translation.get_language()}: {text}"
    )
    operation = ended(State.FINISHED_OK)
    with translation.override("de"), pytest.raises(InvalidStateError, match=r"^de: "):
        control.cancel(operation)
    with translation.override("pl"), pytest.raises(InvalidStateError, match=r"^pl: "):
        control.restart(Walk.objects.create())
