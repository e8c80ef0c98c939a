"""What every runner keeps: one suite, for all of them."""

import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from django.db import connections, transaction
from django.utils import translation

from liveops import control, registry
from liveops.conf import load_runner
from liveops.exceptions import InvalidStateError
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.runners.eager import EagerRunner
from tests.integration.edge import DEADLINE
from tests.integration.running import Tally, ending
from tests.testapp.models import AsyncScripted, Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)


class Recording(EagerRunner):
    """Notes what it is given."""

    given: ClassVar[list[Any]] = []

    def enqueue(self, operation: LiveOperation) -> None:
        """Note the operation, and run it."""
        self.given.append(operation.pk)
        super().enqueue(operation)


@pytest.fixture(params=["eager", "thread", "threading", "own"])
def runner(request: pytest.FixtureRequest, settings: Any, tally: Tally) -> Any:
    """Configure one runner after the other."""
    name = f"{__name__}.Recording" if request.param == "own" else request.param
    settings.LIVEOPS = {"RUNNER": name}
    return load_runner()


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tally]:
    """Leave nothing running."""
    count = Tally(monkeypatch)
    yield count
    count.settle()


def test_it_runs_to_the_end(runner: Any) -> None:
    operation = Walk.objects.create(items=2)
    operation.enqueue()
    done = ending(operation)
    assert done.get_state() == "FINISHED_OK"
    assert done.stage_states == dict.fromkeys(Walk.stages, "done")
    assert done.result_context == {"items": 2}
    assert [line.seq for line in done.log_lines.all()] == [1, 2, 3, 4, 5, 6]
    assert (done.live_progress.percent, done.live_progress.done) == (100.0, 2)


def test_it_starts_at_the_commit_and_not_before(runner: Any) -> None:
    started = threading.Event()
    Scripted.body = lambda op, p: started.set()
    with transaction.atomic():
        operation = Scripted.objects.create(note="seen by the run")
        operation.enqueue()
        assert not started.is_set()
        assert registry.everything() == []
    assert ending(operation).get_state() == "FINISHED_OK"
    assert started.is_set()


def test_a_rollback_takes_the_start_with_it(runner: Any, tally: Tally) -> None:
    Scripted.body = lambda op, p: pytest.fail("must not run")
    kept = Scripted.objects.create()
    with transaction.atomic():
        kept.enqueue()
        Scripted.objects.create().enqueue()
        transaction.set_rollback(True)
    tally.settle()
    assert Scripted.objects.get().get_state() == "NOT_STARTED"
    with transaction.atomic():
        with transaction.atomic():
            kept.enqueue()
            transaction.set_rollback(True)
        Scripted.objects.create(note="other")
    tally.settle()
    assert {op.get_state() for op in Scripted.objects.all()} == {"NOT_STARTED"}


def test_what_the_transaction_wrote_is_there_when_it_starts(runner: Any) -> None:
    notes: list[str] = []
    Scripted.body = lambda op, p: notes.append(op.note)
    with transaction.atomic():
        operation = Scripted.objects.create(note="first")
        operation.enqueue()
        Scripted.objects.filter(pk=operation.pk).update(note="last")
    ending(operation)
    assert notes == ["last"]


def test_a_message_delivered_again_runs_nothing_again(runner: Any, tally: Tally) -> None:
    ran: list[Any] = []
    Scripted.body = lambda op, p: ran.append(op.pk)
    operation = Scripted.objects.create()
    operation.enqueue()
    operation.enqueue()
    first = ending(operation)
    for _ in range(3):
        runner().submit(Scripted.objects.get())
    tally.settle()
    assert ran == [operation.pk]
    row = Scripted.objects.get()
    assert (row.finished_on, row.run_id) == (first.finished_on, first.run_id)


def test_deliveries_at_the_same_time_run_it_once(runner: Any, tally: Tally) -> None:
    ran: list[Any] = []
    Scripted.body = lambda op, p: ran.append(op.pk)
    operation = Scripted.objects.create()
    gate = threading.Barrier(4)

    def deliver() -> None:
        try:
            mine = Scripted.objects.get(pk=operation.pk)
            gate.wait(DEADLINE)
            runner().submit(mine)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(DEADLINE)
    assert ending(operation).get_state() == "FINISHED_OK"
    tally.settle()
    assert ran == [operation.pk]


