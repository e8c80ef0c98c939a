"""`run_liveop` in a process of its own, in a pipe or on a terminal, and files of what it prints.

The processes are forks of one that has loaded Django; `test_terminal.py` starts whole ones.
"""

import difflib
import os
import re
import shlex
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.conftest import EXAMPLE, ROOT
from tests.acceptance.databases import migrated
from tests.acceptance.forked_commands import CommandServer
from tests.acceptance.terminal import DEADLINE, Terminal

SETTINGS = "tests.textapp.settings"
GOLDEN = Path(__file__).with_name("golden")
WRITE = "LIVEOPS_WRITE_GOLDEN"
"""Environment variable that has the files written instead of compared."""

_LOOKS = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
_TOOK = r"< 0\.1 s\b|\b\d\.\d s\b|\b\d+:\d\d\b"
_NORMAL: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # At the end of a line it stands in a column, whose edge stays where it is.
    (re.compile(rf" +(?:{_TOOK})$", re.MULTILINE), lambda found: "#:##".rjust(len(found[0]))),
    (re.compile(_TOOK), "#:##"),
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\d[\d,.]* (?:\w+/s|s/\w+), "), ""),  # the rate, once one is known
    # A machine that is slow gets to show the progress more often.
    (re.compile(r"(?:^  Saving: \d+ % .*\n)+(?=  Saving: )", re.MULTILINE), ""),
    (re.compile(r"^Traceback .*^(?=liveops\.)", re.MULTILINE | re.DOTALL), "<traceback>\n"),
)


class TextMode:
    """A place to run operations of the text mode: settings, a database, a ``python`` to call.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self._database = migrated(folder, SETTINGS, login=False)
        programs = folder / "bin"
        programs.mkdir()
        # It tells what it was called with.
        python = programs / "python"
        python.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n", encoding="utf-8")
        python.chmod(0o755)
        self._environment = {name: os.environ[name] for name in os.environ.keys() - _LOOKS} | {
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "LIVEOPS_TEST_DB": str(self._database),
            "PATH": os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)]),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(EXAMPLE)]),
            "PYTHONUTF8": "1",
        }
        self._server = CommandServer(self._environment)

    def close(self) -> None:
        """End the process that was forked."""
        self._server.close()

    def django(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command in pipes."""
        (out, writing_out), (errors, writing_errors) = os.pipe(), os.pipe()
        process = self._server.in_pipes(arguments, writing_out, writing_errors)
        os.close(writing_out)
        os.close(writing_errors)
        with ThreadPoolExecutor(2) as pool:
            said, complained = pool.map(_read, (out, errors))
        return subprocess.CompletedProcess(arguments, process.wait(DEADLINE), said, complained)

    def shell(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run what somebody may have typed, in pipes: a shell takes it to pieces."""
        words = subprocess.run(  # noqa: S602  (the line is the test's own)
            line,
            shell=True,
            env=self._environment,
            text=True,
            capture_output=True,
            timeout=DEADLINE,
            check=True,
        ).stdout.split("\0")
        assert words[:2] == ["-m", "django"], line
        assert words.pop() == ""
        return self.django(*words[2:])

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run an operation in pipes."""
        return self.django("run_liveop", *arguments)

    def terminal(self, *arguments: str, columns: int = 80, name: str = "run_liveop") -> Terminal:
        """Start an operation on a terminal, or another command."""
        command = [name, *arguments]
        return Terminal(
            lambda file: self._server.on_terminal(command, file, TERM="xterm-256color"),
            columns=columns,
        )

    def newest(self, *columns: str) -> tuple[object, ...]:
        """Return columns of the newest operation."""
        query = f"SELECT {', '.join(columns)} FROM liveops_liveoperation ORDER BY created_on DESC"  # noqa: S608  (the names of columns are the test's own)
        with closing(sqlite3.connect(self._database)) as database:
            row: tuple[object, ...] = database.execute(query).fetchone()
            return row

    def count(self) -> int:
        """Return how many operations there are."""
        number = self.newest("(SELECT COUNT(*) FROM liveops_liveoperation)")[0]
        return int(str(number))


def _read(file: int) -> str:
    with os.fdopen(file, encoding="utf-8") as pipe:
        return pipe.read()


def in_pipes(arguments: Sequence[str], done: subprocess.CompletedProcess[str]) -> str:
    """Return all that a process printed to pipes, as it is compared."""
    errors = f"----- errors -----\n{done.stderr}" if done.stderr else ""
    return normal(_headed(arguments, done.returncode, done.stdout + errors))


def on_terminal(arguments: Sequence[str], status: int, terminal: Terminal) -> str:
    """Return the rows that a process left on its terminal, as they are compared."""
    return normal(_headed(arguments, status, terminal.screen.text))


def normal(text: str) -> str:
    """Return a text without what differs from run to run; times keep their width."""
    for pattern, replacement in _NORMAL:
        text = pattern.sub(replacement, text)
    return text


def compare(name: str, text: str, folder: Path = GOLDEN) -> None:
    """Compare a text with a file, or write the file if the environment asks for it."""
    path = folder / f"{name}.txt"
    if os.environ.get(WRITE):
        path.write_text(text, encoding="utf-8")
    wanted = path.read_text(encoding="utf-8").splitlines()
    lines = difflib.unified_diff(wanted, text.splitlines(), path.name, "printed", lineterm="")
    if difference := "\n".join(lines):
        pytest.fail(f"{difference}\n\nIf this is right, run the test with {WRITE}=1.", False)


def _headed(arguments: Sequence[str], status: int, text: str) -> str:
    return f"run_liveop {shlex.join(arguments)}\nexit status {status}\n----- output -----\n{text}"
