"""SIGTERM and SIGQUIT for workers of Celery and of Django's tasks, with PostgreSQL and Redis."""

import os
import signal
from typing import Any

import pytest

from tests.acceptance.survival.outside import FOREVER, outcomes, stored
from tests.engines.fixtures import MakeEngines
from tests.engines.models import Planned, ResumingPlan, StagedPlan
from tests.engines.process import Process
from tests.engines.site import CELERY_READY, Engines
from tests.engines.waiting import until

SOFT_SECONDS = 2.0
"""A soft shutdown of Celery always takes so long."""

SERVERS: dict[str, Any] = {"database": "postgres", "layer": "core"}


def enqueued(model: type[Planned] = StagedPlan, **plan: Any) -> Planned:
    """Create and enqueue an operation."""
    operation: Planned = model._base_manager.create(plan=plan)
    operation.enqueue()
    return operation


def celery(engines: MakeEngines, grace: float, **settings: Any) -> Engines:
    """Make a site whose operations run in Celery."""
    return engines(runner="celery", liveops={"SHUTDOWN_GRACE": grace}, settings=settings, **SERVERS)


def shown(operation: Planned) -> tuple[str, dict[str, str]]:
    """Return the state of an operation and of its stages."""
    row = stored(operation)
    return row.get_state(), row.stage_states


def ended(operation: Planned) -> str:
    """Wait for the end of an operation; return its state."""
    until(lambda: shown(operation)[0] not in ("NOT_STARTED", "STARTED"))
    return shown(operation)[0]


INTERRUPTED = ("INTERRUPTED", {"Load": "interrupted"})


@pytest.mark.fault("sigterm-celery-warm")
@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_warm_shutdown_stops_what_runs_and_leaves_what_waits(
    engines: MakeEngines, pool: str
) -> None:
    site = celery(engines, FOREVER)
    worker = site.start_celery(f"--pool={pool}", concurrency=1)
    with site.here():
        running = enqueued(Load=[["wait", "a"]])
        site.reached(running, "a")
        waiting = enqueued(Load=[["log", "up"]])
        worker.terminate()
        assert worker.wait() == 0, worker.log
        assert shown(running) == INTERRUPTED
        assert outcomes(site, running) == [("Load", "OperationInterrupted")]
        assert stored(waiting).get_state() == "NOT_STARTED"
        if pool == "prefork":
            site.start_celery()
            assert ended(waiting) == "FINISHED_OK"


@pytest.mark.fault("sigterm-celery-asks")
@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_a_run_that_asks_ends_in_good_order(engines: MakeEngines, pool: str) -> None:
    site = celery(engines, FOREVER)
    worker = site.start_celery(f"--pool={pool}")
    with site.here():
        operation = enqueued(Load=[["until_shutdown", "a"]], Save=[["log", "saved"]])
        site.reached(operation, "a")
        worker.terminate()
        assert worker.wait() == 0, worker.log
        assert stored(operation).get_state() == "FINISHED_OK"


@pytest.mark.fault("sigterm-celery-deaf")
def test_a_run_that_does_not_hear_keeps_no_worker_from_ending(engines: MakeEngines) -> None:
    site = celery(engines, 0.5)
    worker = site.start_celery()
    with site.here():
        operation = enqueued(Load=[["wait_deaf", "a"]])
        site.reached(operation, "a")
        worker.terminate()
        worker.wait()
        assert shown(operation) == INTERRUPTED


@pytest.mark.fault("sigterm-celery-group")
def test_a_signal_to_all_processes_of_a_worker_is_heard_once(engines: MakeEngines) -> None:
    site = celery(engines, FOREVER)
    worker = site.start_celery()
    with site.here():
        asks = enqueued(Load=[["until_shutdown", "a"]])
        other = enqueued(Load=[["wait", "a"]])
        for operation in (asks, other):
            site.reached(operation, "a")
        os.killpg(worker.pid, signal.SIGTERM)  # as systemd does by default
        worker.wait()
        assert stored(asks).get_state() == "FINISHED_OK"
        assert shown(other) == INTERRUPTED


