"""Test how the commands find Python, Chromium and Node.js, without installing anything."""

import ast
import os
import shutil
from pathlib import Path

import pytest

from scripts import ensure_parts, environment, start
from scripts.environment import CommandError

ROOT = Path(__file__).resolve().parents[2]


# The interpreter


def test_the_first_file_reads_in_any_python_3() -> None:
    ast.parse((ROOT / "scripts/start.py").read_text(), feature_version=(3, 5))


@pytest.mark.parametrize(
    ("version", "lacks", "found", "says"),
    [
        ((3, 9), set(), set(), "Python 3.9 is too old: 3.11 or newer is needed. Install a newer"),
        ((3, 10), set(), {"python3.11", "python3.13"}, "make PYTHON=python3.13"),
        ((3, 11), {"ensurepip"}, set(), "apt install python3-venv"),
        ((3, 12), {"venv"}, set(), "apt install python3-venv"),
        ((3, 12), {"sqlite3"}, set(), "without the module sqlite3"),
    ],
)
def test_a_python_that_will_not_do_gets_a_sentence(
    version: tuple[int, int], lacks: set[str], found: set[str], says: str
) -> None:
    assert says in start.complaint(version, lacks, found)


def test_a_python_that_will_do_gets_none() -> None:
    assert start.complaint((3, 11), set(), set()) == ""
    assert start.complaint((3, 14), set(), {"python3.11"}) == ""


def test_missing_modules_are_found_by_importing() -> None:
    assert start.missing_modules(("os", "no_such_module")) == {"no_such_module"}


def test_a_complaint_ends_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "missing_modules", lambda: {"ensurepip"})
    assert start.main(["demo"]) == 1
    assert "apt install python3-venv" in capsys.readouterr().err


# Chromium and Node.js


def which(*known: str) -> ensure_parts.Which:
    return lambda name: next((path for path in known if name in {path, Path(path).name}), None)


def test_chromium_is_found_by_variable_then_by_name() -> None:
    both = which("/opt/mine", "/usr/bin/chromium", "/usr/bin/google-chrome")
    assert ensure_parts.find_chromium({"CHROMIUM": "/opt/mine"}, both) == "/opt/mine"
    assert ensure_parts.find_chromium({"CHROMIUM": ""}, both) == "/usr/bin/chromium"
    assert ensure_parts.find_chromium({}, which("/usr/bin/chromium-browser")) is not None
    assert ensure_parts.find_chromium({}, which()) is None


def test_a_chromium_that_cannot_be_run_is_named() -> None:
    with pytest.raises(CommandError, match="CHROMIUM=/no/such"):
        ensure_parts.find_chromium({"CHROMIUM": "/no/such"}, which("/usr/bin/chromium"))


def test_a_missing_chromium_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensure_parts, "find_chromium", lambda variables: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CommandError, match="apt-get install -y --no-install-recommends chromium"):
        ensure_parts.ensure_chromium()


def test_a_missing_chromium_is_installed_where_that_may_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steps: list[list[str]] = []
    monkeypatch.setattr(ensure_parts, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(environment, "run_quietly", lambda step, *rest: steps.append(step))
    found = {False: None, True: "/found"}
    monkeypatch.setattr(ensure_parts, "find_chromium", lambda variables: found[bool(steps)])
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert ensure_parts.ensure_chromium() == "/found"
    assert [step[:2] for step in steps] == [["apt-get", "update"], ["apt-get", "install"]]


@pytest.mark.parametrize(
    ("text", "version"), [("v20.11.1\n", 20), ("v9.0.0", 9), ("", 0), ("what", 0)]
)
def test_the_version_of_node_is_read(text: str, version: int) -> None:
    assert ensure_parts.node_version(text) == version


def test_without_node_a_python_package_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\necho /wheel\n")
    interpreter.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(environment, "ensure", lambda extra: interpreter)
    npm, variables = ensure_parts.ensure_node()
    assert npm == ["/wheel/bin/node", "/wheel/lib/node_modules/npm/bin/npm-cli.js"]
    assert variables["PATH"].startswith("/wheel/bin:")
