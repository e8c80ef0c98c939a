"""Whatever is wrong on purpose is expected of both type checkers; they run in ``make lint``."""

import re
import tomllib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
MISTAKES = (FOLDER / "mistakes.py").read_text(encoding="utf-8").splitlines()
MARKED = [line for line in MISTAKES if "ignore[" in line]


@pytest.mark.parametrize("line", MARKED, ids=lambda line: line.partition("  #")[0].strip())
def test_each_mistake_is_one_to_both(line: str) -> None:
    assert re.search(r"  # type: ignore\[[\w, -]+\]  # pyright: ignore\[[\w, ]+\]$", line)


def test_the_checkers_are_told_to_miss_none() -> None:
    text = (FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    tools = tomllib.loads(text)["tool"]
    assert tools["mypy"]["strict"]  # so it warns of a comment that is not needed
    (ours,) = tools["pyright"]["executionEnvironments"]
    assert ours["root"] == "tests/typing"
    assert ours["enableTypeIgnoreComments"] is False
    assert ours["reportUnnecessaryTypeIgnoreComment"] == "error"
    assert len(MARKED) > 30


def test_what_is_right_says_so_without_a_comment() -> None:
    for path in (FOLDER / "sample").glob("*.py"):
        assert "ignore" not in path.read_text(encoding="utf-8"), path.name
