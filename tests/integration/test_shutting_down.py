"""A process that is to end: what becomes of the operations that run in it or wait in it."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.db import transaction

from liveops import conf, registry, shutdown, store
from liveops.lifespan import lifespan
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.pumps import threaded_pump
from liveops.runners import thread
from liveops.runners.executor import execute
from liveops.runners.thread import Pool
from liveops.runners.worker import run_here
from liveops.sinks.recording import RecordingSink
from liveops.sinks.web import WebSink
from liveops.stages import RetryStage
from tests.integration.edge import DEADLINE
from tests.integration.running import ending, wait_for
from tests.integration.stopping import FOREVER, Inside, asking, ignoring, listening
from tests.testapp.models import AsyncScripted, Row, Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)

REQUEUE_SECONDS = conf.Settings().REQUEUE_SECONDS


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Let this process have a pool of its own."""
    settings.LIVEOPS = {"RUNNER": "thread", "RUNNER_THREADS": 1}
    monkeypatch.setattr(thread, "_pool", Pool())
    yield
    wait_for(lambda: not registry.everything())


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> RecordingSink:
    """Hear what watchers are told."""
    sink = RecordingSink()
    monkeypatch.setattr(WebSink, "emit", lambda _, update: sink.emit(update))
    return sink


def overdue() -> list[Any]:
    """Return the operations that the next look of a reaper hands over."""
    return [operation.pk for operation in store.overdue("default", REQUEUE_SECONDS)]


def test_a_run_that_asks_ends_by_itself_and_is_not_interrupted() -> None:
    operation = Inside(asking).start()
    assert shutdown.stop_runs(FOREVER)
    row = ending(operation)
    assert (row.get_state(), row.stage_states) == ("FINISHED_OK", {"Load": "done"})
    assert row.result_context == {"left_off": "in good order"}


def test_a_run_that_asks_and_goes_on_is_stopped_before_the_grace_is_over() -> None:
    operation = Inside(ignoring).start()
    assert shutdown.stop_runs(1.0)
    row = ending(operation)
    assert (row.get_state(), row.stage_states) == ("INTERRUPTED", {"Load": "interrupted"})
    assert row.run_id is not None, "it ended by itself"


def test_a_run_that_does_not_ask_is_stopped_at_once() -> None:
    operation = Inside(listening).start()
    began = time.monotonic()
    assert shutdown.stop_runs(FOREVER)
    assert time.monotonic() - began < FOREVER / 10
    assert ending(operation).get_state() == "INTERRUPTED"


def test_the_wait_for_another_attempt_ends_at_once() -> None:
    def retrying(op: Scripted, p: Progress) -> None:
        for attempt in p.attempts("Save", retry_attempts=1, retry_delay=FOREVER):
            with attempt:
                raise RetryStage("not yet")

    operation = Inside(retrying).start()
    wait_for(lambda: Scripted.objects.get().stage_states.get("Save") == "retrying")
    assert shutdown.stop_runs(FOREVER)
    row = ending(operation)
    assert row.get_state() == "INTERRUPTED"
    assert row.stage_states == {"Load": "interrupted", "Save": "interrupted"}


def test_a_command_is_stopped_with_its_run() -> None:
    operation = Inside(lambda op, p: p.run(["sleep", f"{FOREVER:.0f}"])).start()
    wait_for(lambda: Scripted.objects.get().log_lines.filter(text__startswith="$ sleep").exists())
    assert shutdown.stop_runs(FOREVER)
    assert ending(operation).get_state() == "INTERRUPTED"
    (command,) = operation.command_runs.all()
    assert command.exit_status not in (0, None)


@pytest.mark.parametrize(("asks", "state"), [(True, "FINISHED_OK"), (False, "INTERRUPTED")])
def test_a_coroutine_is_stopped_at_its_await_unless_it_asks(asks: bool, state: str) -> None:
    inside = threading.Event()

    async def body(op: AsyncScripted, p: Progress) -> None:
        while not (asks and p.shutting_down):
            await asyncio.sleep(0.001 if asks else FOREVER if inside.is_set() else 0)
            inside.set()

    AsyncScripted.body = body
    operation = AsyncScripted.objects.create()
    operation.enqueue()
    assert inside.wait(DEADLINE)
    assert shutdown.stop_runs(FOREVER)
    assert ending(operation).get_state() == state


def test_what_does_not_hear_is_interrupted_from_outside_and_watchers_are_told(
    ear: RecordingSink, caplog: pytest.LogCaptureFixture
) -> None:
    body = Inside()
    operation = body.start()
    torn: list[bool] = []
    assert not shutdown.stop_runs(0.0, tear=lambda: torn.append(True))
    row = LiveOperation.objects.get()
    assert (row.get_state(), row.run_id) == ("INTERRUPTED", None)
    assert row.stage_states == {"Load": "interrupted"}
    assert torn == [True]
    told = [update for update in ear.updates if update.finished is not None]
    assert [update.finished.state for update in told if update.finished] == ["INTERRUPTED"]
    assert str(operation.pk) in caplog.text
    assert not shutdown.stop_runs(FOREVER), "it is not waited for a second time"
    body.go.set()
    wait_for(lambda: not registry.everything())
    assert LiveOperation.objects.get().get_state() == "INTERRUPTED"


