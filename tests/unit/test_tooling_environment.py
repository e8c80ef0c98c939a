"""Test how the virtual environment is kept in step, without installing anything."""

import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from scripts import environment, pip_settings
from scripts.environment import CommandError


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Put the environment into an empty folder and record its steps instead of running them."""
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "requirements").mkdir()
    for name in ("audit", "dev", "example", "install", "node"):
        (tmp_path / "requirements" / f"{name}.txt").write_text(f"{name}==1\n")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "TOOLS", tmp_path / ".tools")
    recorded: list[list[str]] = []

    def record(command: list[object], failure: str, variables: object = None) -> str:
        recorded.append([str(part) for part in command])
        if "venv" in command:
            interpreter = Path(str(command[-1]), "bin", "python")
            interpreter.parent.mkdir(parents=True, exist_ok=True)
            interpreter.touch()
        return "global.index-url='https://mirror/simple'\n" if "config" in command else ""

    monkeypatch.setattr(environment, "run_quietly", record)
    return recorded


PINNED = ["--require-hashes", "--requirement"]
PACKAGE = ["--no-deps", "--no-build-isolation", "--editable", "."]


def pinned(name: str) -> str:
    return str(environment.pins(name))


def extras(steps: list[list[str]]) -> list[str]:
    """Return the names of the files that packages were installed from, but for the installer."""
    files = [Path(step[-1]).stem for step in steps if "--require-hashes" in step]
    return [name for name in files if name != "install"]


def test_the_environment_is_made_once(steps: list[list[str]]) -> None:
    assert environment.ensure("example") == environment.python()
    assert [step[1:4] for step in steps] == [
        ["-m", "venv", "--clear"],
        ["-m", "pip", "install"],
        ["-m", "pip", "config"],
        ["pip", "install", "--python"],
        ["pip", "install", "--python"],
    ]
    assert steps[1][4:] == ["--quiet", *PINNED, str(environment.pins("install"))]
    index = ["--index-strategy", "unsafe-best-match", "--default-index", "https://mirror/simple"]
    for step, what in zip(steps[3:], ([*PINNED, pinned("example")], PACKAGE), strict=True):
        assert step[0] == str(environment.VENV / "bin" / "uv")
        assert step[5:] == [*index, *what]
    steps.clear()
    environment.ensure("example")
    assert steps == []


def test_another_extra_is_added_and_an_included_one_is_there(steps: list[list[str]]) -> None:
    environment.ensure("node")
    environment.ensure("dev")
    assert extras(steps) == ["node", "dev"]
    steps.clear()
    environment.ensure("example")
    environment.ensure("node")
    assert steps == []


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements/dev.txt"])
def test_a_changed_file_makes_it_anew(steps: list[list[str]], tmp_path: Path, name: str) -> None:
    environment.ensure("example")
    steps.clear()
    (tmp_path / name).write_text("[project]\nname = 'other'\n")
    environment.ensure("dev")
    assert "--clear" in steps[0]
    assert extras(steps) == ["dev"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"fingerprint": 1}'])
def test_a_broken_stamp_makes_it_anew(steps: list[list[str]], content: str) -> None:
    environment.ensure("example")
    steps.clear()
    (environment.VENV / "installed.json").write_text(content)
    environment.ensure("example")
    assert "--clear" in steps[0]
    assert extras(steps) == ["example"]


def test_a_failed_installation_leaves_no_stamp(
    steps: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(command: list[object], failure: str, variables: object = None) -> str:
        raise CommandError(failure)

    with monkeypatch.context() as patch:
        patch.setattr(environment, "run_quietly", fail)
        with pytest.raises(CommandError):
            environment.ensure("example")
    environment.ensure("example")
    assert "--clear" in steps[0]
    assert extras(steps) == ["example"]


@pytest.mark.parametrize(
    ("failing", "says"),
    [
        ("install.txt", "pip could not install uv. pip does it instead"),
        ("config", "pip could not tell its settings. pip does it instead"),
        ("--python", "uv could not install the packages. pip does it instead"),
    ],
)
def test_pip_installs_where_uv_cannot(
    steps: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    failing: str,
    says: str,
) -> None:
    record = environment.run_quietly

    def fail(command: list[str], failure: str, variables: Any = None) -> str:
        if failing in {Path(part).name for part in command}:
            raise CommandError(f"The reason.\n\n{failure}")
        return record(command, failure, variables)

    monkeypatch.setattr(environment, "run_quietly", fail)
    environment.ensure("example")
    assert says in capsys.readouterr().out
    assert [step[1:] for step in steps[-2:]] == [
        ["-m", "pip", "install", "--quiet", *PINNED, pinned("example")],
        ["-m", "pip", "install", "--quiet", *PACKAGE],
    ]


def test_pip_installs_where_its_settings_are_none_of_uv_s(
    steps: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*arguments: object) -> None:
        raise pip_settings.UntranslatableError("target")

    monkeypatch.setattr(pip_settings, "translated", refuse)
    environment.ensure("example")
    assert "pip's setting target is none of uv's" in capsys.readouterr().out
    assert [step[1:] for step in steps[-2:]] == [
        ["-m", "pip", "install", "--quiet", *PINNED, pinned("example")],
        ["-m", "pip", "install", "--quiet", *PACKAGE],
    ]


@pytest.mark.parametrize(
    "other",
    [("python", "/folder", b"B"), ("other", "/folder", b"A"), ("python", "/moved", b"A")],
)
def test_the_fingerprint_covers_each_part(other: tuple[str, str, bytes]) -> None:
    assert environment.fingerprint("python", "/folder", b"A") != environment.fingerprint(*other)


def test_the_fingerprint_keeps_its_parts_apart() -> None:
    assert environment.fingerprint("ab", "c") != environment.fingerprint("a", "bc")
    assert environment.fingerprint("", "", b"ab") != environment.fingerprint("", "", b"a", b"b")


def test_variables_that_lead_elsewhere_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "PIP_TARGET", "PYTHONDONTWRITEBYTECODE", "DJANGO_SETTINGS_MODULE"):
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


def test_the_output_of_a_passing_step_is_handed_back() -> None:
    command = [sys.executable, "-c", "print('told')"]
    assert environment.run_quietly(command, "It failed.") == "told\n"


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


# What pip is configured with

LISTING = """
WARNING: something that is no setting
:env:.cert='/certificates.pem'
:env:.no-input='1'
freeze.timeout='10'
global.cert='/another.pem'
global.constraint='/constraints.txt'
global.default-timeout='180'
global.extra-index-url='file:///one https://two/simple'
global.index-url='https://mirror/simple'
global.no-index='false'
install.find-links='/wheels\\n/more'
"""


def test_uv_is_told_what_pip_is_configured_with() -> None:
    settings = pip_settings.translated(LISTING, {})
    options = list(zip(settings.options[::2], settings.options[1::2], strict=True))
    assert sorted(options) == [
        ("--constraint", "/constraints.txt"),
        ("--default-index", "https://mirror/simple"),
        ("--find-links", "/more"),
        ("--find-links", "/wheels"),
        ("--index", "file:///one"),
        ("--index", "https://two/simple"),
        ("--index-strategy", "unsafe-best-match"),
    ]
    assert settings.variables == {"SSL_CERT_FILE": "/certificates.pem", "UV_HTTP_TIMEOUT": "180"}


def test_an_installation_without_an_index_has_none_with_uv() -> None:
    assert "--no-index" in pip_settings.translated(":env:.no-index='yes'", {}).options


def test_what_uv_does_not_have_is_refused() -> None:
    with pytest.raises(pip_settings.UntranslatableError, match="only-binary"):
        pip_settings.translated("install.only-binary=':all:'", {})


@pytest.mark.parametrize(
    ("environ", "variables"),
    [
        ({"REQUESTS_CA_BUNDLE": "/bundle"}, {"SSL_CERT_FILE": "/bundle"}),
        ({"SSL_CERT_FILE": "/bundle"}, {}),
        ({}, {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}),
    ],
    ids=["of requests", "of all", "of the system"],
)
def test_uv_trusts_whom_pip_trusts(environ: dict[str, str], variables: dict[str, str]) -> None:
    assert pip_settings.translated("", environ).variables == variables
