"""What docs/how-to/postgresql.md says of connections, counted at a real server."""

import threading
from contextlib import ExitStack

import psutil

from tests.acceptance.survival.outside import start, told_state, watching
from tests.engines.fixtures import MakeEngines
from tests.engines.process import Process
from tests.engines.servers import Postgres
from tests.engines.waiting import until

_LOOKS = 20


def held(process: Process, postgres: Postgres) -> int:
    """Return how many connections to the database a process has open."""
    ends = psutil.Process(process.pid).net_connections("tcp")
    return sum(bool(end.raddr) and end.raddr.port == postgres.port for end in ends)


def test_a_process_holds_one_for_each_run_and_few_besides(
    engines: MakeEngines, postgres: Postgres
) -> None:
    """One for each run, one for all progress, one or two now and then; none for watchers."""
    times = {"HEARTBEAT_SECONDS": 0.2, "STALE_SECONDS": 20.0, "REAP_SECONDS": 0.2}
    site = engines(database="postgres", liveops={**times, "RUNNER_THREADS": 2})
    server = site.start_daphne()
    with ExitStack() as stack:
        running = [start(server, Load=[["wait", "a"]]) for _ in range(2)]
        for operation in running:
            site.reached(operation["op"], "a")
            for _ in range(5):
                stack.enter_context(watching(server, operation))
        until(lambda: held(server, postgres) >= 3, what="two runs and their progress")
        seen, pause = [], threading.Event()
        for _ in range(_LOOKS):
            seen.append(held(server, postgres))
            pause.wait(0.02)
        assert 3 <= max(seen) <= 5, seen
        for operation in running:
            site.let_go(operation["op"], "a")
        until(lambda: held(server, postgres) == 0, what="all of them given back")


def test_a_pool_is_not_exceeded_but_by_the_progress(
    engines: MakeEngines, postgres: Postgres
) -> None:
    """Two runs, their watchers and requests do with a pool of four, and one outside of it."""
    site = engines(database="postgres", liveops={"RUNNER_THREADS": 2})
    site.settings["DATABASES"]["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 4}}
    server = site.start_daphne()
    running = [start(server, Load=[["wait", "a"], ["log", "one"]]) for _ in range(2)]
    for operation in running:
        site.reached(operation["op"], "a")
    with watching(server, running[0]) as socket:
        seen = [held(server, postgres)]
        for operation in running:
            site.let_go(operation["op"], "a")
        assert told_state(socket) == "FINISHED_OK"
        seen.append(held(server, postgres))
    assert max(seen) <= 5, seen
