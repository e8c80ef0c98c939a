"""What a run hears when its process is to end; without a database."""

import os
import select
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from liveops import registry
from liveops.exceptions import FenceLost, OperationCancelled, OperationInterrupted
from liveops.progress.state import ProgressState
from liveops.progress.stopping import Stoppable, ending_seconds
from liveops.runners import celery_shutdown
from liveops.runners.celery_shutdown import _Line
from tests.unit.helpers import PATIENCE


@pytest.fixture
def run() -> Stoppable:
    """Return what is stopped."""
    return Stoppable(ProgressState(lambda: None, line_bound=10))


def test_a_run_that_does_not_ask_is_stopped_at_its_next_call(run: Stoppable) -> None:
    run.go_down()
    assert run.is_going_down
    assert run.state.alarm, "a loop of track() looks at once"
    with pytest.raises(OperationInterrupted):
        run.raise_stop()


def test_a_run_that_asks_goes_on_until_there_is_no_time_left(run: Stoppable) -> None:
    run.asks_for_grace = True
    run.go_down()
    run.raise_stop(again=True)
    assert run.is_going_down
    run.stop_with_process()
    with pytest.raises(OperationInterrupted):
        run.raise_stop()


def test_whoever_asks_only_when_it_is_stopped_already_is_stopped(run: Stoppable) -> None:
    run.go_down()
    run.asks_for_grace = True
    with pytest.raises(OperationInterrupted):
        run.raise_stop()


def test_what_cleans_up_after_the_stop_is_not_stopped_again(run: Stoppable) -> None:
    run.go_down()
    with pytest.raises(OperationInterrupted):
        run.raise_stop()
    run.go_down()
    run.stop_with_process()
    run.raise_stop()


def test_what_cleans_up_after_a_cancel_is_stopped(run: Stoppable) -> None:
    run.request_stop(OperationCancelled())
    with pytest.raises(OperationCancelled):
        run.raise_stop()
    run.go_down()
    with pytest.raises(OperationInterrupted):
        run.raise_stop()


def test_a_lost_fence_stays_the_reason(run: Stoppable) -> None:
    run.request_stop(FenceLost())
    run.go_down()
    with pytest.raises(FenceLost):
        run.raise_stop()


def test_whoever_waits_is_woken_at_once_unless_it_asks(run: Stoppable) -> None:
    woken = threading.Event()
    run.on_stop(woken.set)
    run.asks_for_grace = True
    run.go_down()
    assert not woken.is_set()
    run.stop_with_process()
    assert woken.is_set()


@pytest.mark.parametrize("grace", [0.0, 0.1, 1.0, 2.0, 5.0, 60.0])
def test_some_of_the_grace_is_kept_for_the_end(grace: float) -> None:
    kept = ending_seconds(grace)
    assert grace / 5 <= kept <= grace / 2


def test_a_run_that_comes_late_is_told_too(monkeypatch: pytest.MonkeyPatch, run: Stoppable) -> None:
    monkeypatch.setattr(registry, "_goes_down", False)
    late: Any = run
    late.pk = object()
    registry.go_down()
    assert registry.goes_down()
    registry.add(late)
    registry.remove(late)
    assert run.is_going_down


@pytest.fixture
def line() -> Any:
    """Return the pipe of a worker."""
    pipe = _Line()
    yield pipe
    pipe.close()


def test_all_who_listen_hear(line: _Line) -> None:
    line.open(0)
    assert line._ends is not None
    end = line._ends[0]
    assert select.select([end], [], [], 0)[0] == []
    line.tell()
    line.tell()
    for _ in range(3):  # as three processes do
        assert select.select([end], [], [], 0)[0] == [end]


def test_a_process_listens_once_and_its_children_anew(
    line: _Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    ears: list[int] = []
    heard = threading.Semaphore(0)

    def wait(end: int) -> None:
        ears.append(end)
        heard.release()

    monkeypatch.setattr(celery_shutdown, "_wait", wait)
    line.listen()
    line.open(0)
    line.listen()
    line.listen()
    assert heard.acquire(timeout=PATIENCE)
    line.forget_listener()
    line.listen()
    assert heard.acquire(timeout=PATIENCE)
    assert len(ears) == 2


@pytest.mark.parametrize(("soft", "grace"), [(0, 5.0), (2.0, 2.0), (60.0, 5.0)])
def test_a_soft_shutdown_tells_before_it_waits(
    monkeypatch: pytest.MonkeyPatch, line: _Line, settings: Any, soft: float, grace: float
) -> None:
    settings.LIVEOPS = {"SHUTDOWN_GRACE": 5.0}
    monkeypatch.setattr(celery_shutdown, "_line", line)
    told: list[bool] = []

    def is_told() -> bool:
        assert line._ends is not None
        return bool(select.select([line._ends[0]], [], [], 0)[0])

    worker = SimpleNamespace(
        app=SimpleNamespace(conf=SimpleNamespace(worker_soft_shutdown_timeout=soft)),
        stop=lambda *, exitcode: None,
        wait_for_soft_shutdown=lambda: told.append(is_told()),
    )
    celery_shutdown._on_worker_init(worker)
    assert not is_told()
    worker.wait_for_soft_shutdown()
    assert told == [True]
    assert celery_shutdown._grace() == grace


def test_a_shutdown_by_remote_control_tells(monkeypatch: pytest.MonkeyPatch, line: _Line) -> None:
    monkeypatch.setattr(celery_shutdown, "_line", line)
    codes: list[int] = []
    worker = SimpleNamespace(
        app=SimpleNamespace(conf=None), stop=lambda *, exitcode: codes.append(exitcode)
    )
    celery_shutdown._on_worker_init(worker)
    worker.stop(exitcode=3)
    assert codes == [3]
    assert line._ends is not None
    assert os.read(line._ends[0], 1)


def test_a_warm_shutdown_tells(monkeypatch: pytest.MonkeyPatch, line: _Line) -> None:
    monkeypatch.setattr(celery_shutdown, "_line", line)
    celery_shutdown._on_worker_init(SimpleNamespace(app=SimpleNamespace(conf=None)))
    celery_shutdown._on_shutting_down(sig="SIGTERM", how="Warm", exitcode=0)
    assert line._ends is not None
    assert os.read(line._ends[0], 1)
