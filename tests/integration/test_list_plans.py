"""PostgreSQL finds what it is asked for by an index, whatever the number of operations."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from liveops import store
from liveops.models import LiveOperation
from liveops.overview import badge
from liveops.overview.listing import COUNTED
from liveops.overview.reach import Reach
from liveops.reaping import Reaper
from liveops.states import State
from tests.benchmarks import rows
from tests.engines.fixtures import MakeEngines
from tests.integration.edge import person
from tests.integration.reaping import NOTING, fresh_runner
from tests.testapp.models import Walk

ENDED, RUNNING = 100_000, 1_000
TABLE = "liveops_liveoperation"
MOST_READ = COUNTED * 1.2
"""The most rows that a query may read without an index.

The list counts a state up to a bound. Where nearly every row is in that state the database takes
the first that it comes upon, which is as good as an index; it stops there.
"""


@pytest.fixture(scope="module", autouse=True)
def people(module_engines: MakeEngines) -> Iterator[dict[str, Any]]:
    """Let this process work on a database with a long history; return those who look at it."""
    with module_engines(database="postgres", runner=NOTING).here(), fresh_runner():
        found = {
            "root": person("root", is_superuser=True),
            "owner": person("owner"),
            "viewer": person("viewer", "testapp.view_walk"),
        }
        ended = rows.operation(owner=found["owner"])
        running = rows.operation(State.STARTED, owner=found["owner"])
        rows.multiply(ended, ENDED)
        rows.multiply(running, RUNNING)
        rows.give_progress(running)
        rows.analyze()
        yield found


def read_by_scan(plan: Any) -> float:
    """Return how many rows of the table a plan read one after the other."""
    read = 0.0
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] == TABLE:
        read = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    return float(read * plan["Actual Loops"]) + sum(map(read_by_scan, plan.get("Plans", ())))


def read_at_most(asked: list[str]) -> float:
    """Return the most rows of the table that one of some queries reads without an index."""
    most = 0.0
    for sql in asked:
        if sql.startswith(("SELECT", "UPDATE", "DELETE")):
            with connection.cursor() as cursor, transaction.atomic():
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
                (answer,) = cursor.fetchone()
                transaction.set_rollback(True)
            plan = json.loads(answer) if isinstance(answer, str) else answer
            most = max(most, read_by_scan(plan[0]["Plan"]))
    return most


def asked_by(ask: Callable[[], Any]) -> list[str]:
    """Return the queries that a call asks, and leave the database as it was."""
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        ask()
        transaction.set_rollback(True)
    found = [query["sql"] for query in queries]
    assert any(TABLE in sql for sql in found), found
    return found


@pytest.mark.parametrize("name", ["root", "owner", "viewer"])
@pytest.mark.parametrize("query", ["", "?state=STARTED", "?type=testapp.Walk", "?page=20"])
def test_the_list_is_read_by_indexes_in_few_queries(
    people: dict[str, Any], name: str, query: str
) -> None:
    client = Client()
    client.force_login(people[name])
    found = asked_by(lambda: client.get(f"/live/{query}"))
    assert read_at_most(found) <= MOST_READ
    own = [sql for sql in found if "liveops_" in sql]
    assert len(own) <= 6, own


@pytest.mark.parametrize("name", ["root", "owner", "viewer"])
def test_the_badge_is_read_by_indexes(people: dict[str, Any], name: str) -> None:
    reach = Reach.of(people[name])
    assert reach is not None
    assert read_at_most(asked_by(lambda: badge.read(reach))) <= MOST_READ


def test_the_looks_of_a_reaper_are_answered_by_indexes() -> None:
    assert read_at_most(asked_by(lambda: Reaper().round())) == 0


def test_a_claim_and_an_end_are_found_by_the_key() -> None:
    operation = Walk.objects.create()

    def run() -> None:
        claim = store.claim(operation)
        assert claim is not None
        store.save_rows(operation, {"seq": 1}, keep_lines=1_000)
        store.poll("default", [operation.pk])
        assert store.finish(operation, store.Ending(State.FINISHED_OK))

    assert read_at_most(asked_by(run)) == 0


def test_a_resume_is_found_by_the_key() -> None:
    operation = LiveOperation.objects.filter(state=State.FINISHED_OK).latest("created_on")
    assert read_at_most(asked_by(lambda: store.restart(operation))) == 0
    assert read_at_most(asked_by(lambda: store.resumable("default"))) == 0
