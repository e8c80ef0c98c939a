"""Test what the commands of the Makefile do once everything that they need is there."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import demo, ensure_parts, environment, lint
from scripts import test as suite
from scripts.environment import CommandError

ROOT = Path(__file__).resolve().parents[2]

# The demo


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server((demo.HOST, 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((demo.HOST, 0))
        return int(probe.getsockname()[1])


def test_a_busy_port_is_told_before_anything_slow(
    busy_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "ensure", lambda extra: pytest.fail("it installed first"))
    assert demo.main(["--port", str(busy_port)]) == 1
    message = capsys.readouterr().err
    assert f"Port {busy_port} on 127.0.0.1 is in use" in message
    (offer,) = re.findall(r"make demo PORT=(\d+)", message)
    assert demo.port_complaint(int(offer)) == ""


@pytest.mark.parametrize("port", ["0", "70000", "-1", "", "eighty"])
def test_what_is_no_port_is_told(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main([f"--port={port}"]) == 1
    assert "is not a" in capsys.readouterr().err


def test_a_free_port_is_taken(free_port: int) -> None:
    assert demo.port_complaint(free_port) == ""


DRIVER = """
import sys
from scripts import demo, environment
environment.ensure = lambda extra: sys.executable
environment.python = lambda: sys.executable
sys.exit(demo.main(sys.argv[1:]))
"""


def test_the_demo_serves_its_login_page_and_ends_on_ctrl_c(tmp_path: Path, free_port: int) -> None:
    variables = environment.clean_environ() | {
        "EXAMPLE_DB": str(tmp_path / "db.sqlite3"),
        "EXAMPLE_MEDIA": str(tmp_path / "media"),
    }
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, "--port", str(free_port)],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            output = read_until(process, "Ctrl-C", seconds=60)
            assert f"http://127.0.0.1:{free_port}/" in output
            with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/login/") as page:
                assert "demo" in page.read().decode()
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0
    assert rest.decode().strip() == "The demo has ended."
    assert demo.port_complaint(free_port) == ""


def read_until(process: "subprocess.Popen[bytes]", text: str, seconds: float) -> str:
    """Return what `process` printed, up to the line that holds `text`."""
    assert process.stdout is not None
    deadline, output = time.monotonic() + seconds, b""
    while text not in output.decode(errors="replace"):
        ready, _, _ = select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))
        chunk = os.read(process.stdout.fileno(), 65536) if ready else b""
        if not chunk:
            pytest.fail(f"{text!r} did not come; it printed: {output.decode(errors='replace')}")
        output += chunk
    return output.decode()


# The Makefile and lint


def test_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (targets,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    listed = re.findall(r'^\t@echo "make (\w+) ', makefile, re.MULTILINE)
    assert [*listed, "help"] == [*targets.split()[1:], "help"]
    assert set(targets.split()) == set(re.findall(r"^(\w+):$", makefile, re.MULTILINE))


def test_continuous_integration_calls_exactly_make_test() -> None:
    lines = (ROOT / ".ci/run").read_text().splitlines()
    assert [line for line in lines if line.startswith("make")] == ["make test"]
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_lint_finds_the_templates(tmp_path: Path) -> None:
    for name in ("liveops/templates/liveops/a.html", "liveops/static/b.html", "docs/c.html"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.touch()
    assert lint.templates(tmp_path) == ["liveops/templates/liveops/a.html"]


def test_a_failed_check_fails_lint_and_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = [lint.Check(name, [name], {}) for name in ("true", "false")]
    monkeypatch.setattr(lint, "types", lambda python: lint.Check("types", ["true"], {}))
    monkeypatch.setattr(lint, "checks", lambda *arguments, **options: commands)
    monkeypatch.setattr(ensure_parts, "ensure_node_modules", lambda: ([], {}))
    assert lint.lint("python") is False
    assert re.search(r"types +ok .*\ntrue +ok .*\nfalse +FAILED", capsys.readouterr().out)
    commands.pop()
    assert lint.lint("python") is True


def test_a_check_that_passed_shows_only_what_it_is_meant_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ["printf", "# tests 3\n# pass 3\n"]
    commands = [lint.Check("one", said, {}), lint.Check("two", said, {}, shows="# pass")]
    monkeypatch.setattr(lint, "types", lambda python: commands[0])
    monkeypatch.setattr(lint, "checks", lambda *arguments, **options: commands[1:])
    monkeypatch.setattr(ensure_parts, "ensure_node_modules", lambda: ([], {}))
    assert lint.lint("python") is True
    one, two, told = capsys.readouterr().out.splitlines()
    assert (one[:3], two[:3], told) == ("one", "two", "# pass 3")


def test_the_suite_tests_javascript_and_leaves_the_structure_to_pytest() -> None:
    alone = {check.title for check in lint.checks("python", ["npm"], {})}
    whole = {check.title for check in lint.checks("python", ["npm"], {}, in_suite=True)}
    assert alone - whole == {"structure", "types, by pyright"}
    assert whole - alone == {"JavaScript tests", "collection"}


def test_pyright_begins_beside_mypy_and_reads_the_packages_of_the_environment() -> None:
    first = lint.checks("venv/bin/python", ["npm"], {})[0]
    assert first.title == "types, by pyright"
    assert first.command[-2:] == ["--pythonpath", "venv/bin/python"]


@pytest.mark.parametrize(
    "body", ["assert(true)", "assert(false)", "missing.at()", "await import('x')"]
)
def test_all_files_of_javascript_run_and_each_may_fail(tmp_path: Path, body: str) -> None:
    folder = tmp_path / "tests" / "js"
    folder.mkdir(parents=True)
    head = 'import test from "node:test"; import assert from "node:assert";'
    for name, inner in {"a": "assert(true)", "b": body, "c": "assert(true)"}.items():
        text = f'{head} test("{name} runs", async () => {{ {inner} }});'
        (folder / f"{name}.test.mjs").write_text(text, encoding="utf-8")
    _, variables = ensure_parts.ensure_node()
    status, _, output = lint.javascript_tests(variables, tmp_path).run()
    assert (status == 0) == (body == "assert(true)"), output
    assert all(f"{name} runs" in output for name in "abc")


def test_a_file_of_javascript_that_cannot_be_read_fails(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "js"
    folder.mkdir(parents=True)
    (folder / "a.test.mjs").write_text("this is none", encoding="utf-8")
    _, variables = ensure_parts.ensure_node()
    assert lint.javascript_tests(variables, tmp_path).run()[0] != 0


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Have every part at hand, and record what the suite runs; "nothing" collects nothing."""
    monkeypatch.setattr(environment, "ensure", lambda extra: Path("python"))
    monkeypatch.setattr(ensure_parts, "ensure_chromium", lambda: "/chromium")
    monkeypatch.setattr(ensure_parts, "ensure_engines", lambda: {"REDIS_SERVER": "/redis"})
    monkeypatch.setattr(ensure_parts, "ensure_proxies", lambda: {"NGINX": "/nginx"})
    monkeypatch.setattr(ensure_parts, "ensure_node_modules", lambda: (["npm"], {}))
    monkeypatch.setattr(lint, "lint", lambda python, *, in_suite: in_suite)
    recorded: list[list[str]] = []

    def record(command: list[str], variables: dict[str, str]) -> int:
        recorded.append(command)
        return 5 if "nothing" in command else 0

    monkeypatch.setattr(environment, "run_loudly", record)
    return recorded


