"""The threaded pump: nobody waits longer than need be, and no run stops another."""

import threading
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError

from liveops import lock_waits, store
from liveops.layers import InMemoryChannelLayer
from liveops.progress import threaded_pump
from liveops.progress.threaded_pump import POLL_SECONDS, ThreadedPump
from liveops.sinks import direct
from liveops.sinks.direct import DirectSender, direct_sender
from tests.unit.fakes import FakeRun


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[uuid.UUID]]]:
    """Answer the pump's look at the database, and note what it asked."""
    asked: list[tuple[str, list[uuid.UUID]]] = []

    def poll(alias: str, operations: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple[Any, bool]]:
        asked.append((alias, list(operations)))
        return dict.fromkeys(asked[-1][1], ("fence", True))

    monkeypatch.setattr(store, "poll", poll)
    monkeypatch.setattr(lock_waits, "limit", lambda connection: None)
    return asked


@pytest.fixture
def pump(polls: object) -> Iterator[ThreadedPump]:
    """Return a threaded pump that serves nothing any more after the test."""
    pump = ThreadedPump()
    yield pump
    for run in list(pump._runs.values()):
        pump.remove(run)
    pump.call(lambda: None)  # the round that was under way is over


def add(pump: Any, *runs: FakeRun) -> None:
    for run in runs:
        pump.add(run)


def wake(pump: Any, *runs: FakeRun) -> None:
    for run in runs:
        pump.wake(run)


def test_a_wake_up_is_answered_in_the_pump_s_thread(pump: ThreadedPump) -> None:
    run, other = FakeRun(), FakeRun()
    add(pump, run, other)
    for _ in range(5):
        pump.wake(run)  # type: ignore[arg-type]
        assert run.bell.wait_for(lambda: not run.state.announced)
    assert run.threads == {"liveops-pump"}
    assert not other.served, "nobody looks at a run that is not due"
    assert pump.own_connection
    assert pump._thread is not None
    assert pump._thread.daemon


def test_waking_notes_that_there_is_something_to_show() -> None:
    pump: Any = ThreadedPump()
    run = FakeRun()
    pump.wake(run)
    assert run.state.announced
    assert pump._woken.get_nowait() == run.run_id


@pytest.mark.parametrize("error", [ZeroDivisionError("odd"), DatabaseError("odd"), SystemExit(1)])
def test_a_run_in_trouble_does_not_stop_the_others(
    pump: ThreadedPump, caplog: pytest.LogCaptureFixture, error: Any
) -> None:
    before, broken, behind = FakeRun(), FakeRun(), FakeRun()
    broken.error = error
    add(pump, before, broken, behind)
    for _ in range(3):
        goals = [(run, run.served + 1) for run in (before, broken, behind)]
        wake(pump, before, broken, behind)
        for run, goal in goals:
            run.wait_until_served(goal)
    pump.call(lambda: None)
    told = [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "liveops"]
    assert len(told) >= 3
    assert set(told) == {("ERROR", "liveops: the pump failed to serve a run and goes on")}


def test_a_run_that_was_removed_is_served_no_more(pump: ThreadedPump) -> None:
    run, stays = FakeRun(), FakeRun()
    add(pump, run, stays)
    wake(pump, run)
    run.wait_until_served(1)
    pump.remove(run)  # type: ignore[arg-type]
    pump.call(lambda: None)  # the round that was under way is over
    served = run.served
    for _ in range(3):
        goal = stays.served + 1
        wake(pump, run, stays)
        stays.wait_until_served(goal)
    assert run.served == served


def test_calls_run_in_the_pump_s_thread_and_are_waited_for(pump: ThreadedPump) -> None:
    names: list[str] = []
    pump.call(lambda: names.append(threading.current_thread().name))
    assert names == ["liveops-pump"]


@pytest.mark.parametrize("error", [ZeroDivisionError, DatabaseError, KeyboardInterrupt])
def test_the_error_of_a_call_belongs_to_its_caller(
    pump: ThreadedPump, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    def fail() -> None:
        raise error

    run = FakeRun()
    add(pump, run)
    with pytest.raises(error):
        pump.call(fail)
    goal = run.served + 1
    wake(pump, run)
    run.wait_until_served(goal)
    assert [r for r in caplog.records if r.name == "liveops"] == []


def test_calls_of_several_threads_each_run_once_and_in_their_order(pump: ThreadedPump) -> None:
    done: list[tuple[int, int]] = []

    def calls(caller: int) -> None:
        for number in range(50):
            pump.call(lambda: done.append((caller, number)))  # noqa: B023
            assert done.count((caller, number)) == 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(calls, range(4)))
    assert len(done) == 200
    for caller in range(4):
        assert [n for c, n in done if c == caller] == list(range(50))


