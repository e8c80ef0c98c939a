"""What ``liveops_startop`` writes runs: every kind, in apps of every layout."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import block
from tests.docs.playing import difference
from tests.startop.project import APPS, CALLS, FILES, QUOTED

ROOT = Path(__file__).resolve().parents[2]
FORM = (
    '"count-boxes/", CreateLiveOperationView.as_view(model=CountBoxes, fields=[]), '
    'name="count-boxes"'
)
RUFF = ("--isolated", "--no-cache", "--line-length=100")
PROGRAM = Path(__file__).with_name("project.py")


def play(folder: Path, *arguments: str) -> Any:
    """Run the program in a folder, where every warning is an error; return what it found."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAM), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project."""
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def said(folder: Path) -> dict[str, list[str]]:
    """What each call said, first with ``--dry-run``."""
    found: dict[str, list[str]] = play(folder)
    return found


@pytest.fixture(scope="module")
def used(said: dict[str, list[str]], folder: Path) -> dict[str, Any]:
    """What became of it."""
    assert said
    found: dict[str, Any] = play(folder, "test")
    return found


def test_the_tests_that_are_written_pass(used: dict[str, Any]) -> None:
    assert used["status"] == 0, used["tests"]
    assert f"Ran {len(CALLS)} tests" in used["tests"]
    for app, name, *_ in CALLS.values():
        assert f"({app}." in used["tests"]
        assert f"{name}Tests.test_it_runs_to_its_end" in used["tests"]


def test_what_is_written_runs_in_the_terminal(used: dict[str, Any]) -> None:
    lines = used["run"].splitlines()
    for line in ("=== [1/2] Prepare ===", "=== [2/2] Process ===", "1 of 5", "    Success"):
        assert line in lines


def test_it_says_what_it_wrote_and_what_comes_next(said: dict[str, list[str]]) -> None:
    assert said["blocks"][1].splitlines() == [
        "Wrote packed/models/count_boxes.py: class CountBoxes",
        "Wrote packed/models/__init__.py: imports CountBoxes",
        "Wrote packed/tests/test_count_boxes.py: class CountBoxesTests",
        "",
        "Next:",
        "    python manage.py makemigrations packed",
        "    python manage.py migrate",
        "    python manage.py test packed",
        "    python manage.py run_liveop packed.CountBoxes",
        "",
        "A form that starts it, in urls.py:",
        "    from liveops.views import CreateLiveOperationView",
        "    from packed.models import CountBoxes",
        "",
        f"    path({FORM}),",
    ]


def test_a_dry_run_shows_the_change_and_writes_nothing(said: dict[str, list[str]]) -> None:
    shown, written = (text.splitlines() for text in said["defaults"])
    assert shown[:2] == ["--- plain/models.py", "+++ plain/models.py"]
    assert "+class Inventory(LiveOperation):" in shown
    assert "+from liveops.testing import run_operation" in shown
    assert not any(line.startswith("-") and not line.startswith("---") for line in shown)
    assert written[0] == "Wrote plain/models.py: class Inventory"
    assert said["blocks"][0].splitlines()[:2] == [
        "--- /dev/null",
        "+++ packed/models/count_boxes.py",
    ]


def test_the_file_s_style_is_kept(said: dict[str, list[str]], folder: Path) -> None:
    assert said
    written = (folder / "quoted/models.py").read_bytes().decode()
    assert written.count("\r\n") == written.count("\n") > QUOTED.count("\n")
    assert "    @LiveOperation.stage('Fetch', 'Fetch is under way')\r\n" in written
    assert "    async def stage_class(self, p: Progress) -> None:\r\n" in written
    assert written.startswith("import asyncio\r\n\r\nfrom django.db import models\r\n")


def test_what_was_there_stays(said: dict[str, list[str]], folder: Path) -> None:
    assert said
    for name, text in FILES.items():
        kept = (folder / name).read_bytes().decode().splitlines()
        assert [line for line in text.splitlines() if line not in kept] in (
            [],
            ['__all__ = ["Box"]'],  # one name longer now
        )
    index = (folder / "packed/models/__init__.py").read_text(encoding="utf-8")
    assert index == (
        "from .box import Box\nfrom .count_boxes import CountBoxes\n\n"
        '__all__ = ["Box", "CountBoxes"]\n'
    )


def test_what_is_written_is_as_ruff_would_have_it(said: dict[str, list[str]], folder: Path) -> None:
    assert said
    paths = [str(folder / app) for app in APPS if app != "quoted"]
    for command in (
        ["format", "--check", "--exclude=migrations"],
        ["check", "--select=E,F,W", "--ignore=F401", "--exclude=migrations"],
    ):  # startapp's own import
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *RUFF, *paths],
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_the_page_of_commands_shows_what_it_says(said: dict[str, list[str]]) -> None:
    shown = block("reference/commands.md", "text Wrote ").replace("shop", "plain")
    assert difference(shown.splitlines(), said["defaults"][1].splitlines()) is None
