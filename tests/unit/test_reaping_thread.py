"""The loop that reaps: when it looks next, what it says of trouble; and its thread."""

import os
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest
from django.db import OperationalError, connections

from liveops import outages, reaping_thread
from liveops.models import LiveOperation
from liveops.reaping import Reaper, Round
from liveops.reaping_thread import ReapingThread, Watchman

DEADLINE = 10.0


@pytest.fixture(autouse=True)
def no_connection() -> None:
    """Close what tests before have left open: a watchman looks after a connection that is open."""
    connections.close_all()


class FakeReaper:
    """Returns or raises what a test says, round after round."""

    def __init__(self, *outcomes: Round | Exception) -> None:
        self.outcomes = list(outcomes)
        self.hands_over: list[bool] = []
        self.rounds = threading.Semaphore(0)

    def round(self, *, hands_over: bool) -> Round:
        """Return the next outcome; at the end the last one again and again."""
        self.hands_over.append(hands_over)
        self.rounds.release()
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def watchman(*outcomes: Round | Exception, **options: Any) -> Watchman:
    return Watchman(cast("Reaper", FakeReaper(*outcomes)), **options)


@pytest.mark.parametrize(
    ("again", "pause"), [(None, 5.0), (6.0, 5.0), (2.5, 2.5), (0.001, 0.1)], ids=str
)
def test_it_looks_sooner_when_a_suspect_waits(again: float | None, pause: float) -> None:
    assert watchman(Round(suspects=1, look_again_in=again)).step() == pause


@pytest.mark.parametrize(
    ("setting", "every", "pause"),
    [(7.0, None, 7.0), (7.0, 3.0, 3.0), (0, None, 5.0), (0, 2.0, 2.0)],
)
def test_the_pause_is_what_was_asked_for(
    setting: float, every: float | None, pause: float, settings: Any
) -> None:
    settings.LIVEOPS = {"REAP_SECONDS": setting}
    assert watchman(Round(), every=every).step() == pause


def test_only_what_was_done_is_told() -> None:
    told: list[Round] = []
    done = Round(interrupted=[LiveOperation()])
    loop = watchman(Round(suspects=3), done, Round(), told=told.append)
    for _ in range(3):
        loop.step()
    assert told == [done]


@pytest.mark.parametrize(
    ("trouble", "begin", "end"),
    [
        (OperationalError("no answer"), "the database 'default' takes nothing", "is back"),
        (RuntimeError("odd"), "cannot look for dead runs", "looks for dead runs again"),
    ],
    ids=["database", "other"],
)
def test_trouble_is_one_line_at_its_begin_and_one_at_its_end(
    trouble: Exception, begin: str, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    loop = watchman(Round(), trouble, trouble, trouble, Round(), Round())
    pauses = [loop.step() for _ in range(6)]
    assert pauses == [5.0] * 6
    said = [record.getMessage().removeprefix("liveops: ") for record in caplog.records]
    assert len(said) == 2
    assert said[0].startswith(begin)
    assert said[1].endswith(end)


def test_one_that_ends_amid_an_outage_leaves_its_end_to_others() -> None:
    stopped, outage = threading.Event(), outages.database("default")
    reaper = FakeReaper(OperationalError("no answer"))
    loop = Watchman(cast("Reaper", reaper), every=600.0)
    thread = threading.Thread(target=loop.run, args=[stopped])
    thread.start()
    assert reaper.rounds.acquire(timeout=DEADLINE)
    stopped.set()
    thread.join(DEADLINE)
    assert outage.is_told
    outage.ends("somebody else")
    assert not outage.is_told


@pytest.mark.parametrize("hands_over", [True, False])
def test_it_says_whether_operations_are_to_be_handed_over(*, hands_over: bool) -> None:
    reaper = FakeReaper(Round())
    Watchman(cast("Reaper", reaper), hands_over=hands_over).step()
    assert reaper.hands_over == [hands_over]


def test_a_loop_ends_when_it_is_told_to() -> None:
    stopped = threading.Event()
    done = Round(interrupted=[LiveOperation()])
    watchman(done, every=600.0, told=lambda _: stopped.set()).run(stopped)


@pytest.fixture
def reaper(monkeypatch: pytest.MonkeyPatch) -> FakeReaper:
    """Return what every thread of this test reaps with; nothing is registered for the end."""
    fake = FakeReaper(Round())
    monkeypatch.setattr(reaping_thread, "Reaper", lambda clock: fake)
    monkeypatch.setattr(reaping_thread, "_stop_early", lambda stop: True)
    return fake


@pytest.fixture
def thread(reaper: FakeReaper) -> Iterator[ReapingThread]:
    found = ReapingThread()
    yield found
    found.stop()


def names() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == "liveops-reaper"]


def test_the_first_round_is_at_once_and_the_thread_is_one(
    thread: ReapingThread, reaper: FakeReaper, settings: Any
) -> None:
    settings.LIVEOPS = {"REAP_SECONDS": 600.0}
    thread.start()
    thread.start()
    assert reaper.rounds.acquire(timeout=DEADLINE)
    assert names() == ["liveops-reaper"]
    thread.stop()
    assert names() == []
    assert len(reaper.hands_over) == 1


def test_its_thread_goes_on_through_trouble(
    thread: ReapingThread, reaper: FakeReaper, settings: Any
) -> None:
    settings.LIVEOPS = {"REAP_SECONDS": 0.01}
    reaper.outcomes = [OperationalError("away"), RuntimeError("odd"), Round()]
    thread.start()
    for _ in range(4):
        assert reaper.rounds.acquire(timeout=DEADLINE)


def test_without_a_pause_there_is_no_thread(
    thread: ReapingThread, reaper: FakeReaper, settings: Any
) -> None:
    settings.LIVEOPS = {"REAP_SECONDS": 0}
    thread.start()
    assert (names(), reaper.hands_over) == ([], [])


def test_once_stopped_it_does_not_begin_again(thread: ReapingThread, reaper: FakeReaper) -> None:
    thread.stop()
    thread.start()
    assert (names(), reaper.hands_over) == ([], [])


def test_the_thread_of_the_process_ends_for_good(
    thread: ReapingThread, reaper: FakeReaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaping_thread, "_thread", thread)
    thread.start()
    reaping_thread.stop()
    thread.start()
    assert names() == []


def test_a_process_that_is_ending_gets_no_thread(
    thread: ReapingThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaping_thread, "_stop_early", lambda stop: False)
    thread.start()
    assert names() == []


def test_a_fork_has_a_thread_of_its_own_to_start(
    thread: ReapingThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaping_thread, "_thread", thread)
    reaping_thread._after_fork()
    assert reaping_thread._thread is not thread
    monkeypatch.setattr(os, "getpid", lambda: 0)
    thread.stop()
    assert not thread._stopped.is_set(), "it is the parent's"
