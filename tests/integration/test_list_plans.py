"""Databases find what they are asked for by an index, whatever the number of operations.

PostgreSQL is asked once it has statistics, as it always has after a while; SQLite, which has none
until somebody calls ANALYZE, with and without.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from liveops import limits, store
from liveops.exceptions import TooManyRunningError
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

ENDED, RUNNING = 3 * COUNTED, 1_000
TABLES = "liveops_"
MOST_READ = COUNTED * 1.2
"""The most rows that a part of a query may read: the list counts a state up to a bound."""

_SORTED = ("USE TEMP B-TREE FOR ORDER BY", "USE TEMP B-TREE FOR RIGHT PART OF ORDER BY")
_SCANNED = re.compile(r"SCAN (?!liveops_counted\b|auth_|django_)\w+( LEFT-JOIN)?$")


@pytest.fixture(scope="module", params=["postgres", "sqlite", "sqlite-without-statistics"])
def people(request: pytest.FixtureRequest, module_engines: MakeEngines) -> Iterator[dict[str, Any]]:
    """Let this process work on a database with a long history; return those who look at it."""
    database, _, without = request.param.partition("-")
    with module_engines(database=database, runner=NOTING).here(), fresh_runner():
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
        if without:
            del found["viewer"]  # whose condition has two sides, which SQLite then thinks are short
        else:
            rows.analyze()
        yield found


def faults(asked: list[str], *, sorts: bool = True) -> list[str]:
    """Return what databases do for some queries that takes longer, the longer the history.

    Args:
        asked: the queries.
        sorts: whether they may sort what they found.
    """
    explain = _postgres_faults if connection.vendor == "postgresql" else _sqlite_faults
    found = []
    for sql in asked:
        if sql.startswith(("SELECT", "UPDATE", "DELETE")) and TABLES in sql:
            found += [f"{fault}: {sql}" for fault in explain(sql, sorts=sorts)]
    return found


def _sqlite_faults(sql: str, *, sorts: bool) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        steps = [str(step) for *_, step in cursor.fetchall()]
    banned = () if sorts else _SORTED
    return [step for step in steps if step in banned or _SCANNED.match(step)]


def _postgres_faults(sql: str, *, sorts: bool) -> list[str]:
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        (answer,) = cursor.fetchone()
        transaction.set_rollback(True)
    plan = json.loads(answer) if isinstance(answer, str) else answer
    return list(_postgres_parts(plan[0]["Plan"]))


def _postgres_parts(plan: Any) -> Iterator[str]:
    name = plan.get("Relation Name", "")
    read = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    is_ours = name.startswith(TABLES)
    if is_ours and read and (plan["Node Type"] == "Seq Scan" or read > MOST_READ):
        yield f"{plan['Node Type']} of {name} reads {read:.0f} rows"
    for part in plan.get("Plans", ()):
        yield from _postgres_parts(part)


def asked_by(ask: Callable[[], Any]) -> list[str]:
    """Return the queries that a call asks, and leave the database as it was."""
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        ask()
        transaction.set_rollback(True)
    found = [query["sql"] for query in queries]
    assert any(TABLES in sql for sql in found), found
    return found


def _enqueued(walk: Walk) -> None:
    with suppress(TooManyRunningError):
        walk.enqueue()


@pytest.mark.parametrize("query", ["", "?state=STARTED", "?type=testapp.Walk", "?page=20"])
def test_the_list_is_read_by_indexes_in_few_queries(people: dict[str, Any], query: str) -> None:
    for name, user in people.items():
        client = Client()
        client.force_login(user)
        found = asked_by(partial(client.get, f"/live/{query}"))
        assert faults(found, sorts=False) == [], name
        own = [sql for sql in found if TABLES in sql]
        assert len(own) <= 6, own


def test_the_badge_is_read_by_indexes(people: dict[str, Any]) -> None:
    for name, user in people.items():
        reach = Reach.of(user)
        assert reach is not None
        assert faults(asked_by(partial(badge.read, reach))) == [], name


@pytest.mark.usefixtures("people")
def test_the_looks_of_a_reaper_are_answered_by_indexes() -> None:
    assert faults(asked_by(lambda: Reaper().round())) == []


@pytest.mark.usefixtures("people")
def test_a_claim_and_an_end_are_found_by_the_key() -> None:
    operation = Walk.objects.create()

    def run() -> None:
        claim = store.claim(operation)
        assert claim is not None
        store.save_rows(operation, {"seq": 1}, keep_lines=1_000)
        store.poll("default", [operation.pk])
        assert store.finish(operation, store.Ending(State.FINISHED_OK))

    assert faults(asked_by(run)) == []


@pytest.mark.usefixtures("people")
def test_a_resume_is_found_by_the_key() -> None:
    operation = LiveOperation.objects.filter(state=State.FINISHED_OK).latest("created_on")
    assert faults(asked_by(lambda: store.restart(operation))) == []
    assert faults(asked_by(lambda: store.resumable("default"))) == []


def test_what_of_a_user_waits_and_runs_is_counted_by_an_index(
    people: dict[str, Any], settings: Any
) -> None:
    settings.LIVEOPS = {"RUNNER": NOTING, "MAX_RUNNING_PER_USER": 100}
    for name, counted in (("root", nullcontext()), ("owner", pytest.raises(TooManyRunningError))):
        with counted:
            limits.require_room(people[name].pk, "default")
        walk = Walk.objects.create(owner=people[name])
        assert faults(asked_by(partial(_enqueued, walk))) == []


@pytest.mark.usefixtures("people")
def test_a_query_that_no_index_answers_would_be_found() -> None:
    by_text = LiveOperation.objects.filter(traceback="boom").values("pk")
    assert faults(asked_by(lambda: list(by_text))) != []
    sorted_by_text = LiveOperation.objects.order_by("language").values("pk")[:5]
    assert faults(asked_by(lambda: list(sorted_by_text)), sorts=False) != []
