"""When a run asks to be served, and how it is told to stop; without a database."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from liveops import lock_waits, store
from liveops.exceptions import FenceLost, OperationCancelled, OperationInterrupted
from liveops.progress.run import Run
from liveops.progress.serving import ServedRun
from liveops.progress.state import Counter
from liveops.progress.update import ALL_REGIONS, Region
from liveops.progress.view import ControlAction
from liveops.sinks.recording import RecordingSink
from liveops.store import Claim
from tests.testapp.models import Scripted
from tests.unit.helpers import PATIENCE, Clock

INTERVAL = 0.1
HEARTBEAT = 5.0
START = 100.0


class StillPump:
    """Does nothing but note that a run has something to show."""

    own_connection = False

    def add(self, run: ServedRun) -> None:
        """Serve nothing."""

    remove = add

    def wake(self, run: ServedRun) -> None:
        """Note the wake-up, as the threaded pump does."""
        run.state.announced = True

    def call(self, function: Callable[[], None]) -> None:
        """Call here."""
        function()

    def pulse(self, run: ServedRun) -> None:
        """Do nothing that is due."""


class Bench:
    """A run with a hand clock, a pump that does nothing, and a recorder."""

    def __init__(self) -> None:
        self.clock = Clock(START)
        self.recorder = RecordingSink()
        claim = Claim(uuid.uuid4(), 0, 0)
        self.run = Run(Scripted(), claim, [self.recorder], pump=StillPump(), clock=self.clock)

    def serve(self) -> int:
        """Serve the run now; return how many updates came of it."""
        before = len(self.recorder.updates)
        self.run.serve(self.clock())
        return len(self.recorder.updates) - before


@pytest.fixture
def saves(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Note what would be saved."""
    saved: list[dict[str, Any]] = []
    monkeypatch.setattr(
        store, "save_rows", lambda operation, values, *rest, **more: saved.append(values)
    )
    return saved


@pytest.fixture
def bench(saves: object) -> Bench:
    """Return a run that has just begun."""
    return Bench()


def test_a_silent_run_asks_only_for_its_heartbeat(bench: Bench, saves: list[Any]) -> None:
    assert bench.run.due_at() == START + HEARTBEAT
    assert bench.serve() == 0
    bench.clock.advance(HEARTBEAT)
    assert bench.serve() == 0
    assert len(saves) == 1
    assert bench.run.due_at() == START + 2 * HEARTBEAT


def test_the_first_change_goes_out_at_once_and_the_next_after_the_interval(bench: Bench) -> None:
    bench.run.state.set_status("one", "info")
    assert bench.run.due_at() <= START
    assert bench.serve() == 1
    bench.run.state.set_status("two", "info")
    bench.run.state.set_status("three", "info")
    assert bench.run.due_at() == START + INTERVAL
    assert bench.serve() == 0
    bench.clock.advance(INTERVAL)
    assert bench.serve() == 1
    assert [u.view.status_text for u in bench.recorder.updates] == ["one", "three"]
    assert bench.run.due_at() > bench.clock()


def test_a_counter_that_stands_still_is_looked_at_once_an_interval(bench: Bench) -> None:
    counter = Counter(10, "", "item", START)
    bench.run.state.start_counter(counter)
    assert bench.serve() == 1
    for _ in range(3):
        bench.clock.now = bench.run.due_at()
        assert bench.serve() == 0
        assert bench.run.due_at() == pytest.approx(bench.clock() + INTERVAL)
    counter.n = 3
    bench.clock.now = bench.run.due_at()
    assert bench.serve() == 1
    assert bench.recorder.updates[-1].view.done == 3


def test_a_status_beside_a_counter_that_stands_still_goes_out_at_once(bench: Bench) -> None:
    bench.run.state.start_counter(Counter(10, "", "item", START))
    bench.serve()
    bench.clock.advance(0.35)
    bench.serve()
    bench.clock.advance(0.01)
    bench.run.state.set_status("now", "info")
    assert bench.run.due_at() <= bench.clock()
    assert bench.serve() == 1


def test_a_counter_whose_loop_is_over_asks_for_nothing(bench: Bench) -> None:
    counter = Counter(10, "", "item", START)
    bench.run.state.start_counter(counter)
    bench.serve()
    counter.active = False
    bench.clock.advance(2.0)
    bench.serve()
    assert bench.run.due_at() > bench.clock() + INTERVAL