def test_the_suite_ends_with_pytest(ran: list[list[str]]) -> None:
    assert suite.main([]) == 0
    assert [command[0] for command in ran] == ["python", "python"]
    assert [command[4] for command in ran] == ["timing", "not timing"]
    assert "tests/benchmarks/test_ratios.py" in ran[0]
    assert ran[0][5:] == suite.timing_files()


def test_every_test_that_measures_time_is_in_a_file_that_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "deep"
    folder.mkdir(parents=True)
    for name in ("test_quick.py", "test_slow.py", "slow.py"):
        mark = suite.TIMING if "slow" in name else "mark.django_db"
        (folder / name).write_text(f"@pytest.{mark}\ndef test(): ...\n", encoding="utf-8")
    assert suite.timing_files(tmp_path) == ["tests/deep/test_slow.py"]


def test_a_pytest_that_collects_nothing_fails(ran: list[list[str]]) -> None:
    assert suite.main(["nothing"]) == 5


def test_a_failed_lint_ends_the_suite(
    ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lint, "lint", lambda python, *, in_suite: False)
    assert suite.main([]) == 1
    assert ran == []


def test_a_missing_part_ends_the_suite_with_its_sentence(
    ran: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> str:
        raise CommandError("as root: apt-get install chromium")

    monkeypatch.setattr(ensure_parts, "ensure_chromium", fail)
    assert suite.main([]) == 1
    assert "apt-get install chromium" in capsys.readouterr().err
    assert ran == []
