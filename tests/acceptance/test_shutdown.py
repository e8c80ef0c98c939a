"""A process that ends while the thread runner is at work: in time, and with the truth on record."""

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import environment
from tests.acceptance.databases import TESTS, migrated

SCRIPT = """
import django, sys, threading
django.setup()
from django.apps import apps
operation = apps.get_model("testapp", sys.argv[1]).objects.create()
operation.enqueue()
for _ in range(3_000):
    if operation.log_lines.exists():
        break
    threading.Event().wait(0.01)
"""


@pytest.mark.parametrize("name", ["Listening", "Sleeping", "Stubborn"])
def test_what_runs_is_interrupted(tmp_path: Path, name: str) -> None:
    """Each would run for ten minutes; `Sleeping` is async and only awaits, `Stubborn` is deaf."""
    database = migrated(tmp_path, TESTS, login=False)
    variables = environment(
        tmp_path,
        DJANGO_SETTINGS_MODULE=TESTS,
        LIVEOPS_TEST_DB=str(database),
        LIVEOPS_TEST_RUNNER="thread",
    )
    subprocess.run([sys.executable, "-c", SCRIPT, name], env=variables, check=True, timeout=60)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        row = connection.execute("SELECT state FROM liveops_liveoperation").fetchone()
    assert row == ("INTERRUPTED",)
