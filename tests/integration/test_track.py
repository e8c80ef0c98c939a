"""`p.track()`: what it counts, what it never does, and async loops."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liveops.progress import Progress
from liveops.progress.pumps import InlinePump, threaded_pump
from liveops.testing import RecordingProgress, run_operation
from tests.integration.helpers import run_scripted
from tests.testapp.models import AsyncScripted, Row, Scripted

pytestmark = pytest.mark.django_db(transaction=True)


def numbers(count: int) -> Iterator[int]:
    yield from range(count)


def test_track_counts_a_generator_without_reading_ahead() -> None:
    produced: list[int] = []

    def source() -> Iterator[int]:
        for number in range(5):
            produced.append(number)
            yield number

    def body(op: Scripted, p: Progress) -> None:
        for number in p.track(source(), label="Reading", unit="row"):
            assert produced[-1] == number, "nothing is read ahead"

    operation, _ = run_scripted(body)
    progress = operation.live_progress
    assert (progress.done, progress.total, progress.percent) == (5, None, None)
    assert (progress.label, progress.unit) == ("Reading", "row")


def test_track_asks_a_queryset_for_its_count_and_never_makes_it_a_list() -> None:
    connection.ensure_connection()  # Django 6.0.0 forgets that for a bulk
    Row.objects.bulk_create(Row(name=str(n)) for n in range(20))

    def body(op: Scripted, p: Progress) -> None:
        rows = Row.objects.order_by("pk")
        with CaptureQueriesContext(connection) as queries:
            walk = p.track(rows)
            assert [row.name for row in walk] == [str(n) for n in range(20)]
        asked = [q["sql"] for q in queries.captured_queries if "testapp_row" in q["sql"]]
        assert ["COUNT" in sql for sql in asked] == [True, False]

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert (operation.live_progress.done, operation.live_progress.total) == (20, 20)


@pytest.mark.parametrize("total", [-1, 2.5, "3", True])
def test_track_refuses_a_total_that_is_none(total: Any) -> None:
    with pytest.raises(ValueError, match="total of 0 or more"):
        RecordingProgress().track([], total=total)


def test_track_of_nothing_and_a_loop_left_early() -> None:
    def body(op: Scripted, p: Progress) -> None:
        assert list(p.track([])) == []
        for number in p.track(range(10)):
            if number == 4:
                break

    operation, _ = run_scripted(body)
    assert (operation.live_progress.done, operation.live_progress.total) == (4, 10)


def test_a_loop_inside_another_gives_the_bar_back() -> None:
    def body(op: Scripted, p: Progress) -> None:
        for _ in p.track(range(4), label="outer"):
            for _ in p.track(range(3), label="inner"):
                pass
            p._run.flush()

    operation, recorder = run_scripted(body)
    shown = [(u.view.label, u.view.done) for u in recorder.updates if u.view.label]
    assert shown[-1] == ("outer", 4)
    assert ("outer", 2) in shown
    assert (operation.live_progress.label, operation.live_progress.percent) == ("outer", 100)


def test_a_loop_left_open_touches_nothing_after_the_run(
    django_assert_num_queries: Any,
) -> None:
    kept: list[Iterator[int]] = []
    ticks = itertools.count(0, 10)

    def body(op: Scripted, p: Progress) -> None:
        walk = p.track(numbers(3))
        next(walk)
        kept.append(walk)

    _, recorder = run_scripted(body, pump=InlinePump(clock=lambda: float(next(ticks))))
    shown = len(recorder.updates)
    walk = kept.pop()
    assert isinstance(walk, Generator)
    with django_assert_num_queries(0):
        walk.close()
    assert len(recorder.updates) == shown


def test_track_does_not_catch_what_the_loop_raises() -> None:
    def body(op: Scripted, p: Progress) -> None:
        for number in p.track(numbers(3)):
            if number:
                raise ZeroDivisionError

    Scripted.body = body
    outcome = run_operation(Scripted.objects.create())
    assert "ZeroDivisionError" in outcome.traceback


@pytest.mark.parametrize("pump", [InlinePump, threaded_pump])
def test_an_async_run_with_async_iterables(pump: Any) -> None:
    async def source() -> AsyncIterator[int]:
        for number in range(4):
            await asyncio.sleep(0)
            yield number

    async def body(op: AsyncScripted, p: Progress) -> None:
        with p.stage("Load"):
            seen = [number async for number in p.track(source(), label="async")]
            row = await AsyncScripted.objects.aget(pk=op.pk)
            assert row.stage_states == {"Load": "active"}
        with p.stage("Save"):
            await Row.objects.acreate(name="from async code")
            rows = p.track(Row.objects.all())
            assert [row.name async for row in rows] == ["from async code"]
        p.result({"seen": seen})

    operation, _ = run_scripted(body, pump=pump(), model=AsyncScripted)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.result_context == {"seen": [0, 1, 2, 3]}
    assert operation.stage_states == {"Load": "done", "Save": "done"}
