"""A server that carries out operations itself is killed; it is started again, and they go on."""

import json
import urllib.request

import pytest

from liveops import control
from tests.acceptance.survival.scenes import (
    QUICK,
    assert_no_gap,
    lines_of,
    state_of,
    stored,
    wait_for,
    watching,
)
from tests.engines.fixtures import Database, MakeEngines
from tests.engines.models import StagedPlan
from tests.engines.waiting import until

PLAN = {
    "Load": [["log", "loaded"], ["return", 3]],
    "Change": [["log", "on"], ["wait", "here"]],
}


def _start(url: str, plan: object) -> StagedPlan:
    """Have the server create and enqueue an operation."""
    request = urllib.request.Request(
        f"{url}/start/StagedPlan/", json.dumps({"plan": plan}).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return StagedPlan.objects.get(pk=json.load(response)["op"])


@pytest.mark.parametrize(
    "database",
    [
        pytest.param("sqlite", marks=pytest.mark.fault("killed-daphne-sqlite")),
        pytest.param("postgres", marks=pytest.mark.fault("killed-daphne-postgres")),
    ],
)
@pytest.mark.fault("killed-with-full-pool")
def test_a_killed_server_loses_neither_runs_nor_what_waits(
    engines: MakeEngines, database: Database
) -> None:
    """Kill Daphne with one operation in its pool and one that waits for the pool.

    The server that follows tells its watchers of the first, and takes up the second.
    """
    site = engines(database=database, liveops={**QUICK, "RUNNER_THREADS": 1})
    daphne = site.start_daphne()
    with site.here():
        running = _start(daphne.url, PLAN)
        site.reached(running, "here")
        waiting = _start(daphne.url, {"Load": [["log", "at last"]]})
        until(lambda: len(lines_of(running)) == 2, what="two lines")
        daphne.kill()
        assert state_of(running) == "STARTED"

        daphne = daphne.again()
        with watching(daphne.url, running, waiting) as watch:
            watch.wait_for_end(running, "INTERRUPTED")
            assert stored(running).stage_states == {"Load": "done", "Change": "interrupted"}
            assert set(watch.lines(running)) == {1, 2}
            watch.wait_for_end(waiting, "FINISHED_OK")
        site.let_go(running, "here")
        control.resume(stored(running))
        wait_for(running, "FINISHED_OK")
        assert_no_gap(running)
        begun = [entry.stage for entry in site.journal.begun(running)]
        assert begun == ["Load", "Change", "Change", "Save"]
        begun = [entry.stage for entry in site.journal.begun(waiting)]
        assert begun == ["Load", "Change", "Save"]
    assert site.journal.twice_at_once() == []
