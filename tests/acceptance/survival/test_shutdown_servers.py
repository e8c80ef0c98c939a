"""SIGTERM for Daphne with the thread runner, and for an operation in a terminal."""

import json
import signal

import pytest

from liveops.models import LiveOperation
from tests.acceptance.survival.outside import (
    FOREVER,
    outcomes,
    start,
    stored,
    told_state,
    watching,
)
from tests.engines.fixtures import MakeEngines
from tests.engines.process import Process
from tests.engines.site import Engines
from tests.engines.waiting import until


@pytest.mark.fault("sigterm-daphne")
@pytest.mark.parametrize("model", ["StagedPlan", "AsyncPlan"])
def test_a_server_takes_its_runs_with_it(engines: MakeEngines, model: str) -> None:
    site = engines(liveops={"SHUTDOWN_GRACE": FOREVER})
    server = site.start_daphne()
    started = start(server, model, Load=[["log", "line {}", 50], ["wait", "a"]])
    site.reached(started["op"], "a")
    server.terminate()
    server.wait()
    with site.here():
        row = stored(started)
        assert (row.get_state(), row.stage_states) == ("INTERRUPTED", {"Load": "interrupted"})
        assert row.run_id is not None, "it ended by itself"
        assert row.log_lines.count() == 50
    assert outcomes(site, started["op"])[0][0] == "Load"


@pytest.mark.fault("sigterm-daphne-asks")
def test_a_run_that_asks_ends_in_good_order(engines: MakeEngines) -> None:
    site = engines(liveops={"SHUTDOWN_GRACE": FOREVER})
    server = site.start_daphne()
    started = start(server, Load=[["until_shutdown", "a"]], Save=[["log", "saved"]])
    site.reached(started["op"], "a")
    server.terminate()
    server.wait()
    with site.here():
        row = stored(started)
        assert row.get_state() == "FINISHED_OK"
        lines = list(row.log_lines.values_list("text", flat=True))
    assert lines == ["the process is shutting down", "saved"]


@pytest.mark.fault("sigterm-daphne-deaf")
def test_a_run_that_does_not_hear_is_interrupted_all_the_same(engines: MakeEngines) -> None:
    site = engines(layer="core", liveops={"SHUTDOWN_GRACE": 0.5})
    server, other = site.start_daphne(), site.start_daphne()
    started = start(server, Load=[["log", "up"], ["wait_deaf", "a"]])
    site.reached(started["op"], "a")
    with watching(other, started) as socket:
        server.terminate()
        assert told_state(socket) == "INTERRUPTED"
        server.wait()
    with site.here():
        row = stored(started)
        assert (row.get_state(), row.run_id) == ("INTERRUPTED", None)
        assert row.stage_states == {"Load": "interrupted"}
    assert outcomes(site, started["op"]) == [], "its body was never told"


@pytest.mark.fault("sigterm-queued-in-pool")
def test_what_waits_in_the_pool_runs_in_the_next_process(engines: MakeEngines) -> None:
    site = engines(
        liveops={"SHUTDOWN_GRACE": FOREVER, "RUNNER_THREADS": 1, "REQUEUE_SECONDS": FOREVER}
    )
    server = site.start_daphne()
    running = start(server, Load=[["wait", "a"]])
    site.reached(running["op"], "a")
    waiting = [start(server, Load=[["log", "up"]]) for _ in range(2)]
    server.terminate()
    server.wait()
    with site.here():
        assert stored(running).get_state() == "INTERRUPTED"
        assert [stored(one).get_state() for one in waiting] == ["NOT_STARTED"] * 2
        server = server.again()
        with watching(server, waiting[0]) as socket:  # whoever looks at it has it seen to
            assert told_state(socket) == "FINISHED_OK"
        until(lambda: stored(waiting[1]).get_state() == "FINISHED_OK")
    for one in waiting:
        assert [stage for stage, _ in outcomes(site, one["op"])] == ["Load", "Change", "Save"]


def in_terminal(site: Engines, **plan: object) -> tuple[Process, LiveOperation]:
    """Start an operation by `run_liveop`; return it once it is at work."""
    process = site.start(
        *("python", "-m", "django", "run_liveop", "engines.StagedPlan"),
        f"--set=plan={json.dumps(plan)}",
        name="terminal",
    )
    operation = until(
        lambda: LiveOperation._base_manager.filter(state="STARTED").first(),
        what=lambda: process.log,
    )
    assert operation is not None
    return process, operation


@pytest.mark.fault("sigterm-terminal")
@pytest.mark.parametrize("verb", ["wait", "wait_deaf"])
def test_in_a_terminal_the_run_is_stopped_at_once(engines: MakeEngines, verb: str) -> None:
    site = engines(liveops={"SHUTDOWN_GRACE": FOREVER})
    with site.here():
        process, operation = in_terminal(site, Load=[[verb, "a"]])
        site.reached(operation, "a")
        process.terminate()
        assert process.wait() == 128 + signal.SIGTERM, process.log
        row = stored(operation)
        assert (row.get_state(), row.stage_states) == ("INTERRUPTED", {"Load": "interrupted"})
        assert row.resumes_left == 0, "whoever sits at the terminal says when it goes on"


@pytest.mark.fault("sigterm-terminal-asks")
def test_in_a_terminal_a_run_that_asks_ends_in_good_order(engines: MakeEngines) -> None:
    site = engines(liveops={"SHUTDOWN_GRACE": FOREVER})
    with site.here():
        process, operation = in_terminal(site, Load=[["until_shutdown", "a"]])
        site.reached(operation, "a")
        process.terminate()
        assert process.wait() == 128 + signal.SIGTERM, process.log
        assert stored(operation).get_state() == "FINISHED_OK"


@pytest.mark.fault("sigterm-terminal-asks")
@pytest.mark.parametrize("signals", [1, 2], ids=["grace over", "second signal"])
def test_in_a_terminal_asking_and_not_ending_has_its_limit(
    engines: MakeEngines, signals: int
) -> None:
    site = engines(liveops={"SHUTDOWN_GRACE": 1.0 if signals == 1 else FOREVER})
    with site.here():
        plan = [["until_shutdown", "a"], ["wait_deaf", "b"]]
        process, operation = in_terminal(site, Load=plan)
        site.reached(operation, "a")
        process.terminate()
        site.reached(operation, "b")
        if signals == 2:
            process.terminate()
        assert process.wait() == 128 + signal.SIGTERM, process.log
        row = stored(operation)
        assert (row.get_state(), row.stage_states) == ("INTERRUPTED", {"Load": "interrupted"})
