"""SQLite is full, or locked by others: the run goes on, and what waits is saved afterwards."""

import sqlite3
from contextlib import closing
from copy import deepcopy
from typing import Any

import pytest

from liveops.models import LiveOperation
from tests.acceptance.survival.outside import start
from tests.acceptance.survival.sockets import Socket
from tests.engines.fixtures import MakeEngines
from tests.engines.process import Process
from tests.engines.site import Engines
from tests.engines.waiting import until

OUT = "liveops: the database 'default' takes nothing"
BACK = "liveops: the database 'default' is back"
PAGE = 4096
TEXT = "x" * 200


def path_of(site: Engines) -> str:
    """Return the path of a site's database."""
    path: str = site.settings["DATABASES"]["default"]["NAME"]
    return path


def set_options(site: Engines, **options: Any) -> None:
    """Change how the processes of a site, started after this, open their database."""
    databases = deepcopy(site.settings["DATABASES"])
    databases["default"]["OPTIONS"].update(options)
    site.settings["DATABASES"] = databases


@pytest.fixture
def full_site(engines: MakeEngines) -> Engines:
    """Return a site whose database cannot grow: it has room for some log lines, not for many."""
    site = engines()
    with closing(sqlite3.connect(path_of(site))) as ballast:
        ballast.execute("PRAGMA page_size")
        ballast.execute("CREATE TABLE ballast (number INTEGER PRIMARY KEY, content BLOB)")
        for number in range(400):
            ballast.execute("INSERT INTO ballast VALUES (?, zeroblob(?))", [number, PAGE])
        ballast.commit()
        ballast.execute("DELETE FROM ballast WHERE number < 40")
        ballast.commit()
        ballast.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # A connection's limit cannot be lower than the size that the database has.
    usual = site.settings["DATABASES"]["default"]["OPTIONS"]["init_command"]
    set_options(site, init_command=f"{usual} PRAGMA max_page_count = 1;")
    return site


def make_room(site: Engines) -> None:
    """Have others delete what they do not need any more."""
    with closing(sqlite3.connect(path_of(site), timeout=30)) as ballast:
        ballast.execute("DELETE FROM ballast")
        ballast.commit()


@pytest.mark.fault("sqlite-full")
def test_a_disk_that_is_full_for_a_while(full_site: Engines) -> None:
    site = full_site
    daphne = site.start_daphne()
    plan = {
        "Load": [["log", "first"], ["wait", "one"], ["log", TEXT, 3000]],
        "Change": [["status", "still at work"], ["percent", 50]],
        "Save": [["wait", "two"], ["log", "last"]],
    }
    started = start(daphne, "BlockPlan", **plan)
    pk = started["op"]
    with Socket(daphne, started) as socket:
        site.reached(pk, "one")
        socket.sees("first")
        site.let_go(pk, "one")
        site.reached(pk, "two")
        until(lambda: OUT in daphne.log, what=lambda: daphne.log)
        assert "full" in daphne.log
        socket.sees("still at work")  # what is shown does not wait for the disk
        make_room(site)
        until(lambda: BACK in daphne.log, what=lambda: daphne.log)
        site.let_go(pk, "two")
        socket.hears_of_the_end()
    with site.here():
        operation = LiveOperation.objects.get(pk=pk)
        assert set(operation.stage_states.values()) == {"done"}
        assert [line.seq for line in operation.log_lines.all()] == list(range(1, 3003))
    assert (daphne.log.count(OUT), daphne.log.count(BACK)) == (1, 1), daphne.log
    assert "Traceback" not in daphne.log


@pytest.fixture
def impatient(engines: MakeEngines) -> tuple[Engines, Process]:
    """Return a site whose connections wait for a lock for a moment only, and its server."""
    site = engines()
    set_options(site, timeout=0.1)
    return site, site.start_daphne()


@pytest.mark.fault("sqlite-locked")
def test_a_database_that_another_process_locks(impatient: tuple[Engines, Process]) -> None:
    site, daphne = impatient
    plan = {
        "Load": [["log", "one"], ["wait", "one"]],
        "Change": [["log", "two"], ["percent", 50], ["result", {"rows": 2}]],
        "Save": [["log", "three"], ["status", "waiting"], ["wait", "two"]],
    }
    started = start(daphne, "BlockPlan", **plan)
    pk = started["op"]
    with Socket(daphne, started) as socket:
        site.reached(pk, "one")
        socket.sees("one")
        with closing(sqlite3.connect(path_of(site), isolation_level=None)) as other:
            until(lambda: _locks(other))
            site.let_go(pk, "one")
            site.reached(pk, "two")  # two boundaries later
            socket.sees("waiting")
            row = other.execute("SELECT stage_states FROM liveops_liveoperation").fetchone()
            assert row == ('{"Load": "active"}',)
            other.execute("ROLLBACK")
        with site.here():
            states = {"Load": "done", "Change": "done", "Save": "active"}
            until(lambda: LiveOperation.objects.get(pk=pk).stage_states == states)
        site.let_go(pk, "two")
        socket.hears_of_the_end()
    assert socket.lines == [1, 2, 3]
    assert "Traceback" not in daphne.log


def _locks(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True
