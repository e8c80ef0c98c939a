"""What docs/how-to/cron.md shows runs: its commands in a site, and the line of its crontab."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import site
from tests.docs.pages import all_files, blocks, parameters
from tests.docs.playing import PATIENCE, ROOT, Player, type_into_site

PAGE = "how-to/cron.md"
SCHEDULE = "15 2 * * *  "
TOLD = "Nightly ended with"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="docs-") as path:
        site.build(Path(path, "built"), all_files([PAGE]))
        yield Path(path)


@pytest.fixture(scope="module")
def player(folder: Path) -> Player:
    def prepare(place: Path) -> None:
        shutil.copytree(folder / "built", place, dirs_exist_ok=True)

    return Player(folder, prepare, type_into_site)


@pytest.mark.parametrize(("page", "number"), parameters([PAGE]))
def test_a_session_prints_what_is_written(player: Player, page: str, number: int) -> None:
    complaints = player.complaints(page, number)
    assert not complaints, "\n\n".join(complaints)


def cron(place: Path) -> str:
    """Carry out the line of the crontab as cron does; return what it would mail."""
    (line,) = [each for each in blocks(PAGE, "text")[0].splitlines() if each.startswith(SCHEDULE)]
    line = line.removeprefix(SCHEDULE)
    changes = {
        "/srv/shop": str(place),
        "/run/lock/": f"{place}/",
        "/var/log/": f"{place}/",
        "./venv/bin/python": sys.executable,
    }
    for there, here in changes.items():
        assert there in line
        line = line.replace(there, here)
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_line_of_the_crontab_mails_nothing_if_all_is_well(folder: Path) -> None:
    place = folder / "cron"
    shutil.copytree(folder / "built", place)
    assert cron(place) == ""
    log = (place / "shop-nightly.log").read_text(encoding="utf-8")
    assert "=== [2/2] Count ===" in log
    assert "\x1b" not in log
    assert "--owner ada" in log


def test_the_line_mails_that_it_failed_and_runs_no_second_one(folder: Path) -> None:
    place = folder / "overlap"
    place.mkdir()
    with (place / "shop-nightly").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert f"{TOLD} 1." in cron(place)
    assert (place / "shop-nightly.log").read_text(encoding="utf-8") == ""
    assert f"{TOLD} 2." in cron(place)  # there is no manage.py there
    assert "manage.py" in (place / "shop-nightly.log").read_text(encoding="utf-8")
