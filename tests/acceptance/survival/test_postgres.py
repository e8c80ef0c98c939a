"""PostgreSQL goes away in mid-run and comes back: the run does not notice, nothing is lost."""

import time
from collections.abc import Callable

import pytest

from tests.acceptance.survival.outside import start
from tests.acceptance.survival.sockets import Socket
from tests.engines.fixtures import MakeEngines
from tests.engines.models import BlockPlan, StagedPlan
from tests.engines.process import Process
from tests.engines.servers import Postgres
from tests.engines.site import Engines
from tests.engines.waiting import until

QUICK = {"HEARTBEAT_SECONDS": 0.5, "STALE_SECONDS": 2.0, "REAP_SECONDS": 0.5}
OUT = "liveops: the database 'default' takes nothing"
BACK = "liveops: the database 'default' is back"


@pytest.fixture
def site(engines: MakeEngines) -> Engines:
    """Return a site on PostgreSQL, with a thread runner and quick heartbeats."""
    return engines(database="postgres", liveops=QUICK)


@pytest.fixture
def daphne(site: Engines) -> Process:
    """Return the server that runs its operations."""
    return site.start_daphne()


def stop(server: Postgres) -> None:
    server.stop("fast")


def kill(server: Postgres) -> None:
    server.kill()


def told(process: Process, what: str) -> int:
    """Count the lines of a process's log that tell of something."""
    return process.log.count(what)


@pytest.mark.fault("postgres-restarted")
@pytest.mark.parametrize("away", [stop, kill], ids=["stopped", "killed"])
def test_a_run_outlives_a_restart(
    site: Engines, daphne: Process, postgres: Postgres, away: Callable[[Postgres], None]
) -> None:
    plan = {
        "Load": [["log", "before {}", 5], ["wait", "loading"], ["log", "meanwhile {}", 50]],
        "Change": [["percent", 40], ["result", {"rows": 3}]],
        "Save": [
            *(["log", "still away {}", 50], ["status", "waiting"], ["wait", "saving"]),
            ["log", "after"],
        ],
    }
    created = start(daphne, "StagedPlan", **plan)
    pk = created["op"]
    with Socket(daphne, created) as socket:
        site.reached(pk, "loading")
        socket.sees("before 5")
        away(postgres)
        site.let_go(pk, "loading")
        site.reached(pk, "saving")  # two boundaries later: the run did not wait for the database
        postgres.start()
        socket.sees("still away 50")
        with site.here():
            # What was buffered is written as soon as the database is back.
            until(lambda: StagedPlan.objects.get(pk=pk).stage_states.get("Save") == "active")
            states = {"Load": "done", "Change": "done", "Save": "active"}
            assert StagedPlan.objects.get(pk=pk).stage_states == states
            until(lambda: StagedPlan.objects.get(pk=pk).live_progress.status_text == "waiting")
        site.let_go(pk, "saving")
        socket.hears_of_the_end()
        assert socket.lines == list(range(1, 107))
    with site.here():
        operation = StagedPlan.objects.get(pk=pk)
        assert operation.get_state() == "FINISHED_OK", operation.traceback
        assert operation.result_context == {"rows": 3}
        assert [line.seq for line in operation.log_lines.all()] == list(range(1, 107))
        ended = [(row.stage, row.outcome) for row in operation.stage_runs.all()]
        assert ended == [("Load", "done"), ("Change", "done"), ("Save", "done")]
    assert (told(daphne, OUT), told(daphne, BACK)) == (1, 1), daphne.log
    assert "Traceback" not in daphne.log
    assert site.journal.twice_at_once() == []


@pytest.mark.fault("postgres-away-at-end")
def test_the_end_of_a_run_waits_for_the_database(
    site: Engines, daphne: Process, postgres: Postgres
) -> None:
    pk = start(daphne, "BlockPlan", Save=[["wait", "saving"], ["log", "last {}", 20]])["op"]
    site.reached(pk, "saving")
    postgres.stop()
    site.let_go(pk, "saving")
    until(lambda: site.journal.ended(pk, "Save"))
    until(lambda: told(daphne, OUT))
    postgres.start()
    with site.here():
        until(lambda: BlockPlan.objects.get(pk=pk).get_state() == "FINISHED_OK")
        assert BlockPlan.objects.get(pk=pk).log_lines.count() == 20
    until(lambda: told(daphne, BACK))
    assert (told(daphne, OUT), told(daphne, BACK)) == (1, 1), daphne.log


@pytest.mark.fault("postgres-away-at-chain")
def test_a_chain_waits_for_the_database(site: Engines, daphne: Process, postgres: Postgres) -> None:
    following = {"Load": [["log", "here I am"]]}
    steps = [["prepare", "BlockPlan", following], ["wait", "loading"], ["log", "last"], ["go_on"]]
    pk = start(daphne, "BlockPlan", Load=steps)["op"]
    site.reached(pk, "loading")
    postgres.stop()
    site.let_go(pk, "loading")
    until(lambda: told(daphne, OUT))
    postgres.start()
    with site.here():
        until(lambda: BlockPlan.objects.get(pk=pk).get_state() == "FINISHED_OK")
        first = BlockPlan.objects.get(pk=pk)
        following_pk = first.next_operation_id
        assert following_pk is not None
        until(lambda: BlockPlan.objects.get(pk=following_pk).finished_successfully)
        assert [line.text for line in first.log_lines.all()] == ["last"]
    assert len(site.journal.begun(following_pk, "Load")) == 1


@pytest.mark.fault("postgres-reaper-after-outage")
def test_no_reaper_ends_a_run_after_an_outage(
    site: Engines, daphne: Process, postgres: Postgres
) -> None:
    reaper = site.start("python", "-m", "django", "liveops_reap", "--loop", "--every", "0.2")
    pk = start(daphne, "BlockPlan", Load=[["wait", "loading"], ["log", "alive"]])["op"]
    site.reached(pk, "loading")
    postgres.stop()
    until(lambda: told(daphne, OUT))
    began = time.monotonic()
    until(lambda: time.monotonic() - began > 1.5 * QUICK["STALE_SECONDS"], what="a long outage")
    postgres.start()
    until(lambda: told(daphne, BACK))
    assert "0 interrupted" in site.manage("liveops_reap").stdout
    with site.here():
        assert BlockPlan.objects.get(pk=pk).get_state() == "STARTED"
        site.let_go(pk, "loading")
        until(lambda: BlockPlan.objects.get(pk=pk).get_state() == "FINISHED_OK")
    assert reaper.is_running
    assert "interrupted:" not in reaper.log


@pytest.mark.fault("postgres-cancel-after-outage")
def test_a_run_can_be_cancelled_after_an_outage(
    site: Engines, daphne: Process, postgres: Postgres
) -> None:
    pk = start(daphne, "BlockPlan", Load=[["wait", "loading"]])["op"]
    site.reached(pk, "loading")
    postgres.stop()
    until(lambda: told(daphne, OUT))
    postgres.start()
    site.manage("shell", "-c", _CANCEL.format(pk=pk))
    with site.here():
        until(lambda: BlockPlan.objects.get(pk=pk).get_state() == "CANCELLED")
        assert BlockPlan.objects.get(pk=pk).stage_states == {"Load": "cancelled"}


_CANCEL = """
from liveops import control
control.cancel(LiveOperation.objects.get(pk="{pk}"))
"""
