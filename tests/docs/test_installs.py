"""What the pages have pip install is what the package is called, with extras that it has."""

import shlex
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.docs.pages import DOCS, every_block, every_page

PROJECT = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAMES_OF_PIP = ("pip install ", "pip uninstall --yes ")


def installed() -> list[tuple[str, str]]:
    """Return page and requirement of all that is installed in a block for the terminal."""
    found = []
    for page in every_page():
        for block in every_block(page):
            for line in block.text.splitlines() if block.language == "console" else ():
                for start in NAMES_OF_PIP:
                    if line.startswith(f"$ {start}"):
                        words = shlex.split(line.removeprefix(f"$ {start}"))
                        found += [(page, word) for word in words]
    return found


@pytest.mark.parametrize(("page", "word"), sorted(set(installed())))
def test_what_is_installed_exists(page: str, word: str) -> None:
    requirement = Requirement(word)
    if requirement.name == PROJECT["name"]:
        assert requirement.extras <= set(PROJECT["optional-dependencies"])
    assert Path(DOCS / page).is_file()


def test_the_package_is_among_it() -> None:
    names = [Requirement(word).name for _, word in installed()]
    assert names.count(PROJECT["name"]) > 5
