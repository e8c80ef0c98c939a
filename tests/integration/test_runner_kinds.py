"""Choosing a runner, one that refuses, and the pool of the thread runner."""

import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from django.db import transaction
from django.utils import translation

from liveops import conf, control, registry, shutdown
from liveops.exceptions import ConfigurationError, FenceLost
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.runners import base, thread
from liveops.runners.base import Runner
from liveops.runners.eager import EagerRunner
from liveops.runners.thread import Pool, ThreadRunner
from liveops.sinks.recording import RecordingSink
from liveops.sinks.web import WebSink
from tests.integration.edge import DEADLINE
from tests.integration.running import Tally, ending, wait_for
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)


class Refusing(Runner):
    """Takes nothing."""

    def enqueue(self, operation: LiveOperation) -> None:
        """Refuse."""
        raise ConnectionError("the broker at 10.0.0.1 is away")


class Late(EagerRunner):
    """Runs the operation, and then fails all the same."""

    def enqueue(self, operation: LiveOperation) -> None:
        """Run it, then raise."""
        super().enqueue(operation)
        raise ConnectionError("no answer")


class Noting(EagerRunner):
    """Notes what it is given."""

    given: ClassVar[list[Any]] = []

    def enqueue(self, operation: LiveOperation) -> None:
        """Note the operation, and run it."""
        self.given.append(operation.pk)
        super().enqueue(operation)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Pool]:
    """Give the thread runner a pool of its own, for two operations at a time."""
    settings.LIVEOPS = {"RUNNER": "thread", "RUNNER_THREADS": 2}
    tally = Tally(monkeypatch)
    own = Pool()
    monkeypatch.setattr(thread, "_pool", own)
    yield own
    tally.settle()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("eager", EagerRunner),
        ("thread", ThreadRunner),
        ("threading", ThreadRunner),
        (f"{__name__}.Noting", Noting),
    ],
)
def test_a_runner_is_chosen_by_name_or_path(name: str, expected: Any, settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": name}
    assert conf.load_runner() is expected


def test_threads_are_the_default(settings: Any) -> None:
    settings.LIVEOPS = {}
    assert conf.load_runner() is ThreadRunner


def test_a_runner_of_the_project_gets_the_saved_operation(settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": f"{__name__}.Noting"}
    Noting.given.clear()
    operation = Walk.objects.create(items=1)
    operation.enqueue()
    assert Noting.given == [operation.pk]
    assert Walk.objects.get().get_state() == "FINISHED_OK"


def test_a_path_that_leads_nowhere_is_an_error_where_it_is_used(settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": "shop.runners.Gone"}
    operation = Walk.objects.create()
    with pytest.raises(ConfigurationError, match=r"shop\.runners\.Gone"):
        operation.enqueue()
    assert Walk.objects.get().get_state() == "NOT_STARTED"


def test_a_runner_that_refuses_fails_the_operation_with_a_sentence(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.LIVEOPS = {"RUNNER": f"{__name__}.Refusing"}
    ear = RecordingSink()
    monkeypatch.setattr(WebSink, "emit", lambda sink, update: ear.emit(update))
    with transaction.atomic():
        operation = Walk.objects.create()
        operation.enqueue()
    row = Walk.objects.get()
    assert (row.get_state(), row.started_on) == ("FINISHED_ERROR", None)
    assert row.live_progress.error_text.endswith(".")
    assert "10.0.0.1" not in row.live_progress.error_text, "details are for the log"
    assert "10.0.0.1" in caplog.text
    (told,) = ear.updates
    assert told.view.error_text == row.live_progress.error_text
    assert told.finished is not None
    assert told.finished.state == "FINISHED_ERROR"
    assert operation.get_state() == "FINISHED_ERROR"


def test_the_sentence_is_in_the_language_of_the_operation(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIVEOPS = {"RUNNER": f"{__name__}.Refusing"}
    monkeypatch.setattr(base, "_", lambda text: f"{translation.get_language()}: {text}")
    with translation.override("pl"):
        operation = Walk.objects.create()
    with translation.override("de"):
        operation.enqueue()
    assert Walk.objects.get().live_progress.error_text.startswith("pl: ")


def test_a_runner_that_fails_after_the_fact_changes_no_outcome(settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": f"{__name__}.Late"}
    Walk.objects.create(items=1).enqueue()
    row = Walk.objects.get()
    assert row.get_state() == "FINISHED_OK"
    assert row.live_progress.error_text == ""


def test_a_refusal_can_be_restarted_once_the_runner_is_back(settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": f"{__name__}.Refusing"}
    Walk.objects.create(items=1).enqueue()
    settings.LIVEOPS = {"RUNNER": "eager"}
    control.restart(Walk.objects.get())
    row = Walk.objects.get()
    assert row.get_state() == "FINISHED_OK"
    assert row.live_progress.error_text == ""


def test_the_caller_goes_on_while_the_pool_works_on_as_many_as_it_may(pool: Pool) -> None:
    go, running, most = threading.Event(), [0], [0]
    lock = threading.Lock()

    def body(op: Scripted, p: Progress) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        assert go.wait(DEADLINE)
        with lock:
            running[0] -= 1

    Scripted.body = body
    operations = [Scripted.objects.create() for _ in range(5)]
    for operation in operations:
        operation.enqueue()
    wait_for(lambda: running[0] == 2)
    states = sorted(op.get_state() for op in Scripted.objects.all())
    assert states == ["NOT_STARTED"] * 3 + ["STARTED"] * 2
    go.set()
    assert {ending(op).get_state() for op in operations} == {"FINISHED_OK"}
    assert most == [2]
    assert len(pool._threads) == 2


def test_a_run_that_dies_leaves_its_thread_to_the_next(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def body(op: Scripted, p: Progress) -> None:
        raise SystemExit("hunter22")

    Scripted.body = body
    first = Scripted.objects.create()
    first.enqueue()
    assert ending(first).get_state() == "INTERRUPTED"
    for _ in range(4):
        walk = Walk.objects.create(items=1)
        walk.enqueue()
        assert ending(walk).get_state() == "FINISHED_OK"
    assert f"operation {first.pk} raised SystemExit" in caplog.text
    assert "hunter22" not in caplog.text  # what it says may be secret
    assert len(pool._threads) <= 2


def test_the_pool_interrupts_what_runs_when_the_process_ends(pool: Pool) -> None:
    inside = threading.Event()

    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            for number in p.track(iter(int, 1)):
                p.log(f"{number}")
                inside.set()

    Scripted.body = body
    operation = Scripted.objects.create()
    operation.enqueue()
    assert inside.wait(DEADLINE)
    shutdown.stop_runs(DEADLINE)
    row = ending(operation)
    assert (row.get_state(), row.interrupted) == ("INTERRUPTED", True)
    assert row.stage_states == {"Load": "interrupted"}
    assert row.run_id is not None, "it ended by itself, within the grace"


def test_a_run_that_does_not_listen_is_interrupted_from_outside_and_fenced(pool: Pool) -> None:
    inside, go = threading.Event(), threading.Event()
    refused: list[BaseException] = []

    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            inside.set()
            assert go.wait(DEADLINE)
            op.note = "too late"
            try:
                op.save()
            except FenceLost as lost:
                refused.append(lost)
                raise

    Scripted.body = body
    operation = Scripted.objects.create(note="as it was")
    operation.enqueue()
    assert inside.wait(DEADLINE)
    shutdown.stop_runs(0.0)
    row = Scripted.objects.get()
    assert (row.get_state(), row.run_id) == ("INTERRUPTED", None)
    assert row.stage_states == {"Load": "interrupted"}
    go.set()
    wait_for(lambda: not registry.everything())
    row = Scripted.objects.get()
    assert refused
    assert (row.get_state(), row.note) == ("INTERRUPTED", "as it was")