def test_one_query_a_database_and_second_asks_for_all_flags(
    polls: list[tuple[str, list[uuid.UUID]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threaded_pump, "connections", {"default": None, "other": None})
    pump: Any = ThreadedPump()
    runs = [FakeRun(), FakeRun(), FakeRun(alias="other")]
    pump._poll(runs, 100.0)
    ids = [run.pk for run in runs]
    assert polls == [("default", ids[:2]), ("other", ids[2:])]
    assert [run.flags for run in runs] == [[("fence", True)]] * 3
    pump._poll(runs, 100.0 + POLL_SECONDS * 0.9)
    assert len(polls) == 2
    pump._poll(runs, 100.0 + POLL_SECONDS)
    assert len(polls) == 4


def test_an_operation_that_is_gone_is_told_to_its_run(
    polls: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "poll", lambda alias, operations: {})
    pump: Any = ThreadedPump()
    run = FakeRun()
    pump._poll([run], 100.0)
    assert run.flags == [None]


def test_a_look_at_the_flags_that_fails_is_repeated_only_after_a_while_and_told_once(
    polls: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(threaded_pump, "connections", {"pumped": None})
    pump: Any = ThreadedPump()
    monkeypatch.setattr(pump, "_recover_connections", lambda: None)
    tries: list[int] = []

    def fail(*arguments: object) -> None:
        tries.append(1)
        raise OperationalError("away")

    with monkeypatch.context() as away:
        away.setattr(store, "poll", fail)
        for tick in range(30):
            pump._poll([FakeRun(alias="pumped")], 100.0 + tick / 10)
    assert len(tries) == 3
    pump._poll([FakeRun(alias="pumped")], 104.0)
    # Other threads may log as well: those that earlier tests have left.
    texts = [
        text for text in (record.getMessage() for record in caplog.records) if "pumped" in text
    ]
    assert len(texts) == 2
    assert texts[0].startswith(
        "liveops: the database 'pumped' takes nothing (OperationalError: away)"
    )
    assert texts[1] == "liveops: the database 'pumped' is back"


def test_the_pump_sleeps_until_something_is_due() -> None:
    pump: Any = ThreadedPump()
    assert pump._pause(100.0) is None, "without runs only a wake-up brings work"
    run, other = FakeRun(), FakeRun()
    pump._runs = {run.run_id: run, other.run_id: other}
    pump._next_poll = 101.0
    assert pump._pause(100.0) == 1.0
    run.due = 100.25
    pump._plan(run.run_id)
    assert pump._pause(100.0) == 0.25
    other.due = 99.0
    pump._plan(other.run_id)
    assert pump._pause(100.0) == 0.0


@pytest.mark.parametrize(("runs", "is_direct"), [(1, True), (8, True), (9, False)])
def test_only_where_runs_are_few_are_their_frames_waited_for(
    pump: ThreadedPump, runs: int, is_direct: bool
) -> None:
    add(pump, *[FakeRun() for _ in range(runs)])
    found: list[DirectSender | None] = []
    pump.call(lambda: found.append(direct_sender()))
    assert [one is not None for one in found] == [is_direct]
    assert direct_sender() is None, "it is for the pump's thread only"


@pytest.mark.parametrize(("lingers", "stays_open"), [(0.0, False), (60.0, True)])
def test_the_connection_to_the_layer_stays_for_a_while_after_the_last_run(
    pump: ThreadedPump, monkeypatch: pytest.MonkeyPatch, lingers: float, stays_open: bool
) -> None:
    monkeypatch.setattr(threaded_pump, "_LINGER_SECONDS", lingers)
    monkeypatch.setattr(direct, "channel_layer", InMemoryChannelLayer)
    run, seen = FakeRun(), []

    def look() -> None:
        seen.append(pump._direct.is_open)

    add(pump, run)
    pump.call(lambda: seen.append(pump._direct.send("group", {})))
    pump.call(look)
    pump.remove(run)  # type: ignore[arg-type]
    pump.call(look)  # in the round of the removal, perhaps
    pump.call(look)
    assert seen[:2] == [True, True]
    assert seen[-1] is stays_open
    pump.call(pump._direct.close)
