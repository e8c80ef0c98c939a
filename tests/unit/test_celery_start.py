"""What a Celery worker does when it starts, if its site's operations run in it."""

from typing import Any

import pytest
from celery.concurrency import prefork, solo, thread
from celery.signals import worker_init, worker_process_init, worker_ready

from liveops import reaping_thread
from liveops.runners import celery as runner

# Loading the runner connects what is tested here.
CONNECTED_FOR = runner.CeleryRunner
OURS = {"RUNNER": "celery"}
OTHERS = {"RUNNER": "thread"}


class Green:
    """Stands for a pool of greenlets, which may not be installed."""

    __module__ = "celery.concurrency.gevent"


class Stand:
    """Stands for parts of a worker, which senders of signals have to be hashable for."""

    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note when a reaper is started, and start none."""
    calls: list[str] = []
    monkeypatch.setattr(reaping_thread, "start", lambda: calls.append("reaper"))
    return calls


def ready(pool: type) -> None:
    """Have a worker with a pool of this class be ready."""
    worker_ready.send(sender=Stand(controller=Stand(pool_cls=pool)))


def test_greenlets_are_refused_with_a_sentence(settings: Any) -> None:
    settings.LIVEOPS = OURS
    worker = Stand(pool_cls=Green, app=Stand(conf=Stand()))
    with pytest.raises(SystemExit, match="does not work in a worker with gevent"):
        worker_init.send(sender=worker)


def test_a_worker_of_other_work_may_be_green(settings: Any, started: list[str]) -> None:
    settings.LIVEOPS = OTHERS
    worker = Stand(pool_cls=Green, app=Stand(conf=Stand()))
    worker_init.send(sender=worker)
    worker_process_init.send(sender=None)
    ready(solo.TaskPool)
    assert started == []


def test_an_idle_child_reaps_from_its_start(settings: Any, started: list[str]) -> None:
    settings.LIVEOPS = OURS
    worker_process_init.send(sender=None)
    assert started == ["reaper"]


@pytest.mark.parametrize("pool", [solo.TaskPool, thread.TaskPool], ids=["solo", "threads"])
def test_so_does_a_worker_without_children(settings: Any, started: list[str], pool: type) -> None:
    settings.LIVEOPS = OURS
    ready(pool)
    assert started == ["reaper"]


def test_the_parent_of_children_does_not(settings: Any, started: list[str]) -> None:
    settings.LIVEOPS = OURS
    ready(prefork.TaskPool)
    assert started == []