def quit_worker(site: Engines, way: str) -> Process:
    """Start a worker that ends softly, by SIGQUIT or by SIGTERM in its place."""
    return site.start(
        *("python", "-m", "celery", "-A", "tests.engines.celery_app", "worker"),
        *("--concurrency=2", "--without-gossip", "--without-mingle", "-l", "INFO"),
        name="celery",
        ready=CELERY_READY,
        variables={"REMAP_SIGTERM": "SIGQUIT"} if way == "remapped" else {},
    )


@pytest.mark.fault("quit-celery-soft")
@pytest.mark.parametrize("way", ["quit", "remapped"])
def test_a_soft_shutdown_lets_runs_end(engines: MakeEngines, way: str) -> None:
    site = celery(engines, FOREVER, CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT=SOFT_SECONDS)
    worker = quit_worker(site, way)
    with site.here():
        asks = enqueued(Load=[["until_shutdown", "a"]])
        other = enqueued(Load=[["wait", "a"]])
        for operation in (asks, other):
            site.reached(operation, "a")
        number = signal.SIGQUIT if way == "quit" else signal.SIGTERM
        os.kill(worker.pid, number)
        worker.wait()
        assert stored(asks).get_state() == "FINISHED_OK"
        assert shown(other) == INTERRUPTED
        assert outcomes(site, other) == [("Load", "OperationInterrupted")]


@pytest.mark.fault("quit-celery-cold")
def test_a_cold_shutdown_leaves_the_truth_on_record(engines: MakeEngines) -> None:
    site = celery(engines, 0.5)
    worker = site.start_celery()
    with site.here():
        operations = [enqueued(Load=[[verb, "a"]]) for verb in ("wait", "wait_deaf")]
        for operation in operations:
            site.reached(operation, "a")
        os.kill(worker.pid, signal.SIGQUIT)
        worker.wait()
        assert [shown(operation) for operation in operations] == [INTERRUPTED] * 2


@pytest.mark.fault("sigterm-db-worker")
@pytest.mark.parametrize(
    ("verb", "state"),
    [("until_shutdown", "FINISHED_OK"), ("wait_deaf", "INTERRUPTED")],
    ids=["asks", "deaf"],
)
def test_a_worker_of_tasks_stops_its_run(engines: MakeEngines, verb: str, state: str) -> None:
    grace = 0.5 if verb == "wait_deaf" else FOREVER
    site = engines(runner="tasks", tasks="db", liveops={"SHUTDOWN_GRACE": grace})
    worker = site.start_tasks_worker()
    with site.here():
        operation = enqueued(Load=[[verb, "a"]])
        site.reached(operation, "a")
        worker.terminate()
        worker.wait()
        assert stored(operation).get_state() == state


@pytest.mark.fault("sigterm-then-resumes")
def test_an_operation_goes_on_in_another_worker(engines: MakeEngines) -> None:
    site = engines(
        runner="celery",
        liveops={"SHUTDOWN_GRACE": FOREVER, "REAP_SECONDS": 0.5, "REQUEUE_SECONDS": FOREVER},
        **SERVERS,
    )
    old = site.start_celery(concurrency=1)
    with site.here():
        operation = enqueued(
            ResumingPlan, Load=[["log", "loaded"], ["return", 3]], Change=[["wait", "a"]]
        )
        site.reached(operation, "a")
        old.terminate()
        assert old.wait() == 0, old.log
        new = site.start_celery()
        enqueued(Load=[["log", "a worker that runs operations reaps"]])
        assert site.reached(operation, "a", times=2) in [each.pid for each in new.children()]
        site.let_go(operation, "a")
        assert ended(operation) == "FINISHED_OK"
        assert stored(operation).resumes_left == ResumingPlan.resume_on_interrupt - 1
    assert outcomes(site, operation) == [
        ("Load", "-"),
        ("Change", "OperationInterrupted"),
        ("Change", "-"),
        ("Save", "-"),
    ]
    assert site.journal.twice_at_once() == []
