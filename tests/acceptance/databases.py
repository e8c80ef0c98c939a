"""Migrated databases for the sites of these tests, each migrated once in a run and then copied."""

import fcntl
import os
import shutil
from pathlib import Path

from tests.engines.programs import run_python

ROOT = Path(__file__).resolve().parents[2]
TESTS = "tests.settings"

_SCRIPT = """
import sys
import django
from django.core.management import call_command
django.setup()
for name in sys.argv[1:]:
    call_command(name, **({"verbosity": 0} if name == "migrate" else {}))
"""


def migrated(folder: Path, settings: str, *, login: bool = True) -> Path:
    """Put a database with all tables into a folder, ``db.sqlite3``.

    Args:
        folder: one that pytest made for a test or a fixture.
        settings: module of the site's settings.
        login: whether the database has the demo login; it is for sites like the example's.

    Returns:
        The database.
    """
    kept = _run_of(folder) / "migrated" / f"{settings}.sqlite3"
    kept.parent.mkdir(exist_ok=True)
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed
        if not kept.exists():
            _migrate(kept, settings, login=login)
    return Path(shutil.copyfile(kept, folder / "db.sqlite3"))


def _run_of(folder: Path) -> Path:
    """Return the folder that all workers of a parallel run have in common."""
    return folder.parents[1] if folder.parent.name.startswith("popen-") else folder.parent


def _migrate(database: Path, settings: str, *, login: bool) -> None:
    new = database.with_suffix(".new")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": settings,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "example_project")]),
        "EXAMPLE_DB": str(new),
        "LIVEOPS_TEST_DB": str(new),
    }
    commands = ["migrate", *(["seed_demo"] if login else [])]
    done = run_python(["-c", _SCRIPT, *commands], environment, new.parent, timeout=120)
    assert done.returncode == 0, done.stderr
    # The last one to close it has taken in what SQLite writes beside it.
    new.rename(database)
