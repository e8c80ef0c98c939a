"""A worker that was only asleep: its fence is gone when it wakes, and it overwrites nothing.

Two workers; SIGSTOP is what a suspended virtual machine, a swapping host or a debugger does.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from django.db import connections

from liveops import control
from liveops.models import ControlRecord, LiveOperation, LiveProgress, LogLine
from liveops.reaping import Reaper
from tests.acceptance.survival.scenes import (
    QUICK,
    assert_no_gap,
    lines_of,
    stored,
    wait_for,
    watching,
)
from tests.engines.fixtures import MakeEngines
from tests.engines.journal import Entry
from tests.engines.models import ResumingPlan, StagedPlan
from tests.engines.process import Process
from tests.engines.site import Engines
from tests.engines.waiting import until

PLAN = {
    "Load": [["log", "loaded"], ["return", 3]],
    "Change": [["log", "on {}"], ["wait_deaf", "here"], ["log", "after"], ["percent", 50]],
    "Save": [["log", "saved"]],
}


@dataclass
class TwoWorkers:
    """A site with a Daphne, and two workers of one process each."""

    site: Engines
    daphne: Process
    workers: list[Process]

    def worker_of(self, pid: int) -> Process:
        """Return the worker that a process belongs to."""
        found = (w for w in self.workers if pid in [child.pid for child in w.children()])
        return next(found)

    def is_refused(self, worker: Process, operation: LiveOperation) -> bool:
        """Return whether a worker said that a run of its own was stopped."""
        return f"stopped a run of operation {operation.pk}" in worker.log


@pytest.fixture(scope="module")
def two(module_engines: MakeEngines) -> Iterator[TwoWorkers]:
    """Start the site; this process is one of its web processes."""
    site = module_engines(database="server", layer="core", runner="celery", liveops=QUICK)
    workers = [site.start_celery(concurrency=1, wait=False) for _ in range(2)]
    daphne = site.start_daphne()
    for worker in workers:
        until(lambda worker=worker: " ready." in worker.log, 60, "a worker")  # type: ignore[misc]
    with site.here():
        yield TwoWorkers(site, daphne, workers)


def _rows(operation: LiveOperation) -> list[object]:
    """Return all that a stale run might overwrite, but for signs of life."""
    progress = LiveProgress.objects.filter(pk=operation.pk).values()
    return [
        list(type(operation)._base_manager.filter(pk=operation.pk).values()),
        [{**row, "heartbeat_on": None} for row in progress],
        list(LogLine.objects.filter(operation=operation.pk).values()),
    ]


def _ended(site: Engines, operation: LiveOperation, pid: int) -> list[Entry]:
    return [entry for entry in site.journal.ended(operation) if entry.pid == pid]


@pytest.mark.fault("paused-worker")
def test_what_was_given_to_another_is_not_overwritten(two: TwoWorkers) -> None:
    """Pause a worker until another has taken over its run; what it writes then is refused."""
    site = two.site
    operation = ResumingPlan.objects.create(plan=PLAN)
    with watching(two.daphne.url, operation) as watch:
        operation.enqueue()
        old = site.reached(operation, "here")
        until(lambda: "on 1" in lines_of(operation).values(), what="the line")
        paused = two.worker_of(old)
        paused.pause()
        new = site.reached(operation, "here", times=2)
        assert new != old
        # That it was interrupted was true for a moment only; who looked later was not told.
        watch.wait_for(operation, "Went on by itself after an interruption")
        site.let_go(operation, "here")
        wait_for(operation, "FINISHED_OK")
        watch.wait_for_end(operation, "FINISHED_OK")
        before, shown = _rows(operation), watch.lines(operation)

        paused.go_on()
        until(lambda: two.is_refused(paused, operation), what="the refusal")
        until(lambda: _ended(site, operation, old), what="the end of the old body")
        assert _rows(operation) == before
        assert watch.lines(operation) == shown
    assert list(lines_of(operation).values()) == [
        *("loaded", "on 1"),
        "Went on by itself after an interruption, at the stage Change.",
        *("on 1", "after", "saved"),
    ]
    assert_no_gap(operation)
    assert _ended(site, operation, old)[-1].stage == "Change"
    assert site.journal.twice_at_once() == []


@pytest.mark.fault("restarted-while-paused")
def test_a_restart_does_not_mix_with_the_run_before(two: TwoWorkers) -> None:
    """Restart what was given up as dead; its old run wakes in the middle of the new one."""
    site = two.site
    operation = StagedPlan.objects.create(plan={**PLAN, "Save": [["wait", "saving"]]})
    operation.enqueue()
    old = site.reached(operation, "here")
    until(lambda: "on 1" in lines_of(operation).values(), what="the line")
    paused = two.worker_of(old)
    paused.pause()
    reaper = Reaper()
    until(lambda: reaper.round() or stored(operation).get_state() == "INTERRUPTED", 45)
    wait_for(operation, "INTERRUPTED")
    assert stored(operation).stage_states == {"Load": "done", "Change": "interrupted"}
    last = max(lines_of(operation))

    control.restart(stored(operation))
    site.let_go(operation, "here")
    site.reached(operation, "saving")
    until(lambda: "after" in lines_of(operation).values(), what="the new lines")
    paused.go_on()
    until(lambda: two.is_refused(paused, operation), what="the refusal")
    assert stored(operation).get_state() == "STARTED"
    site.let_go(operation, "saving")
    wait_for(operation, "FINISHED_OK")
    lines = lines_of(operation)
    assert list(lines.values()) == ["loaded", "on 1", "after"]
    assert min(lines) == last + 1
    assert site.journal.twice_at_once() == []


@pytest.mark.fault("two-reapers")
def test_two_reapers_interrupt_and_resume_once(two: TwoWorkers) -> None:
    """Let several reapers find the same dead run at once: it is interrupted and resumed once."""
    site = two.site
    operation = ResumingPlan.objects.create(plan=PLAN)
    operation.enqueue()
    victim = site.reached(operation, "here")
    two.worker_of(victim).kill(victim)
    together = threading.Barrier(3)

    def reap() -> tuple[int, int]:
        reaper, interrupted, resumed = Reaper(), 0, 0
        try:
            while stored(operation).resumes_left == 3:
                together.wait(60)
                found = reaper.round()
                interrupted += operation.pk in [one.pk for one in found.interrupted]
                resumed += operation.pk in [one.pk for one in found.resumed]
                together.wait(60)
        finally:
            connections.close_all()
        return interrupted, resumed

    with ThreadPoolExecutor(3) as pool:
        done = [future.result(90) for future in [pool.submit(reap) for _ in range(3)]]
    told = sum(worker.log.count(f"{operation.pk} was interrupted") for worker in two.workers)
    told += two.daphne.log.count(f"{operation.pk} was interrupted")
    assert sum(interrupted for interrupted, _ in done) + told == 1
    assert sum(resumed for _, resumed in done) <= 1
    site.reached(operation, "here", times=2)
    site.let_go(operation, "here")
    wait_for(operation, "FINISHED_OK")
    assert stored(operation).resumes_left == 2
    assert len(site.journal.begun(operation, "Change")) == 2
    assert ControlRecord.objects.filter(operation=operation.pk).count() == 1


@pytest.mark.fault("killed-worker")
def test_a_worker_that_is_gone_as_a_whole(two: TwoWorkers) -> None:
    """Kill a worker with all its processes, as when its machine is gone: others go on."""
    site = two.site
    operation = ResumingPlan.objects.create(plan=PLAN)
    with watching(two.daphne.url, operation) as watch:
        operation.enqueue()
        victim = site.reached(operation, "here")
        worker = two.worker_of(victim)
        worker.kill()
        watch.wait_for(operation, "Went on by itself after an interruption")
        site.reached(operation, "here", times=2)
        site.let_go(operation, "here")
        watch.wait_for_end(operation, "FINISHED_OK")
    two.workers[two.workers.index(worker)] = worker.again()
    assert [entry.stage for entry in site.journal.begun(operation)].count("Load") == 1
    assert_no_gap(operation)
    assert site.journal.twice_at_once() == []
