"""`manage.py run_liveop` as people and scripts run it: on a terminal, in a pipe, with signals."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.acceptance.conftest import EXAMPLE, environment, manage
from tests.acceptance.databases import TESTS, migrated

HEADER = "icao,iata,name,city,subd,country,elevation,lat,lon,tz,lid\n"
COMMAND = [sys.executable, str(EXAMPLE / "manage.py"), "run_liveop", "airports.ImportAirports"]
HEADERS = [
    "=== [1/4] Load ===",
    "=== [2/4] Validate ===",
    "=== [3/4] Save ===",
    "=== [4/4] Report ===",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of its own, so that no server of another test writes to it."""
    path = tmp_path_factory.mktemp("terminal")
    migrated(path, "example.settings")
    return path


@pytest.fixture
def airports(tmp_path: Path) -> Path:
    """A small file with one bad row."""
    path = tmp_path / "airports.csv"
    rows = (
        f'"A{n:03}","","Name {n}","City","","DE",1,{n % 90},{n % 180},"UTC",""' for n in range(300)
    )
    bad = '"BAD1","","Nowhere","City","","DE",1,91,0,"UTC",""\n'
    path.write_text(HEADER + "\n".join(rows) + "\n" + bad, encoding="utf-8")
    return path


def last_state(folder: Path) -> tuple[str, str]:
    """Return state and stages of the newest operation."""
    with contextlib.closing(sqlite3.connect(folder / "db.sqlite3")) as database:
        query = "SELECT state, stage_states FROM liveops_liveoperation ORDER BY created_on DESC"
        row: tuple[str, str] = database.execute(query).fetchone()
        return row


def test_in_a_pipe_there_are_plain_lines(folder: Path, airports: Path) -> None:
    arguments = ["--owner", "demo", "--set", f"source={airports}"]
    done = manage(folder, *COMMAND[2:], *arguments)
    assert [line for line in done.stdout.splitlines() if line.startswith("===")] == HEADERS
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert "warning: line 302:" in done.stdout
    assert re.search(r"Validating: \d+ % \(\d+ / 301 rows", done.stdout)
    assert done.stderr == ""
    assert last_state(folder)[0] == "FINISHED_OK"


def test_on_a_terminal_a_bar_with_eta_is_redrawn_below_the_lines(
    folder: Path, airports: Path
) -> None:
    arguments = ["--set", f"source={airports}", "--set", "rows_per_second=150"]
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=environment(folder, TERM="xterm-256color", COLUMNS="120"),
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
    )
    os.close(secondary)
    output = read_to_end(primary)
    assert process.wait(60) == 0, output
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output)
    for header in HEADERS:
        assert plain.count(header) == 1, plain
    assert "\x1b[2K" in output, "the bar is redrawn in place"
    assert re.search(r"Validating .*\d+ % \(\d+ / 301 rows, .*rows/s, ETA \d+:\d\d\)", plain)
    assert "line 302:" in plain


def read_to_end(primary: int) -> str:
    """Return everything that a terminal shows until its program ends."""
    parts: list[bytes] = []
    with contextlib.suppress(OSError):  # Linux's way to say that the other side is closed
        while data := os.read(primary, 65_536):
            parts.append(data)
    os.close(primary)
    return b"".join(parts).decode()


def test_a_failing_file_exits_with_1_and_its_sentence(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(HEADER.replace("lat,", ""), encoding="utf-8")
    done = manage(folder, *COMMAND[2:], "--set", f"source={path}", check=False)
    assert done.returncode == 1
    assert "Failed: " in done.stdout
    assert "lat" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert last_state(folder)[0] == "FINISHED_ERROR"


@pytest.mark.parametrize(
    ("number", "status", "state"),
    [(signal.SIGINT, 130, "CANCELLED"), (signal.SIGTERM, 143, "INTERRUPTED")],
)
def test_signals(folder: Path, airports: Path, number: int, status: int, state: str) -> None:
    process = start(folder, "--set", f"source={airports}", "--set", "rows_per_second=20")
    wait_for(process, "=== [2/4] Validate ===")
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == status, output + errors
    assert last_state(folder) == (state, f'{{"Load": "done", "Validate": "{state.lower()}"}}')
    assert "Traceback" not in output + errors
    assert ("Press Ctrl-C again" in errors) == (number == signal.SIGINT)


def test_a_second_interrupt_stops_what_does_not_listen(folder: Path, tmp_path: Path) -> None:
    database = migrated(tmp_path, TESTS, login=False)
    variables = environment(folder, DJANGO_SETTINGS_MODULE=TESTS, LIVEOPS_TEST_DB=str(database))
    process = subprocess.Popen(
        [sys.executable, "-m", "django", "run_liveop", "testapp.Stubborn"],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(process, "deaf")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert "Press Ctrl-C again" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    with contextlib.closing(sqlite3.connect(database)) as connection:
        row = connection.execute("SELECT state FROM liveops_liveoperation").fetchone()
    assert row == ("INTERRUPTED",)


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start an import with its output in pipes."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Read the output up to a line."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"{text!r} was never printed; {process.communicate(timeout=60)}")
