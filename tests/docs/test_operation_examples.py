"""Every operation that the pages show runs in a site, and prints what stands below it."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import site
from tests.docs.pages import all_files, parameters, sessions
from tests.docs.playing import Player, type_into_site

METHODS = "how-to/stage-methods.md"
COMMANDS = "how-to/commands.md"
COMMAND = "reference/command.md"
PAGES = [METHODS, COMMANDS, COMMAND]

RUN = "python manage.py run_liveop"

# The examples of `test_examples.COUNTERPARTS` that operations have counterparts of, too.
COUNTERPARTS = {
    1: f"{RUN} shop.Release --set version=1.1",
    2: f"{RUN} shop.Release --help",
    3: f"{RUN} shop.Release --stage put_online Build",
    12: f"{RUN} shop.Release --set version=1.1",
    14: f"{RUN} shop.CarefulRelease --stage Check",
    16: f"{RUN} shop.GentleRelease",
    20: f"{RUN} shop.Mirror --help",
    21: f"{RUN} shop.Mirror",
    22: f"{RUN} shop.Mirror --call-retry-attempts 0 2> errors.txt",
    28: f"{RUN} shop.Lease",
    32: f"{RUN} shop.Lease --set keep=true",
}


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    with tempfile.TemporaryDirectory(prefix="docs-") as folder:
        built = Path(folder, "built")
        site.build(built, all_files(PAGES))
        yield Player(Path(folder), lambda place: _copy(built, place), type_into_site)


def _copy(built: Path, place: Path) -> None:
    shutil.copytree(built, place, dirs_exist_ok=True)


@pytest.mark.parametrize(("page", "number"), parameters(PAGES))
def test_a_session_prints_what_is_written(player: Player, page: str, number: int) -> None:
    complaints = player.complaints(page, number)
    assert not complaints, "\n\n".join(complaints)


def test_every_operation_is_run() -> None:
    lines = [command.line for page in PAGES for each in sessions(page) for command in each]
    text = all_files(PAGES)["shop/models.py"]
    classes = re.findall(r"^class (\w+)\([\w, ]*(?:LiveOperation|Release)\):", text, re.M)
    assert "Release" in classes
    for name in classes:
        assert any(re.search(rf" shop\.{name}\b", line) for line in lines), name


@pytest.mark.parametrize("example", sorted(COUNTERPARTS))
def test_the_counterpart_of_an_example_was_run(player: Player, example: int) -> None:
    played = {
        command.line: lines
        for session, printed in zip(sessions(METHODS), player.printed(METHODS), strict=True)
        for command, lines in zip(session, printed, strict=True)
    }
    assert played[COUNTERPARTS[example]]
