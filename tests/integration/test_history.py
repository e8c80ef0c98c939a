"""How long earlier successful runs took: what a new run is told of them, and at what cost."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from liveops import store
from liveops.models import LiveProgress, StageRun
from liveops.progress import Progress
from liveops.store import history
from tests.integration.helpers import run_scripted
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db

MARCH = datetime(2026, 3, 5, 7, 8, 9, tzinfo=UTC)

Attempt = tuple[str, float, float, str]


def at(seconds: float) -> datetime:
    return MARCH + timedelta(seconds=seconds)


def ran(
    *attempts: Attempt,
    took: float = 100.0,
    day: int = 0,
    model: type[Any] = Scripted,
    **fields: Any,
) -> Any:
    """Store a run: each attempt as stage, begin and end in seconds since its start, outcome."""
    run_id = uuid.uuid4()
    values = {
        "created_on": MARCH + timedelta(days=day),
        "started_on": MARCH,
        "finished_on": at(took),
        "finished_successfully": True,
        "run_id": run_id,
        **fields,
    }
    operation = model.objects.create(**values)
    record(operation, run_id, *attempts)
    return operation


def record(operation: Any, run_id: uuid.UUID, *attempts: Attempt) -> None:
    StageRun.objects.bulk_create(
        StageRun(
            operation_id=operation.pk,
            run_id=run_id,
            stage=stage,
            started_on=at(began),
            finished_on=at(ended),
            outcome=outcome,
        )
        for stage, began, ended, outcome in attempts
    )


def expected(**fields: Any) -> dict[str, float]:
    return history.expected_durations(Scripted.objects.create(**fields))


def test_it_is_the_median_of_each_stage_and_of_the_whole() -> None:
    for load, save, whole in ((10, 50, 61), (12, 40, 55), (90, 45, 150)):
        stages = ("Load", 0, load, "done"), ("Save", load, load + save, "done")
        ran(*stages, took=whole)
    assert expected() == {"Load": 12.0, "Save": 45.0, "": 61.0}


def test_all_attempts_of_a_stage_count_together_with_the_waits_between_them() -> None:
    ran(("Load", 1, 5, "failed"), ("Load", 15, 18, "failed"), ("Load", 28, 31.5, "done"))
    assert expected()["Load"] == 30.5


@pytest.mark.parametrize("outcome", ["failed", "skipped", "cancelled", "interrupted"])
def test_only_stages_that_were_done_count(outcome: str) -> None:
    ran(("Load", 0, 10, outcome), ("Save", 10, 20, "done"))
    assert expected() == {"Save": 10.0, "": 100.0}


@pytest.mark.parametrize(
    "fields",
    [
        {"finished_successfully": False},
        {"cancelled": True},
        {"interrupted": True},
        {"finished_on": None},
        {"model": Walk},
        {"is_dry_run": True},
    ],
    ids=range(6),
)
def test_only_successful_runs_of_the_same_kind_count(fields: dict[str, Any]) -> None:
    ran(("Load", 0, 10, "done"), **fields)
    assert expected() == {}


def test_dry_runs_are_compared_with_dry_runs() -> None:
    ran(("Load", 0, 10, "done"))
    ran(("Load", 0, 1, "done"), took=2, is_dry_run=True)
    assert expected(is_dry_run=True) == {"Load": 1.0, "": 2.0}


def test_a_whole_of_which_only_a_part_was_run_does_not_count_as_one() -> None:
    ran(("Load", 0, 10, "done"), ("Save", 0, 0, "skipped"), took=11, stages_to_run=["Load"])
    assert expected() == {"Load": 10.0}
    resumed = ran(("Save", 0, 30, "done"), took=31)
    record(resumed, uuid.uuid4(), ("Load", 0, 12, "done"))
    assert expected() == {"Load": 11.0, "Save": 30.0}


def test_only_the_newest_runs_count() -> None:
    for day in range(history.RUNS + 5):
        ran(("Load", 0, 100 if day < 5 else 10, "done"), day=day)
    for day in range(100, 110):
        ran(("Load", 0, 900, "failed"), day=day, finished_successfully=False)
    assert expected()["Load"] == 10.0


def test_it_takes_two_queries_whatever_there_is() -> None:
    operation = Scripted.objects.create()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert history.expected_durations(operation) == {}
    assert len(plain(queries)) == 1, "without earlier runs there is nothing more to ask"
    for day in range(30):
        ran(*[(f"Stage {n}", n, n + 1, "done") for n in range(20)], day=day)
    with CaptureQueriesContext(connection) as queries:
        assert len(history.expected_durations(operation)) == 21
    assert len(plain(queries)) == 2


def plain(queries: CaptureQueriesContext) -> list[str]:
    """Return the queries that ask for rows."""
    return [q["sql"] for q in queries if q["sql"].startswith("SELECT")]


def test_the_newest_runs_are_found_by_an_index() -> None:
    operation = Scripted.objects.create()
    plan = history._newest_runs(operation, "default").explain()
    assert "liveops_type_state_newest" in plan
    assert "TEMP B-TREE" not in plan, "they are in order already"


@pytest.mark.parametrize("failing", [1, 2])
def test_a_database_that_refuses_stops_no_claim(
    failing: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ran(("Load", 0, 10, "done"))
    operation = Scripted.objects.create()
    name = "_newest_runs" if failing == 1 else "_stages_of"

    def refuse(*args: Any) -> models.QuerySet[Any]:
        raise DatabaseError("out of memory")

    monkeypatch.setattr(history, name, refuse)
    with transaction.atomic():
        claim = store.claim(operation)
    assert claim is not None
    assert claim.view.expected == {}
    assert "out of memory" in caplog.text
    assert LiveProgress.objects.get(pk=operation.pk).expected == {}


def test_a_run_knows_it_from_its_start_and_it_is_stored() -> None:
    ran(("Load", 0, 10, "done"), took=12)

    def body(op: Scripted, p: Progress) -> None:
        assert LiveProgress.objects.get(pk=op.pk).expected == {"Load": 10.0, "": 12.0}
        with p.stage("Load"):
            pass

    operation, shown = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert {tuple(u.view.expected.items()) for u in shown.updates} == {(("Load", 10.0), ("", 12.0))}
    assert LiveProgress.objects.get(pk=operation.pk).expected == {"Load": 10.0, "": 12.0}


def test_what_this_run_took_is_what_the_next_one_is_told() -> None:
    def body(op: Scripted, p: Progress) -> None:
        for name in ("Load", "Save"):
            with p.stage(name):
                pass

    run_scripted(body)
    assert set(expected()) == {"Load", "Save", ""}
