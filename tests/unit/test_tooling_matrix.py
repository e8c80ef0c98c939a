"""Test what `make matrix` runs, says and ends with, without installing anything."""

import ast
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from scripts import ensure_parts, environment, interpreters, matrix
from scripts.matrix import Row

ROOT = Path(__file__).resolve().parents[2]
NOXFILE = (ROOT / "noxfile.py").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def table() -> list[list[Any]]:
    """Return the rows as noxfile.py writes them; nox itself is not needed to read it."""
    (rows,) = (
        each.value
        for each in ast.parse(NOXFILE).body
        if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "ROWS"
    )
    assert isinstance(rows, ast.Tuple)
    calls = [each for each in rows.elts if isinstance(each, ast.Call)]
    return [[part.value for part in call.args if isinstance(part, ast.Constant)] for call in calls]


def session(name: str, *more: str, database: str = "sqlite") -> dict[str, Any]:
    text = f"Python 3.13, Django 6.1, newest, {database}."
    return {"name": name, "description": text, "tags": [database, *more], "python": "/somewhere"}


LISTING = json.dumps(
    [session("one"), session("two", database="mariadb"), session("quick", "extra")]
)
ONE, TWO, QUICK = matrix.read(LISTING)


def test_each_python_and_each_django_that_is_promised_has_a_row() -> None:
    promised = {each.rpartition(" :: ")[2] for each in PROJECT["classifiers"] if re.search(
        r"(Python :: 3\.\d+|Django :: \d\.\d)$", each
    )}  # fmt: skip
    in_rows = {part for row in table() for part in row[1:3]}
    assert promised <= in_rows


def test_each_database_has_a_row_with_the_oldest_and_one_with_the_newest() -> None:
    ends = {(row[4], row[3]) for row in table() if row[3] != "pinned"}
    databases = {"sqlite", "postgresql", "mariadb"}
    assert ends == {(kind, age) for kind in databases for age in ("oldest", "newest")}


def test_no_row_asks_for_a_django_that_its_python_cannot_run() -> None:
    needs = {"5.2": (3, 10), "6.0": (3, 12), "6.1": (3, 12)}
    for name, python, django, *_ in table():
        version = tuple(int(part) for part in python.split("."))
        assert version >= needs.get(django, (3, 12)), name


def test_every_file_that_a_row_names_is_there() -> None:
    named = re.findall(r'"(tests/[\w/.]+)"', NOXFILE)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_ci_runs_a_row_on_another_python() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (name,) = re.findall(r"make matrix ROWS=(\w+)", script)
    (row,) = (row for row in table() if row[0] == name)
    assert row[1] != "3.11"
    assert row[3] == "pinned", "with hashes"


def test_rows_are_read_from_what_nox_lists() -> None:
    row = Row("two", "3.13", "Python 3.13, Django 6.1, newest, mariadb.", "mariadb", True)
    assert row == TWO
    assert (ONE.by_default, QUICK.by_default) == (True, False)


def test_rows_are_chosen_by_name_or_all_but_those_that_are_for_ci() -> None:
    assert matrix.chosen([ONE, TWO, QUICK], []) == [ONE, TWO]
    assert matrix.chosen([ONE, TWO, QUICK], ["quick", "one"]) == [ONE, QUICK]
    with pytest.raises(environment.CommandError, match=r"three.*one two quick"):
        matrix.chosen([ONE, TWO, QUICK], ["three"])


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Be a machine with Python 3.13 and no MariaDB, on which rows end with these statuses."""
    statuses = {"one": 0, "two": 0, "quick": 0}

    def run(command: list[Any], variables: dict[str, str]) -> int:
        return statuses[command[-1]]

    monkeypatch.setattr(environment, "ensure_tool", lambda name, program: Path(program))
    monkeypatch.setattr(environment, "outputs", lambda command: (LISTING, ""))
    monkeypatch.setattr(environment, "run_loudly", run)
    monkeypatch.setattr(interpreters, "find", lambda version: "/python")
    monkeypatch.setattr(ensure_parts, "find_mariadb", lambda variables: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(matrix, "versions", lambda row: "Python 3.13.0 django 6.1.3")
    return statuses


@pytest.mark.usefixtures("machine")
def test_what_the_machine_lacks_is_told_and_is_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert matrix.main([]) == 0
    said = capsys.readouterr().out
    assert "apt-get install -y --no-install-recommends mariadb-server" in said
    assert "MARIADBD=/path/to/mariadbd" in said
    *_, one, two, count = said.strip().splitlines()
    assert re.match(r"one +ok .* sqlite +Python 3\.13\.0 django 6\.1\.3", one)
    assert re.match(r"two +lacks .* mariadb", two)
    assert count == "1 passed, 0 failed, 1 could not run on this machine."


@pytest.mark.usefixtures("machine")
def test_a_row_that_was_asked_for_has_to_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert matrix.main(["--rows", "one two"]) == 1
    assert matrix.main(["--rows", "quick"]) == 0
    assert matrix.main(["--rows", "none"]) == 1
    assert "No row is called none" in capsys.readouterr().err


def test_a_row_that_fails_fails_the_matrix_and_the_others_still_run(
    machine: dict[str, int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensure_parts, "find_mariadb", lambda variables: ("/server", "/install"))
    machine["one"] = 1
    assert matrix.main([]) == 1
    *_, one, two, count = capsys.readouterr().out.strip().splitlines()
    assert one.split()[1] == "FAILED"
    assert two.split()[1] == "ok"
    assert count == "1 passed, 1 failed, 0 could not run on this machine."


@pytest.mark.usefixtures("machine")
def test_a_missing_python_is_told_with_two_ways_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "find", lambda version: None)
    assert matrix.lacks(ONE) == "Python 3.13: pyenv install 3.13, or uv python install 3.13"


@pytest.mark.usefixtures("machine")
def test_a_noxfile_that_cannot_be_read_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "outputs", lambda command: ("", "SyntaxError in noxfile"))
    assert matrix.main([]) == 1
    assert "SyntaxError in noxfile" in capsys.readouterr().err


# Interpreters


def program(path: Path, says: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{says}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_a_program_that_only_says_which_versions_there_are_is_no_python(tmp_path: Path) -> None:
    assert interpreters.works(program(tmp_path / "good", "echo 3.13"), "3.13")
    assert not interpreters.works(program(tmp_path / "other", "echo 3.12"), "3.13")
    assert not interpreters.works(program(tmp_path / "shim", "echo 3.13; exit 127"), "3.13")
    assert not interpreters.works(str(tmp_path / "none"), "3.13")


def test_of_pyenv_s_versions_the_newest_comes_first(tmp_path: Path) -> None:
    for name in ("3.13.2", "3.13.10", "3.1.4", "3.13.0-debug"):
        program(tmp_path / name / "bin" / "python", "echo 3.13")
    found = interpreters.of_pyenv("3.13", tmp_path)
    assert [Path(path).parts[-3] for path in found] == ["3.13.10", "3.13.2"]
