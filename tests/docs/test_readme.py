"""What the README shows runs as it stands there, and its commands exist."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import site
from tests.docs.pages import Command, blocks, files, sessions
from tests.docs.playing import ROOT, difference, type_into_site

PAGE = "../README.md"
README = (ROOT / "README.md").read_text(encoding="utf-8")
LONGEST = 150
"""Lines that somebody reads who wants to know whether to go on."""

PRICES = "name,price\nApples,3\nPears,\n"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A site with the operations of the README."""
    with tempfile.TemporaryDirectory(prefix="docs-") as path:
        folder = Path(path, "shop")
        folder.mkdir()
        site.build(folder, files(PAGE))
        folder.joinpath("prices.csv").write_text(PRICES, encoding="utf-8")
        yield folder


def shown(program: str) -> list[Command]:
    """Return the commands of the README that begin so."""
    every = [command for session in sessions(PAGE) for command in session]
    return [command for command in every if command.line.startswith(program)]


def test_the_example_prints_what_is_written(folder: Path) -> None:
    (command,) = shown("python manage.py")
    (printed,) = type_into_site([command.line], folder)
    problem = difference(command.printed, printed.splitlines())
    assert problem is None, problem


def test_the_stage_methods_run(folder: Path) -> None:
    lines = ["python manage.py run_liveop shop.Deploy --dry-run", "echo $?"]
    printed, status = type_into_site(lines, folder)
    assert status == "0\n", printed
    assert "docker build --tag shop ." in printed
    assert "./manage.py migrate" in printed


def test_each_python_block_is_a_file() -> None:
    heads = [text.splitlines()[0] for text in blocks(PAGE, "python")]
    assert {head.removeprefix("# ") for head in heads} == set(files(PAGE))


def test_the_targets_of_make_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = shown("make ")
    assert [command.line for command in commands] == ["make demo", "make test"]
    assert all(f"\n{command.line.split()[1]}:" in makefile for command in commands)


def test_no_other_command_is_shown() -> None:
    (install,) = shown("pip ")
    names = json.dumps((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert re.search(r"django-live-operations\[daphne\]", install.line)
    assert "daphne = [" in names
    assert len([one for session in sessions(PAGE) for one in session]) == 4


def test_it_is_short() -> None:
    assert README.count("\n") <= LONGEST


def test_pictures_are_there_for_light_and_dark() -> None:
    pictures = re.findall(r'(?:src|srcset)="([^"]+)"', README)
    assert len(pictures) == 2
    assert all((ROOT / picture).is_file() for picture in pictures)


def test_the_table_has_a_cell_for_everything() -> None:
    table = [line for line in README.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in table} == {7}
