"""The wheel in an environment of its own, with and without extras."""

import json
import subprocess
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from scripts import bill
from tests.packaging.building import PATIENCE, install, make_environment

SMOKE = Path(__file__).with_name("smoke.py")
EXTRAS = sorted(set(bill.project()["optional-dependencies"]) - bill.OWN_EXTRAS)


@pytest.fixture(scope="module")
def python(wheel_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel and what it asks for."""
    python = make_environment(tmp_path_factory.mktemp("environment"))
    install(python, [str(wheel_file)], wheel_file.parent)
    return python


def run(python: Path, folder: Path, *arguments: str) -> str:
    """Run the Python of an environment, where every warning is an error; return its output."""
    done = subprocess.run(
        [str(python), "-W", "error", *arguments],
        cwd=folder,
        env={"HOME": str(folder), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def found(python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a site with nothing else printed, stored and served."""
    result: dict[str, Any] = json.loads(run(python, tmp_path_factory.mktemp("site"), str(SMOKE)))
    return result


def test_the_package_is_the_installed_one_and_alone(found: dict[str, Any], python: Path) -> None:
    assert Path(found["file"]).is_relative_to(python.parents[1])
    assert found["optional"] == []


def test_an_operation_runs_in_the_terminal(found: dict[str, Any]) -> None:
    for line in ("=== [1/2] One ===", "counted one", "=== [2/2] Two ===", "count=2"):
        assert line in found["printed"].splitlines()


def test_an_operation_runs_and_has_its_page(found: dict[str, Any]) -> None:
    assert (found["state"], found["result"]) == ("FINISHED_OK", {"count": 2})
    assert found["status"] == 200
    for part in ("counted one", 'data-liveop-state="FINISHED_OK"', 'data-stage="Two"'):
        assert part in found["page"]


def test_importing_it_needs_no_settings(python: Path, tmp_path: Path) -> None:
    run(python, tmp_path, "-c", "import liveops, liveops.scripts, liveops.exceptions")


def test_there_is_an_extra_for_each_optional_part(metadata: Message) -> None:
    assert EXTRAS
    assert set(EXTRAS) == set(metadata.get_all("Provides-Extra", [])) - bill.OWN_EXTRAS


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_an_extra_asks_for_can_be_had(extra: str, python: Path, wheel_file: Path) -> None:
    """Together with what is there; all is looked up, nothing is installed."""
    printed = install(python, ["--dry-run", f"{wheel_file}[{extra}]"], wheel_file.parent)
    asked = [each.partition(">")[0] for each in bill.project()["optional-dependencies"][extra]]
    for name in asked:
        assert name in printed.lower()
