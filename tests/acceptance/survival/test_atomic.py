"""Runs inside transactions on a server: live while one is open, kept after a rollback."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from liveops.models import LiveOperation
from tests.acceptance.survival.outside import start
from tests.acceptance.survival.sockets import Socket
from tests.engines.fixtures import MakeEngines
from tests.engines.process import Process
from tests.engines.site import Engines
from tests.engines.waiting import until


@pytest.fixture(scope="module")
def site(module_engines: MakeEngines) -> Engines:
    """Return a site on a database server; its web server runs the operations."""
    return module_engines(database="server", liveops={"RUNNER_THREADS": 8})


@pytest.fixture(scope="module")
def daphne(site: Engines) -> Process:
    """Return the server."""
    return site.start_daphne()


@pytest.fixture
def here(site: Engines) -> Iterator[None]:
    """Let the test read the site's database."""
    with site.here():
        yield


def stored(pk: str) -> Any:
    """Return the operation as everybody but its own transaction sees it."""
    return LiveOperation.objects.get(pk=pk)


def lines(pk: str) -> list[str]:
    """Return the texts of the stored log lines."""
    return [line.text for line in stored(pk).log_lines.all()]


def users(*names: str) -> int:
    """Count the users that were created."""
    return get_user_model().objects.filter(username__in=names).count()


@pytest.mark.usefixtures("here")
@pytest.mark.fault("rollback-in-stages")
@pytest.mark.parametrize("rolled_back", [False, True], ids=["commit", "rollback"])
def test_progress_inside_a_transaction_is_live_and_outlasts_it(
    site: Engines, daphne: Process, rolled_back: bool
) -> None:
    name = f"made-{rolled_back}"
    inside = [["user", name], ["log", "inside"], ["percent", 40], ["wait", "inside"]]
    plan = {
        "Load": [["atomic", inside, "rollback" if rolled_back else "commit"]],
        "Save": [["log", "after"]],
    }
    started = start(daphne, "BlockPlan", **plan)
    pk = started["op"]
    with Socket(daphne, started) as socket:
        site.reached(pk, "inside")
        socket.sees("inside")
        socket.sees("40")
        until(lambda: lines(pk) == ["inside"])
        until(lambda: stored(pk).live_progress.percent == 40)
        assert stored(pk).stage_states == {"Load": "active"}
        assert not users(name), "the transaction is open"
        site.let_go(pk, "inside")
        socket.hears_of_the_end()
    assert users(name) == (0 if rolled_back else 1)
    assert lines(pk) == ["inside", "after"]
    assert set(stored(pk).stage_states.values()) == {"done"}


@pytest.mark.usefixtures("here")
@pytest.mark.fault("rollback-of-run")
def test_a_run_that_is_all_one_transaction_shows_its_stages_and_keeps_them(
    site: Engines, daphne: Process
) -> None:
    plan = {
        "Load": [["user", "whole"], ["log", "one"], ["return", 1]],
        "Change": [["atomic", [["log", "two"]], "rollback"], ["wait", "changing"]],
        "Save": [["log", "three"], ["crash", "broken"]],
    }
    started = start(daphne, "BlockPlan", transaction="commit", **plan)
    pk = started["op"]
    with Socket(daphne, started) as socket:
        site.reached(pk, "changing")
        until(lambda: stored(pk).stage_states == {"Load": "done", "Change": "active"})
        socket.sees("two")
        site.let_go(pk, "changing")
        socket.hears_of_the_end("FINISHED_ERROR")
    operation = stored(pk)
    assert operation.stage_states == {"Load": "done", "Change": "done", "Save": "failed"}
    assert lines(pk) == ["one", "two", "three"]
    assert [row.outcome for row in operation.stage_runs.all()] == ["done", "done", "failed"]
    assert not operation.stage_runs.filter(is_checkpoint=True).exists(), "it was all taken back"
    assert not users("whole")


@pytest.mark.usefixtures("here")
@pytest.mark.fault("own-row-locked")
@pytest.mark.parametrize("verb", ["save", "lock"])
@pytest.mark.parametrize("rolled_back", [False, True], ids=["commit", "rollback"])
def test_a_run_that_holds_its_own_row_is_not_held_up(
    site: Engines, daphne: Process, verb: str, rolled_back: bool
) -> None:
    plan = {
        "Load": [[verb], ["log", "held"]],
        "Change": [["log", "still {}", 3], ["percent", 70], ["wait", "changing"]],
        "Save": [["log", "last"]],
    }
    started = start(
        daphne, "BlockPlan", transaction="rollback" if rolled_back else "commit", **plan
    )
    pk = started["op"]
    with Socket(daphne, started) as socket:
        site.reached(pk, "changing")  # two boundaries later: it neither waits for itself, nor fails
        socket.sees("still 3")
        until(lambda: stored(pk).live_progress.percent == 70)
        states = stored(pk).stage_states
        assert states.get("Change") != "active", "its own transaction holds the row"
        site.let_go(pk, "changing")
        socket.hears_of_the_end("FINISHED_OK")
    assert set(stored(pk).stage_states.values()) == {"done"}
    assert lines(pk) == ["held", "still 1", "still 2", "still 3", "last"]


@pytest.mark.usefixtures("here")
@pytest.mark.fault("rollback-async")
def test_a_transaction_in_the_middle_of_an_async_run(site: Engines, daphne: Process) -> None:
    inside = [["user", "async"], ["log", "inside"], ["percent", 30], ["wait_deaf", "inside"]]
    started = start(daphne, "AsyncPlan", Load=[["sync", [["atomic", inside, "rollback"]]]])
    pk = started["op"]
    with Socket(daphne, started) as socket:
        site.reached(pk, "inside")
        socket.sees("inside")
        until(lambda: stored(pk).live_progress.percent == 30)
        assert stored(pk).stage_states == {"Load": "active"}
        site.let_go(pk, "inside")
        socket.hears_of_the_end()
    assert (lines(pk), users("async")) == (["inside"], 0)


@pytest.mark.usefixtures("here")
@pytest.mark.fault("postgres-connection-killed")
def test_whoever_loses_its_connection_gets_another(site: Engines, daphne: Process) -> None:
    plan = {
        "Load": [["log", "one"], ["wait", "loading"], ["log", "two"]],
        "Change": [["user", "reconnected"], ["log", "three"]],
    }
    told_before = len(daphne.log)
    started = start(daphne, "BlockPlan", **plan)
    pk = started["op"]
    with Socket(daphne, started) as socket:
        site.reached(pk, "loading")
        socket.sees("one")
        until(lambda: lines(pk) == ["one"])
        assert _terminate(site) >= 2, "of the pump and of the run"
        site.let_go(pk, "loading")
        socket.hears_of_the_end()
    assert socket.lines == [1, 2, 3]
    assert users("reconnected") == 1
    assert stored(pk).get_state() == "FINISHED_OK", stored(pk).traceback
    assert "Traceback" not in daphne.log[told_before:]


_CONNECTIONS = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = %s"
    " AND id <> connection_id()",
}
_END = {"postgresql": "SELECT pg_terminate_backend(%s)", "mysql": "KILL %s"}


def _terminate(site: Engines) -> int:
    """Have an administrator end all connections to the site's database but this process's."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CONNECTIONS[connection.vendor], [site.settings["DATABASES"]["default"]["NAME"]]
        )
        found = cursor.fetchall()
        for each in found:
            cursor.execute(_END[connection.vendor], each)
    return len(found)
