"""Hold what lint may pass over: named rules, each with its reason."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
LINT = tomllib.loads(TEXT)["tool"]["ruff"]["lint"]
FOLDERS = ("liveops", "example_project", "scripts", "tests")


@pytest.mark.promise("security-rules-are-on")
def test_no_rule_of_security_is_ignored_as_a_family() -> None:
    assert {"S", "PGH", "RUF"} <= set(LINT["select"]), "PGH: no bare noqa; RUF: none unused"
    ignored = [*LINT["ignore"]]
    for rules in LINT["per-file-ignores"].values():
        ignored += rules
    families = re.compile(r"ALL|S\d{0,2}|PGH\d*|RUF(1|10|100)?")
    assert [rule for rule in ignored if families.fullmatch(rule)] == []
    assert [rule for rule in LINT["ignore"] if re.fullmatch(r"S\d+", rule)] == []


def test_each_folder_s_exception_of_security_says_why() -> None:
    lines = [line for line in TEXT.splitlines() if re.match(r'\s*"S\d+"', line)]
    assert lines
    assert [line for line in lines if not re.search(r",  # \S", line)] == []


def test_each_line_s_exception_of_security_says_why() -> None:
    bare = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"#\s*noqa:[^(]*\bS\d{3}\b", line)
        and not re.search(r"noqa:.*\w{4}.* \w+", line)
    ]
    assert bare == []
