"""Reaping and pruning on PostgreSQL, where rows are locked one by one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from liveops.models import LiveOperation
from liveops.reaping import Reaper
from tests.engines.fixtures import MakeEngines
from tests.integration.pruning import ended, left, prune
from tests.integration.reaping import (
    NOTING,
    HandClock,
    Homing,
    Noting,
    dead,
    fresh_runner,
    ids,
    look_twice,
    started,
    state_of,
)
from tests.integration.resuming import Voyage


@pytest.fixture(scope="module", autouse=True)
def site(module_engines: MakeEngines) -> Iterator[None]:
    """Let this process work on a database of PostgreSQL."""
    with module_engines(database="postgres", runner=NOTING).here(), fresh_runner():
        yield


@pytest.fixture(autouse=True)
def empty(site: None) -> None:
    LiveOperation.objects.all().delete()
    Noting.given.clear()


@contextmanager
def held(operation: Any) -> Iterator[None]:
    """Hold the row of an operation, as code does that forgot to commit."""
    config: Any = connection.get_connection_params()
    names = ("dbname", "user", "host", "port")
    with psycopg.connect(**{name: config[name] for name in names}) as other:
        row = "SELECT 1 FROM liveops_liveoperation WHERE id = %s FOR UPDATE"
        other.execute(row, [operation.pk])
        yield
        other.rollback()


def lock_timeout() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        return cursor.fetchone()[0]


def test_a_row_that_is_held_is_waited_for_no_longer_than_is_good() -> None:
    clock = HandClock()
    reaper, operation, alive = Reaper(clock), dead(), started()
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '7s'")
    with held(operation):
        found = look_twice(reaper, clock)
        assert (found.interrupted, found.suspects) == ([], 1)
        assert lock_timeout() == "7s", "as it was, for whoever uses the connection next"
    clock.now += 5
    assert ids(reaper.round().interrupted) == [operation.pk]
    assert (state_of(operation), state_of(alive)) == ("INTERRUPTED", "STARTED")
    assert lock_timeout() == "7s"


def test_what_is_held_keeps_nothing_else_from_going_on() -> None:
    clock = HandClock()
    one, other = dead(Homing), dead(Homing)
    with held(one):
        found = look_twice(Reaper(clock), clock)
        assert (ids(found.interrupted), ids(found.resumed)) == ([other.pk], [other.pk])
    late, held_late = Voyage.objects.create(), Voyage.objects.create()
    for operation in (late, held_late):
        operation.enqueue()
    rows = LiveOperation.objects.filter(pk__in=[late.pk, held_late.pk])
    rows.update(enqueued_on=late.created_on.replace(year=2020))
    with held(held_late):
        assert ids(Reaper().round().handed_over) == [late.pk]
    assert ids(Reaper().round().handed_over) == [held_late.pk]


def test_pruning_passes_by_what_is_held() -> None:
    operations = [ended(40 + n) for n in range(5)]
    with held(operations[2]):
        told = prune("--older-than", "30d", "--batch", "2")
    assert told == ["Deleted 4 operations (4 FINISHED_OK)."]
    assert left() == {operations[2].pk}
    prune("--older-than", "30d", "--batch", "2")
    assert left() == set()
