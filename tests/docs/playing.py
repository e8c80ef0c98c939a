"""Play the terminal sessions of the pages, and compare what they print with what is written."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path

from tests.docs.pages import Command, sessions

ROOT = Path(__file__).resolve().parents[2]
HOME = "/srv"
"""The folder that the pages speak of."""

PATIENCE = 120
"""Seconds until a page that hangs is given up."""

Typist = Callable[[list[str], Path], list[str]]

ANYTHING = "…"
"""A line that stands for one or more lines."""

_MARK = "\x1e"
# `python` is this interpreter, and a mark does not change what `$?` is.
_PRELUDE = f"""
python() {{ "$DOCS_PYTHON" "$@"; }}
mark() {{ docs_status=$?; printf '{_MARK}'; return $docs_status; }}
"""

_CHANGING = (
    (re.compile(r"^(\[\d\d:\d\d:\d\d\]| {10}) "), "[time] "),  # once a second, else blanks
    (re.compile(r"\s+\w+\.py:\d+$"), ""),  # the place in the source behind a log line
    (re.compile(r"\d:\d\d:\d\d\.\d{6}"), "0:00:00.000000"),
    (re.compile(r" +(< 0\.1 s|\b\d\.\d s|\b\d+:\d\d)$"), " 0:00"),  # in a column
    (re.compile(r"< 0\.1 s\b|\b\d\.\d s\b|\b\d+:\d\d\b(?!:)"), "0:00"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<id>"),
)


class Player:
    """Plays each page once, all its sessions in their order, in a folder of its own.

    Args:
        folder: where these folders are made; a short path, for lines are broken at 80 columns.
        prepare: fills a page's folder before its first session.
        typist: carries out commands in a folder, and returns what each of them printed.
    """

    def __init__(self, folder: Path, prepare: Callable[[Path], None], typist: Typist) -> None:
        self._folder = folder
        self._prepare = prepare
        self._typist = typist
        self._played: dict[str, list[list[list[str]]]] = {}

    def printed(self, page: str) -> list[list[list[str]]]:
        """Return the lines that each command of each session of a page printed."""
        if page not in self._played:
            folder = self._folder / str(len(self._played))
            folder.mkdir()
            self._prepare(folder)
            self._played[page] = self._play(sessions(page), folder)
        return self._played[page]

    def complaints(self, page: str, number: int) -> list[str]:
        """Return what is written in a session of a page and not printed; nothing if all is well."""
        commands, printed = sessions(page)[number], self.printed(page)[number]
        pairs = zip(commands, printed, strict=True)
        found = [(one.line, difference(one.printed, lines)) for one, lines in pairs]
        return [f"$ {line}\n{problem}" for line, problem in found if problem is not None]

    def _play(self, played: list[tuple[Command, ...]], folder: Path) -> list[list[list[str]]]:
        lines = [command.line for session in played for command in session]
        printed = iter(self._typist(lines, folder))
        return [
            [next(printed).replace(str(folder), HOME).splitlines() for _ in session]
            for session in played
        ]


def type_into_shell(lines: list[str], folder: Path) -> list[str]:
    """Type commands into a shell, in which every ``python`` is a process of its own."""
    script = _PRELUDE + "".join(f"mark\n{line}\n" for line in lines)
    command = [shutil.which("sh") or "/bin/sh", "-c", script]
    before, *printed = _output(command, folder).split(_MARK)
    assert not before, f"The shell complains: {before}"
    assert len(printed) == len(lines), f"A command ended the shell: {printed[-1]}"
    return printed


def type_into_site(lines: list[str], folder: Path) -> list[str]:
    """Type commands in the folder of a site, in which every ``manage.py`` is a fork."""
    command = [sys.executable, str(Path(__file__).with_name("forking.py"))]
    printed: list[str] = json.loads(_output(command, folder, json.dumps(lines)))
    return printed


def _output(command: list[str], folder: Path, given: str = "") -> str:
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return subprocess.run(
        command,
        input=given,
        cwd=folder,
        env={
            **kept,
            "COLUMNS": "80",
            "DOCS_PYTHON": sys.executable,
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "1",
            "PYTHONWARNINGS": "error",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    ).stdout


def steady(lines: Sequence[str]) -> list[str]:
    """Return lines without what differs from one run to another: times, ids, trailing blanks."""
    return [
        reduce(lambda text, change: change[0].sub(change[1], text), _CHANGING, line).rstrip()
        for line in lines
    ]


def difference(written: Sequence[str], printed: Sequence[str]) -> str | None:
    """Return what of a page was not printed, in words; None if all is as written.

    Without a line of :data:`ANYTHING` both have to be equal, line by line. With some, what stands
    before, between and after them has to be there, in this order and unbroken, and nothing else.
    """
    parts = _parts(steady(written))
    rest = steady(printed)
    if len(parts) == 1:
        return None if parts[0] == rest else _report(parts[0], printed)
    first, *middle, last = parts
    if rest[: len(first)] != first:
        return _report(first, printed)
    rest = rest[len(first) :]
    for part in middle:
        # From 1 on: what was left out is a line at least.
        places = [n for n in range(1, len(rest)) if rest[n : n + len(part)] == part]
        if not places:
            return _report(part, printed)
        rest = rest[places[0] + len(part) :]
    if len(rest) <= len(last) or rest[len(rest) - len(last) :] != last:
        return _report(last, printed)
    return None


def _parts(lines: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in lines:
        if line.strip() == ANYTHING:
            parts.append([])
        else:
            parts[-1].append(line)
    return parts


def _report(part: Sequence[str], printed: Sequence[str]) -> str:
    return "\n".join(("The page says:", *part, "", "What is printed:", *printed))
