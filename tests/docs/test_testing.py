"""What docs/how-to/testing.md shows passes in a project, by Django's runner and by pytest."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from liveops.testing import RecordingProgress
from tests.docs import site
from tests.docs.pages import DOCS, all_files, blocks, named
from tests.docs.playing import PATIENCE, ROOT

PAGE = "how-to/testing.md"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="docs-") as place:
        # The page calls its settings as `startproject` does; here they are one file.
        (ini,) = blocks(PAGE, "ini")
        written = named([ini.replace("mysite.settings", "mysite")])
        site.build(Path(place), all_files([PAGE]) | written)
        yield Path(place)


def called(folder: Path, *arguments: str, settings: str = "mysite") -> str:
    """Call Python in the site; return what it printed."""
    variables = {**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"}
    variables.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env=variables | ({"DJANGO_SETTINGS_MODULE": settings} if settings else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_tests_of_the_page_pass_with_django(folder: Path) -> None:
    count = len(re.findall(r"^    (?:async )?def test_", all_files([PAGE])["shop/tests.py"], re.M))
    assert count >= 12
    assert f"Ran {count} tests" in called(folder, "manage.py", "test")


def test_the_tests_of_the_page_pass_with_pytest_side_by_side(folder: Path) -> None:
    # The plugin by its name, too: an installation that is older than its entry point has it then.
    plugins = ["-p", "liveops.testing.plugin", "-p", "no:cacheprovider"]
    arguments = ["-n", "2", *plugins, "shop/test_with_pytest.py"]
    assert "2 passed" in called(folder, "-m", "pytest", *arguments, settings="")


def test_the_page_names_what_can_be_read() -> None:
    text = (DOCS / PAGE).read_text(encoding="utf-8")
    own = {name for name, value in vars(RecordingProgress).items() if isinstance(value, property)}
    missing = [name for name in sorted(own) if f"`{name}`" not in text]
    assert not missing
