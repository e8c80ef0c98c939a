"""``os.fork()`` in ``run()``: a child may do what it likes, and the run stays the parent's."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.forking import ways

ROOT = Path(__file__).parents[2]
STATUSES = {
    "return": 0,
    "exit": 3,
    "exit-in-words": 1,
    "fail": 1,
    "flood": 0,
    "stage": 1,
    "chain": 1,
    "interrupt": 130,
}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """Return the process that forked, after its end."""
    variables = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "LIVEOPS_TEST_DB": str(tmp_path_factory.mktemp("forks") / "db.sqlite3"),
        "LIVEOPS_TEST_DATABASE": "",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "tests.integration.forking", *STATUSES]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def told(process: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return what became of the operations."""
    found: dict[str, Any] = json.loads(process.stdout)
    return found


def test_all_ways_are_gone() -> None:
    assert list(ways(None, None)) == list(STATUSES)


@pytest.mark.parametrize("way", STATUSES)
def test_a_child_ends_where_run_does_and_leaves_the_run_alone(
    told: dict[str, Any], way: str
) -> None:
    status, state, lines, attempts = told[way]
    assert status == STATUSES[way]
    assert state == "FINISHED_OK"
    assert lines == ["before", "after", "saved"]
    assert attempts == ["done", "done"]


def test_no_child_starts_anything(told: dict[str, Any]) -> None:
    assert told["operations"] == len(STATUSES) + 1


def test_what_ended_a_child_is_told(process: subprocess.CompletedProcess[str]) -> None:
    assert process.stderr.count("a process that run() forked ended with an error") == 3
    assert "ValueError: the child fails" in process.stderr
    assert "The run has ended, so the stage 'Save' cannot begin." in process.stderr
    assert "The run has ended, so the operation cannot be chained." in process.stderr
    assert "the child's last words" in process.stderr
