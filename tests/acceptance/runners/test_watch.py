"""`liveops_watch` beside a Celery worker and a server, with Redis between them, also without it."""

from typing import Any

import pytest

from tests.engines.fixtures import MakeEngines
from tests.engines.models import ResumingPlan, StagedPlan
from tests.engines.process import Process
from tests.engines.site import Engines
from tests.engines.waiting import until

OUT = "liveops: the channel layer cannot be reached"
BACK = "liveops: the channel layer is back"


@pytest.fixture(scope="module")
def site(module_engines: MakeEngines) -> Engines:
    """A site whose operations Celery runs."""
    return module_engines(layer="core", runner="celery")


@pytest.fixture(scope="module")
def worker(site: Engines) -> Process:
    """Return the worker that runs its operations."""
    return site.start_celery()


def watch(site: Engines, operation: Any, *options: str) -> Process:
    """Start to watch an operation, with its output in a file."""
    # A project would have its Celery application in every process.
    command = ["python", "-m", "django", "liveops_watch", "--skip-checks", str(operation.pk)]
    return site.start(*command, *options, name="watch")


def shown(process: Process, text: str) -> None:
    until(lambda: text in process.log, what=lambda: process.log)


def test_one_that_celery_runs_is_followed_through_its_chain(site: Engines, worker: Process) -> None:
    then = {"Load": [["log", "of the second"]]}
    plan = {
        "Load": [["log", "row {}", 2500], ["wait", "middle"]],
        "Change": [["retry", "Not yet.", "ready"], ["log", "changed"]],
        "Save": [["result", {"rows": 2500}], ["chain", "StagedPlan", then]],
    }
    with site.here():
        operation = StagedPlan.objects.create(plan=plan)
        process = watch(site, operation, "--from-start")
        operation.enqueue()
        site.reached(operation, "middle")
        shown(process, "row 2500")
        site.let_go(operation, "ready", "middle")
        assert process.wait() == 0, process.log
    lines = process.log.splitlines()
    rows = [line for line in lines if line.startswith("row ")]
    assert rows == [f"row {number}" for number in range(1, 2501)], "none lost, none twice"
    assert [line for line in lines if line.startswith(("===", ">>>"))] == [
        "=== [1/3] Load ===",
        "=== [2/3] Change ===",
        "=== [3/3] Save ===",
        ">>> engines.StagedPlan",
        "=== [1/3] Load ===",
        "=== [2/3] Change ===",
        "=== [3/3] Save ===",
    ]
    assert "rows=2500" in lines
    assert "of the second" in lines


@pytest.mark.fault("redis-restarted")
def test_redis_goes_and_comes_back(site: Engines, worker: Process) -> None:
    plan = {"Load": [["wait", "away"], ["log", "while it is away"], ["wait", "back"]]}
    with site.here():
        operation = StagedPlan.objects.create(plan=plan)
        operation.enqueue()
        site.reached(operation, "away")
        process = watch(site, operation)
        shown(process, "=== [1/3] Load ===")
        assert site.redis is not None
        site.redis.kill()
        shown(process, OUT)
        site.let_go(operation, "away")
        shown(process, "while it is away")
        site.redis.start()
        shown(process, BACK)
        site.let_go(operation, "back")
        assert process.wait() == 0, process.log
    assert process.log.count(OUT) == process.log.count(BACK) == 1
    assert process.log.count("while it is away") == 1
    assert "Traceback" not in process.log


def test_one_whose_worker_is_killed_is_seen_to_end_and_to_go_on(
    module_engines: MakeEngines,
) -> None:
    quick = {"HEARTBEAT_SECONDS": 0.2, "STALE_SECONDS": 0.6, "REAP_SECONDS": 0.2}
    site = module_engines(layer="core", runner="celery", liveops=quick)
    site.start_celery()
    with site.here():
        plan = {"Load": [["log", "first"]], "Change": [["kill", "again"], ["log", "second"]]}
        operation = ResumingPlan.objects.create(plan=plan)
        operation.enqueue()
        process = watch(site, operation)
        until(lambda: [entry for entry in site.journal.entries() if entry.what == "killed"])
        site.let_go(operation, "again")
        assert process.wait() == 0, process.log
    log = process.log
    assert "Went on by itself after an interruption, at the stage Change." in log
    assert log.count("first") == log.count("second") == 1
