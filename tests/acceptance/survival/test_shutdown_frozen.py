"""SIGTERM while PostgreSQL is connected, and does not answer: the processes end all the same."""

import json
import signal
from collections.abc import Iterator

import pytest

from tests.acceptance.survival.outside import start, stored
from tests.engines.fixtures import MakeEngines
from tests.engines.models import BlockPlan
from tests.engines.servers import Postgres
from tests.engines.site import Engines
from tests.engines.waiting import until

_LIVEOPS = {
    "HEARTBEAT_SECONDS": 0.4,
    "STALE_SECONDS": 1.5,
    "REAP_SECONDS": 0.5,
    "SHUTDOWN_GRACE": 0.5,
    "RUNNER_THREADS": 1,
}
_PLAN = {"Load": [["wait", "a"]]}


@pytest.fixture
def frozen(postgres: Postgres) -> Iterator[Postgres]:
    """Return a server that a test may freeze; it goes on afterwards."""
    yield postgres
    postgres.go_on()


def operation(site: Engines) -> BlockPlan:
    """Enqueue an operation for a worker of another system."""
    with site.here():
        created = BlockPlan.objects.create(plan=_PLAN)
        created.enqueue()
    return created


@pytest.mark.fault("postgres-frozen-at-exit")
def test_no_process_waits_for_a_database_that_does_not_answer(
    engines: MakeEngines, frozen: Postgres
) -> None:
    site = engines(database="postgres", liveops=_LIVEOPS)
    same = {"DATABASES": site.settings["DATABASES"]}
    children, solo = (engines(runner="celery", settings=same, liveops=_LIVEOPS) for _ in range(2))
    command = ("run_liveop", "engines.BlockPlan", f"--set=plan={json.dumps(_PLAN)}")
    terminal = site.start("python", "-m", "django", *command, name="terminal")
    workers = [
        children.start_celery("--concurrency=1", wait=False),
        solo.start_celery("--pool=solo", wait=False),
    ]
    server = site.start_daphne()
    with site.here():
        first = until(BlockPlan.objects.first, what=lambda: terminal.log)
    assert first is not None
    in_server = start(server, "BlockPlan", **_PLAN)
    in_workers = [operation(children), operation(solo)]
    for where, running in zip(
        [site, site, children, solo], [first, in_server["op"], *in_workers], strict=True
    ):
        where.reached(running, "a")
    waiting = start(server, "BlockPlan", **_PLAN)
    frozen.pause()
    processes = [server, terminal, *workers]
    for process in processes:
        process.terminate()
    statuses = [process.wait() for process in processes]
    assert statuses[1] == 128 + signal.SIGTERM, terminal.log
    frozen.go_on()
    site.manage("liveops_reap")
    with site.here():
        assert stored(in_server).get_state() == "INTERRUPTED"
        for running in (first, *in_workers):
            assert stored(running).get_state() == "INTERRUPTED"
        assert stored(waiting).get_state() == "NOT_STARTED"
