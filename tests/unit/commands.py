"""What the tests of commands share: somebody who watches one, and looks whether all is tidy."""

import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from liveops.commands.process import CommandResult, stream
from tests.unit.helpers import PATIENCE

FOREVER = 1_000_000.0
"""Seconds that no test waits for: what they limit must not be needed."""


def python(code: str, *arguments: str) -> list[str]:
    """Return the command that runs this code with the interpreter of the tests."""
    return [sys.executable, "-u", "-c", code, *arguments]


def python_line(code: str) -> str:
    """Return the same for use in a line for the shell."""
    return shlex.join(python(code))


def is_gone(pid: int) -> bool:
    """Whether the process runs no more; who reaps an orphan is not our business."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(true: Callable[[], object]) -> None:
    """Wait for another process, by looking until it has done what is expected."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        os.sched_yield()


class Watcher:
    """Note what a command gives, and do things at exact moments of its run.

    ``reactions`` maps a text to what is done when the output holds it for the first time, and
    ``when_pulsed`` is done at each pulse.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.batches = 0
        self.pulses = 0
        self.wake: Callable[[], None] = lambda: None
        self.registered = 0
        self.reactions: dict[str, Callable[[], object]] = {}
        self.when_pulsed: Callable[[], object] = lambda: None
        self._deadline = time.monotonic() + 3 * PATIENCE

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def pid(self, name: str) -> int:
        """Return the number that a process printed after this name."""
        return next(int(line.split()[1]) for line in self.lines if line.startswith(f"{name} "))

    def on_lines(self, lines: list[str]) -> None:
        assert lines
        self.lines += lines
        self.batches += 1
        for text in [text for text in self.reactions if text in self.text]:
            self.reactions.pop(text)()

    def on_stop(self, wake: Callable[[], None]) -> Callable[[], None]:
        self.wake = wake
        self.registered += 1
        return self._forget

    def _forget(self) -> None:
        self.registered -= 1

    def pulse(self) -> None:
        self.pulses += 1
        assert time.monotonic() < self._deadline, f"still running after {self.lines[-5:]}"
        self.when_pulsed()

    def run(self, command: Any, **options: Any) -> CommandResult:
        """Run the command, and see that neither a file nor a process is left open."""
        process = psutil.Process()
        files, children = process.num_fds(), process.children()
        try:
            return stream(
                command,
                on_lines=self.on_lines,
                on_stop=self.on_stop,
                pulse=self.pulse,
                **options,
            )
        finally:
            wait_until(lambda: process.num_fds() <= files)
            assert set(process.children()) <= set(children)
            assert self.registered == 0


class Gate:
    """Holds a command up until the test lets it go on: ``read x < gate`` in its script."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "gate"
        os.mkfifo(self.path)
        self._opened = False

    def __str__(self) -> str:
        return shlex.quote(str(self.path))

    def open(self) -> None:
        """Let the command go on; waits until it has come to the gate. Once is enough."""
        if self._opened:
            return
        self._opened = True
        self.path.write_text("go\n", encoding="utf-8")


def fail(error: BaseException) -> Callable[[], None]:
    """Return a function that raises this error."""

    def raise_it() -> None:
        raise error

    return raise_it
