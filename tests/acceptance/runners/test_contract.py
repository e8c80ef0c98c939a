"""What every runner does: the same tests for each, with real workers, brokers and databases."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.db import transaction
from django.utils import translation

from liveops import conf, control
from liveops.models import LiveOperation
from tests.acceptance.runners.places import (
    SITES,
    Place,
    created,
    deliver,
    ended,
    lines,
    page,
    stored,
)
from tests.engines.fixtures import MakeEngines
from tests.engines.models import AsyncPlan, BlockPlan, Planned, StagedPlan


@dataclass
class Early:
    """What was enqueued before there was a worker."""

    wanted: Planned
    cancelled: Planned
    page: str


@pytest.fixture(scope="module", params=list(SITES))
def site(request: pytest.FixtureRequest, module_engines: MakeEngines) -> Iterator[Place]:
    """A site with workers, which come when the first operations have been waiting for them."""
    place = Place(request.param, module_engines, works=False)
    with place.site.here():
        place.early = enqueue_early() if place.is_apart else None
    place.start_workers()
    yield place
    place.site.close()


def enqueue_early() -> Early:
    wanted, cancelled = created(), created()
    for operation in (wanted, cancelled):
        operation.enqueue()
    control.cancel(cancelled)
    return Early(wanted, cancelled, page(wanted))


@pytest.fixture
def place(site: Place) -> Iterator[Place]:
    with site.site.here():
        yield site
    assert site.site.journal.twice_at_once() == []


@pytest.fixture
def taken(place: Place, monkeypatch: pytest.MonkeyPatch) -> list[LiveOperation]:
    """Note what the runner is given."""
    given: list[LiveOperation] = []
    runner = conf.load_runner()
    enqueue = runner.enqueue

    def noting(self: object, operation: LiveOperation) -> None:
        given.append(operation)
        enqueue(self, operation)

    monkeypatch.setattr(runner, "enqueue", noting)
    return given


def test_what_waits_for_a_worker_says_so_and_runs_when_it_comes(place: Place) -> None:
    if place.early is None:
        assert not place.is_apart, "the caller's process carries it out itself"
        return
    assert "Waiting" in place.early.page
    assert ended(place.early.wanted).get_state() == "FINISHED_OK"
    assert "Succeeded" in page(place.early.wanted)
    place.settle()
    assert stored(place.early.cancelled).get_state() == "CANCELLED"
    assert place.site.journal.begun(place.early.cancelled) == []


def test_an_operation_is_carried_out(place: Place) -> None:
    operation = created(Load=[["log", "loaded {}", 3]], Save=[["result", {"saved": 3}]])
    operation.enqueue()
    row = ended(operation)
    assert (row.get_state(), row.result_context) == ("FINISHED_OK", {"saved": 3})
    assert lines(operation) == ["loaded 1", "loaded 2", "loaded 3"]
    assert [entry.stage for entry in place.site.journal.begun(operation)] == row.stages


def test_it_is_handed_over_when_the_transaction_commits(
    place: Place, taken: list[LiveOperation]
) -> None:
    with transaction.atomic():
        operation = created()
        with transaction.atomic():
            operation.enqueue()
        assert taken == []
        assert stored(operation).get_state() == "NOT_STARTED"
    assert taken == [operation]
    assert ended(operation).get_state() == "FINISHED_OK"


def test_nothing_is_handed_over_after_a_rollback(place: Place, taken: list[LiveOperation]) -> None:
    with transaction.atomic():
        first = created()
        first.enqueue()
        transaction.set_rollback(True)
    second = created()
    with transaction.atomic():
        with transaction.atomic():
            second.enqueue()
        transaction.set_rollback(True)
    place.settle()
    assert first not in taken
    assert second not in taken
    assert stored(second).get_state() == "NOT_STARTED"
    assert stored(second).enqueued_on is None, "nobody is to hand it over again"
    for operation in (first, second):
        assert place.site.journal.begun(operation) == []


def test_a_message_that_comes_again_runs_nothing(place: Place) -> None:
    operation = created(Load=[["wait", "go"]])
    with place.enqueued(operation):
        place.site.reached(operation, "go")
        run = stored(operation).run_id
        deliver(operation)
        deliver(operation)
        place.settle()
        assert (stored(operation).get_state(), stored(operation).run_id) == ("STARTED", run)
        place.site.let_go(operation, "go")
        row = ended(operation)
    deliver(operation)
    place.settle()
    assert (row.get_state(), row.run_id) == ("FINISHED_OK", run)
    assert stored(operation).finished_on == row.finished_on
    assert [entry.stage for entry in place.site.journal.begun(operation)] == row.stages
    assert {entry.run for entry in place.site.journal.begun(operation)} == {str(run)}


def test_one_cancelled_before_it_starts_never_runs(place: Place) -> None:
    with transaction.atomic():
        operation = created()
        operation.enqueue()
        control.cancel(operation)
    place.settle()
    assert stored(operation).get_state() == "CANCELLED"
    assert place.site.journal.begun(operation) == []


def test_one_is_cancelled_in_mid_run(place: Place) -> None:
    operation = created(Load=[["return", 1]], Change=[["wait", "never"]])
    with place.enqueued(operation):
        place.site.reached(operation, "never")
        control.cancel(stored(operation))
        row = ended(operation)
    assert row.get_state() == "CANCELLED"
    assert row.stage_states == {"Load": "done", "Change": "cancelled"}
    (body,) = place.site.journal.ended(operation, "Change")
    assert body.outcome == "OperationCancelled"


@pytest.mark.parametrize("model", [AsyncPlan, BlockPlan], ids=["async", "blocks"])
def test_each_kind_of_operation_runs(place: Place, model: type[Planned]) -> None:
    operation = created(model, Load=[["wait", "go"]], Save=[["log", "saved"]])
    with place.enqueued(operation):
        place.site.reached(operation, "go")
        place.site.let_go(operation, "go")
        row = ended(operation)
    assert row.get_state() == "FINISHED_OK", row.traceback
    assert row.stage_states == dict.fromkeys(row.stages, "done")
    assert lines(operation) == ["saved"]


def test_a_failure_is_told_and_the_next_one_runs(place: Place) -> None:
    foreseen = created(Load=[["fail", "The file is empty."]])
    crashed = created(Load=[["crash", "a secret"]])
    for operation in (foreseen, crashed):
        operation.enqueue()
    rows = [ended(operation) for operation in (foreseen, crashed)]
    assert [row.get_state() for row in rows] == ["FINISHED_ERROR"] * 2
    assert rows[0].live_progress.error_text == "The file is empty."
    assert "a secret" not in rows[1].live_progress.error_text
    assert "ZeroDivisionError: a secret" in rows[1].traceback
    place.settle()


def test_a_chain_is_carried_out_to_its_end(place: Place) -> None:
    last = {"Save": [["log", "the last"]]}
    between = {"Save": [["chain", "StagedPlan", last]]}
    operation = created(BlockPlan, Save=[["chain", "BlockPlan", between]])
    operation.enqueue()
    row = ended(operation)
    following = ended(row.next_operation.specific)
    third = ended(following.next_operation.specific)
    assert [each.get_state() for each in (row, following, third)] == ["FINISHED_OK"] * 3
    assert isinstance(third, StagedPlan)
    assert lines(third) == ["the last"]


def test_each_speaks_the_language_of_its_creator(place: Place) -> None:
    with translation.override("de"):
        german = created(Load=[["language"]])
    english = created(Load=[["language"]])
    for operation in (german, english):
        operation.enqueue()
        ended(operation)
    assert [lines(german), lines(english)] == [["language de"], ["language en"]]