def test_progress_is_saved_once_a_second_however_often_it_is_shown(
    bench: Bench, saves: list[Any]
) -> None:
    for tick in range(1, 301):
        bench.run.state.set_percent(tick / 10)
        bench.serve()
        bench.clock.now = START + tick / 100
    shown = len(bench.recorder.updates)
    assert 28 <= shown <= 31
    assert 2 <= len(saves) <= 3
    assert saves[-1]["percent"] is not None


def test_the_pump_s_thread_saves_between_two_frames_and_not_beside_one(
    saves: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_waits, "limit", lambda connection: None)
    monkeypatch.setattr(StillPump, "own_connection", True)
    bench = Bench()
    saved_at: list[int] = []
    shown = 0
    for number in range(31):
        shown_at = bench.clock.now = START + number * INTERVAL
        bench.run.state.set_status(str(number), "info")
        shown += bench.serve()
        assert len(saves) == len(saved_at), "nothing is saved beside a frame"
        bench.clock.now = shown_at + INTERVAL * 0.6
        bench.serve()
        saved_at += [number] * (len(saves) - len(saved_at))
    assert shown == 31
    assert saved_at == [10, 20, 30], "once a second"


def test_the_pump_never_waits_for_a_run_that_is_busy(bench: Bench) -> None:
    busy, done = threading.Event(), threading.Event()

    def hold() -> None:
        with bench.run.lock:
            busy.set()
            done.wait(PATIENCE)

    holder = threading.Thread(target=hold)
    holder.start()
    assert busy.wait(PATIENCE)
    bench.run.state.set_status("now", "info")
    assert bench.serve() == 0
    assert START < bench.run.due_at() < START + INTERVAL
    done.set()
    holder.join()
    bench.clock.now = bench.run.due_at()
    assert bench.serve() == 1


def test_flushing_shows_all_that_waits_and_nothing_twice(bench: Bench) -> None:
    bench.run.state.set_status("one", "info")
    bench.run.flush()
    bench.run.state.set_percent(5.0)
    bench.run.flush()
    bench.run.flush()
    assert [u.regions for u in bench.recorder.updates] == [{Region.STATUS}, {Region.PROGRESS}]
    assert [u.seq for u in bench.recorder.updates] == [1, 2]


def test_the_beginning_shows_every_region_and_an_empty_log(bench: Bench) -> None:
    bench.run.begin()
    (first,) = bench.recorder.updates
    assert (first.regions, first.replace_log, first.view.state) == (ALL_REGIONS, True, "STARTED")


def test_a_stop_is_raised_once_and_again_only_if_asked(bench: Bench) -> None:
    run = bench.run
    run.raise_stop()
    run.request_stop(OperationCancelled())
    alarmed = run.state.alarm
    with pytest.raises(OperationCancelled):
        run.answer_alarm()
    assert (alarmed, run.state.alarm) == (True, False)
    run.raise_stop()
    with pytest.raises(OperationCancelled):
        run.raise_stop(again=True)


def test_the_first_reason_to_stop_stays_but_a_lost_fence_comes_before_all(bench: Bench) -> None:
    run = bench.run
    run.request_stop(OperationCancelled())
    run.request_stop(OperationInterrupted())
    with pytest.raises(OperationCancelled):
        run.raise_stop()
    run.request_stop(FenceLost())
    with pytest.raises(FenceLost):
        run.raise_stop()


def test_a_cancel_in_the_database_is_shown_and_stops_the_run_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, by = bench.run, ControlAction("cancel", "somebody", datetime.now(UTC))
    monkeypatch.setattr(store, "actions_of", lambda operation: (by,))
    run.take_flags((run.run_id, False))
    run.raise_stop()
    for number in range(3):
        run.take_flags((run.run_id, True))
        run.state.set_status(f"cleaning up {number}", "info")
        run.flush()
    assert isinstance(run.stop, OperationCancelled)
    assert [Region.CONTROLS in u.regions for u in bench.recorder.updates].count(True) == 1
    assert bench.recorder.updates[-1].view.cancel_requested
    assert bench.recorder.updates[-1].view.actions == (by,)


@pytest.mark.parametrize("flags", [None, (None, False), (uuid.uuid4(), True)])
def test_an_operation_that_is_another_s_or_gone_stops_the_run(bench: Bench, flags: Any) -> None:
    bench.run.take_flags(flags)
    assert isinstance(bench.run.stop, FenceLost)
    assert bench.run.state.alarm