def test_a_delivery_during_the_run_changes_nothing(runner: Any) -> None:
    ran: list[Any] = []

    def body(op: Scripted, p: Progress) -> None:
        ran.append(op.pk)
        EagerRunner().submit(Scripted.objects.get(pk=op.pk))
        p.result(ok=True)

    Scripted.body = body
    operation = Scripted.objects.create()
    operation.enqueue()
    assert ending(operation).result_context == {"ok": True}
    assert ran == [operation.pk]


def test_a_cancel_before_the_start_runs_nothing(runner: Any, tally: Tally) -> None:
    Scripted.body = lambda op, p: pytest.fail("must not run")
    with transaction.atomic():
        operation = Scripted.objects.create()
        operation.enqueue()
        control.cancel(operation)
    tally.settle()
    row = ending(operation)
    assert (row.get_state(), row.started_on, row.traceback) == ("CANCELLED", None, "")


def test_a_cancel_in_mid_run_stops_a_loop_and_ends_the_stage(runner: Any) -> None:
    items: list[int] = []

    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            for item in p.track(iter(int, 1)):
                items.append(item)
                if len(items) == 5:
                    control.cancel(LiveOperation.objects.get(pk=op.pk))
        with p.stage("Save"):
            pytest.fail("must not be reached")

    Scripted.body = body
    operation = Scripted.objects.create()
    operation.enqueue()
    row = ending(operation)
    assert (row.get_state(), row.cancelled, row.cancel_requested) == ("CANCELLED", True, True)
    assert row.stage_states == {"Load": "cancelled"}
    assert len(items) == 5


def test_async_code_runs_like_any_other(runner: Any) -> None:
    async def body(op: AsyncScripted, p: Progress) -> None:
        async def produce() -> Any:
            for number in range(3):
                yield number

        with p.stage("Load"):
            async for number in p.track(produce(), total=3):
                p.log(f"{number}")
        await op.arefresh_from_db(fields=["created_on"])
        p.result(language=translation.get_language())

    AsyncScripted.body = body
    with translation.override("pl"):
        operation = AsyncScripted.objects.create()
    operation.enqueue()
    row = ending(operation)
    assert row.get_state() == "FINISHED_OK", row.traceback
    assert row.result_context == {"language": "pl"}
    assert [line.text for line in row.log_lines.all()] == ["0", "1", "2"]
    assert row.stage_states == {"Load": "done"}


def test_a_failure_is_stored_with_all_that_was_said_before(runner: Any) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            p.log("before")
            p.percent(30)
            raise LookupError("why")

    Scripted.body = body
    operation = Scripted.objects.create()
    operation.enqueue()
    row = ending(operation)
    assert (row.get_state(), row.finished_successfully) == ("FINISHED_ERROR", False)
    assert "LookupError: why" in row.traceback
    assert row.stage_states == {"Load": "failed"}
    assert row.live_progress.percent == 30.0
    assert [line.text for line in row.log_lines.all()] == ["before"]


def test_it_runs_in_the_language_of_its_creator(runner: Any) -> None:
    Scripted.body = lambda op, p: p.result(language=translation.get_language())
    with translation.override("de"):
        operation = Scripted.objects.create()
    with translation.override("fr"):
        operation.enqueue()
        assert ending(operation).result_context == {"language": "de"}
        assert translation.get_language() == "fr"


def test_an_operation_that_is_gone_at_the_commit_disturbs_nobody(
    runner: Any,
) -> None:
    Scripted.body = lambda op, p: None
    with transaction.atomic():
        lost, kept = Scripted.objects.create(), Scripted.objects.create()
        lost.enqueue()
        kept.enqueue()
        Scripted.objects.filter(pk=lost.pk).delete()
    assert ending(kept).get_state() == "FINISHED_OK"


def test_what_is_not_saved_cannot_be_enqueued(runner: Any) -> None:
    with pytest.raises(InvalidStateError, match="Save the operation"):
        Scripted().enqueue()
