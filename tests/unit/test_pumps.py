"""The inline pump and its bell, and which pump suits a database."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops.progress import pumps
from liveops.progress.pumps import InlinePump
from liveops.progress.threaded_pump import ThreadedPump
from tests.unit.fakes import INTERVAL, FakeRun
from tests.unit.helpers import PATIENCE, Bell, Clock


@given(st.lists(st.floats(0, 0.5), max_size=60))
def test_the_inline_pump_flushes_when_the_throttle_allows_and_never_else(
    pauses: list[float],
) -> None:
    clock = Clock(100.0)
    pump: Any = InlinePump(clock)
    run = FakeRun(clock)
    expected: list[float] = []
    for pause in pauses:
        clock.advance(pause)
        if not expected or clock() >= expected[-1] + INTERVAL:
            expected.append(clock())
        pump.wake(run)
    assert run.flushed == expected


def test_the_inline_pump_looks_at_the_flags_once_a_second() -> None:
    clock = Clock(100.0)
    pump: Any = InlinePump(clock)
    run = FakeRun(clock)
    for _ in range(40):
        pump.wake(run)
        clock.advance(0.125)
    assert run.looked == [100.0, 101.0, 102.0, 103.0, 104.0]


def test_the_inline_pump_calls_here_and_passes_errors_on() -> None:
    pump, threads = InlinePump(), list[int]()
    pump.call(lambda: threads.append(threading.get_ident()))
    assert threads == [threading.get_ident()]
    with pytest.raises(ZeroDivisionError):
        pump.call(lambda: print(1 / 0))
    assert not pump.own_connection


def test_the_bell_rings_for_a_run_from_its_beginning_to_its_end(settings: Any) -> None:
    settings.LIVEOPS = {"THROTTLE_HZ": 1000}
    heard = Bell()

    class Alarm(SimpleNamespace):
        rings = 0

        def __setattr__(self, name: str, value: object) -> None:
            type(self).rings += 1
            heard.ring()

    bell = pumps.Bell()
    pump: Any = InlinePump(bell=bell)
    for _ in range(2):
        run = FakeRun()
        run.state = Alarm()
        before = Alarm.rings
        pump.add(run)
        thread = bell._thread
        assert thread is not None
        assert thread.daemon
        assert heard.wait_for(lambda: Alarm.rings >= before + 3)  # noqa: B023
        pump.remove(run)
        thread.join(PATIENCE)
        assert not thread.is_alive(), "it ends with the last run"


@pytest.mark.parametrize(
    ("connection", "kind"),
    [
        (SimpleNamespace(in_atomic_block=False), ThreadedPump),
        (SimpleNamespace(in_atomic_block=True), InlinePump),
        (SimpleNamespace(in_atomic_block=False, is_in_memory_db=lambda: False), ThreadedPump),
        (SimpleNamespace(in_atomic_block=False, is_in_memory_db=lambda: True), InlinePump),
    ],
)
def test_the_pump_that_suits_a_database(
    monkeypatch: pytest.MonkeyPatch, connection: object, kind: type
) -> None:
    monkeypatch.setattr(pumps, "connections", {"default": connection})
    assert isinstance(pumps.suitable_pump("default"), kind)


def test_the_process_has_one_threaded_pump_and_a_forked_child_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parents = pumps.threaded_pump()
    monkeypatch.setattr(pumps, "_threaded", parents)
    monkeypatch.setattr(pumps, "_bell", pumps._bell)
    assert pumps.threaded_pump() is parents
    pumps._after_fork()  # what os.fork() calls in the child
    assert pumps.threaded_pump() is not parents
    assert pumps.inline_pump() is not pumps.inline_pump()