def test_a_run_that_holds_the_database_is_left_to_a_reaper(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def holding(op: Scripted, p: Progress) -> None:
        with transaction.atomic():
            Row.objects.create(name="held")
            holds.set()
            body.deaf(op, p)

    holds = threading.Event()
    body = Inside(holding)
    operation = body.start()
    assert holds.wait(DEADLINE)
    assert not shutdown.stop_runs(0.0)
    assert LiveOperation.objects.get().get_state() == "STARTED"
    assert f"operation {operation.pk} is left to a reaper" in caplog.text
    body.go.set()
    assert ending(operation).get_state() == "FINISHED_OK", "it ended before the process did"


def test_what_waits_in_the_pool_is_handed_over_by_the_next_look() -> None:
    running = Inside(listening).start()
    waiting = [Walk.objects.create() for _ in range(3)]
    for operation in waiting:
        operation.enqueue()
    assert overdue() == []
    assert shutdown.stop_runs(FOREVER)
    assert ending(running).get_state() == "INTERRUPTED"
    assert {row.get_state() for row in Walk.objects.all()} == {"NOT_STARTED"}
    assert overdue() == [operation.pk for operation in waiting], "in the order they had"


def test_many_that_wait_are_handed_back_in_few_statements(
    django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown._writer, "carry_out", lambda write, _: [write()])
    running = Inside(listening).start()
    with transaction.atomic():
        waiting = [Walk.objects.create() for _ in range(40)]
        for operation in waiting:
            operation.enqueue()
    with django_assert_max_num_queries(30):
        assert shutdown.stop_runs(FOREVER)
    assert ending(running).get_state() == "INTERRUPTED"
    assert overdue() == [operation.pk for operation in waiting]


def test_what_is_enqueued_too_late_is_left_to_another_process() -> None:
    shutdown.stop_runs(0.0)
    operation = Walk.objects.create()
    operation.enqueue()
    assert Walk.objects.get().get_state() == "NOT_STARTED"
    assert overdue() == [operation.pk]


def test_what_a_worker_is_handed_too_late_is_left_to_another_one() -> None:
    operation = Walk.objects.create()
    operation.note_enqueued()
    shutdown.stop_runs(0.0)
    assert run_here(str(operation.pk)) is None
    assert Walk.objects.get().get_state() == "NOT_STARTED"
    assert overdue() == [operation.pk]


def test_what_does_not_wait_is_not_handed_over() -> None:
    never, ended = Walk.objects.create(), Walk.objects.create()
    ended.enqueue()
    assert ending(ended).get_state() == "FINISHED_OK"
    for operation in (never, ended):
        shutdown.leave_to_others([operation.pk], None)
    assert overdue() == []
    assert LiveOperation.objects.get(pk=never.pk).enqueued_on is None


def test_what_is_claimed_at_the_last_moment_is_interrupted() -> None:
    registry.go_down()
    Scripted.body = listening
    operation = Scripted.objects.create()
    assert execute(operation, pump=threaded_pump()) == "INTERRUPTED"


def test_a_chain_goes_on_in_another_process() -> None:
    def chaining(op: Scripted, p: Progress) -> None:
        asking(op, p)
        p.chain_to(Walk.objects.create())

    operation = Inside(chaining).start()
    assert shutdown.stop_runs(FOREVER)
    assert ending(operation).get_state() == "FINISHED_OK"
    following = Walk.objects.get()
    assert following.get_state() == "NOT_STARTED"
    assert overdue() == [following.pk]


def test_a_server_that_tells_of_its_end_takes_its_runs_with_it() -> None:
    operation = Inside(listening).start()

    async def serve() -> None:
        server = ApplicationCommunicator(lifespan, {"type": "lifespan"})
        for moment in ("startup", "shutdown"):
            await server.send_input({"type": f"lifespan.{moment}"})
            answer = await server.receive_output(DEADLINE)
            assert answer == {"type": f"lifespan.{moment}.complete"}
        await server.wait(DEADLINE)

    async_to_sync(serve)()
    assert ending(operation).get_state() == "INTERRUPTED"


@pytest.mark.parametrize("hears", [True, False])
def test_an_interruption_by_the_end_of_the_process_uses_up_no_resume(
    monkeypatch: pytest.MonkeyPatch, hears: bool
) -> None:
    monkeypatch.setattr(Scripted, "resume_on_interrupt", 3)
    body = Inside(listening if hears else None)
    operation = body.start()
    assert shutdown.stop_runs(FOREVER if hears else 0.0) is hears
    body.go.set()
    wait_for(lambda: not registry.everything())
    row = LiveOperation.objects.get(pk=operation.pk)
    assert (row.get_state(), row.resumes_left) == ("INTERRUPTED", 3)
    assert [found.pk for found in store.resumable("default")] == [row.pk]
