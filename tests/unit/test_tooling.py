"""Test how the two commands find and bring what they need, without installing anything."""

import ast
import os
import shutil
import sys
import threading
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


# The virtual environment


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Put the environment into an empty folder and record its steps instead of running them."""
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    recorded: list[list[str]] = []

    def record(command: list[object], failure: str) -> None:
        recorded.append([str(part) for part in command])
        environment.python().parent.mkdir(parents=True, exist_ok=True)
        environment.python().touch()

    monkeypatch.setattr(environment, "run_quietly", record)
    return recorded


def test_the_environment_is_made_once(steps: list[list[str]]) -> None:
    assert environment.ensure("example") == environment.python()
    assert [step[1:3] for step in steps] == [["-m", "venv"], ["-m", "pip"]]
    assert steps[1][-1] == ".[example]"
    steps.clear()
    environment.ensure("example")
    assert steps == []


def test_another_extra_is_added_and_an_included_one_is_there(steps: list[list[str]]) -> None:
    environment.ensure("node")
    environment.ensure("dev")
    assert [step[-1] for step in steps[1:]] == [".[node]", ".[dev]"]
    steps.clear()
    environment.ensure("example")
    environment.ensure("node")
    assert steps == []


def test_a_changed_pyproject_makes_it_anew(steps: list[list[str]], tmp_path: Path) -> None:
    environment.ensure("example")
    steps.clear()
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    environment.ensure("dev")
    assert "--clear" in steps[0]
    assert len(steps) == 2


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"fingerprint": 1}'])
def test_a_broken_stamp_makes_it_anew(steps: list[list[str]], content: str) -> None:
    environment.ensure("example")
    steps.clear()
    (environment.VENV / "installed.json").write_text(content)
    environment.ensure("example")
    assert len(steps) == 2


def test_a_failed_installation_leaves_no_stamp(
    steps: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(command: list[object], failure: str) -> None:
        raise CommandError(failure)

    with monkeypatch.context() as patch:
        patch.setattr(environment, "run_quietly", fail)
        with pytest.raises(CommandError):
            environment.ensure("example")
    environment.ensure("example")
    assert len(steps) == 2


@pytest.mark.parametrize(
    "other",
    [(b"B", "python", "/folder"), (b"A", "other", "/folder"), (b"A", "python", "/moved")],
)
def test_the_fingerprint_covers_each_part(other: tuple[bytes, str, str]) -> None:
    assert environment.fingerprint(b"A", "python", "/folder") != environment.fingerprint(*other)


def test_the_fingerprint_keeps_its_parts_apart() -> None:
    assert environment.fingerprint(b"", "ab", "c") != environment.fingerprint(b"", "a", "bc")


def test_variables_that_lead_elsewhere_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "PIP_TARGET", "DJANGO_SETTINGS_MODULE"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("PIP_INDEX_URL", "kept")
    variables = environment.clean_environ()
    assert "elsewhere" not in variables.values()
    assert variables["PIP_INDEX_URL"] == "kept"


def test_a_failing_step_shows_what_it_said() -> None:
    command = [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"]
    with pytest.raises(CommandError, match="the reason\n\nIt failed"):
        environment.run_quietly(command, "It failed.")


def test_a_passing_step_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    environment.run_quietly([sys.executable, "-c", "print('noise')"], "It failed.")
    assert capfd.readouterr() == ("", "")


def test_a_second_command_waits_for_the_first(tmp_path: Path) -> None:
    order = []
    waiting = threading.Event()

    def second() -> None:
        with environment.lock(tmp_path / "lock", lambda text: waiting.set()):
            order.append("second")

    thread = threading.Thread(target=second)
    with environment.lock(tmp_path / "lock"):
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps: list[list[str]] = []
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
