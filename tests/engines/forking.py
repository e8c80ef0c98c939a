"""Management commands as forks of one process that has loaded Django: a second less for each.

As a program it is that process: it reads orders from the socket whose number it is given, until
the other side is closed. A fork is like a process of its own: it has the terminal or the pipes that
came with the order, a process id, signals, an exit status, and it ends as Python ends.
"""

import contextlib
import gc
import json
import os
import random
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_MOST_BYTES = 65_536


class ForkedCommand:
    """A command that runs or has run; it is used like a ``subprocess.Popen``.

    Args:
        news: a pipe that tells first the process id, then the exit status.

    Attributes:
        returncode: None while it runs.
    """

    def __init__(self, news: int) -> None:
        self._news = os.fdopen(news, encoding="ascii")
        self.pid = int(self._news.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, None while it runs; that of a signal is negative."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, at most so many seconds; return the exit status."""
        if self.returncode is None:
            if not select.select([self._news], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a forked command", timeout or 0)
            self.returncode = int(self._news.readline())
            self._news.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class ForkServer:
    """The process that is forked, until `close` is called.

    Args:
        environment: its variables, with the settings of Django.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        # Each order arrives whole, with its file descriptors.
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.acceptance.forking", str(theirs.fileno())],
                env=dict(environment),
                pass_fds=[theirs.fileno()],
            )

    def close(self) -> None:
        """End it; commands that run go on."""
        self._orders.close()
        self._process.wait(60)

    def on_terminal(
        self, arguments: Sequence[str], terminal: int, **variables: str
    ) -> ForkedCommand:
        """Start a command whose controlling terminal is a file descriptor of the caller."""
        return self._start(arguments, [terminal], variables)

    def in_pipes(self, arguments: Sequence[str], out: int, errors: int) -> ForkedCommand:
        """Start a command that writes into file descriptors of the caller, and reads nothing."""
        with Path(os.devnull).open("rb") as nothing:
            return self._start(arguments, [nothing.fileno(), out, errors], {})

    def _start(
        self, arguments: Sequence[str], files: list[int], variables: dict[str, str]
    ) -> ForkedCommand:
        news, told = os.pipe()
        order = json.dumps({"arguments": [*arguments], "variables": variables}).encode()
        try:
            socket.send_fds(self._orders, [order], [told, *files])
        finally:
            os.close(told)
        return ForkedCommand(news)


def main() -> None:
    """Load Django, then fork for each order."""
    import django  # noqa: PLC0415  (the side of the tests needs it not)

    django.setup()
    _load_the_rest()
    gc.freeze()  # what is loaded stays, so that no fork looks through it or clears it away
    orders = socket.socket(fileno=int(sys.argv[1]))
    while True:
        order, files, _, _ = socket.recv_fds(orders, _MOST_BYTES, 4)
        if not order:
            return
        if os.fork() == 0:
            orders.close()
            _nurse(json.loads(order), *files)
            return
        for file in files:
            os.close(file)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue  # one more has ended; nobody asks how


def _load_the_rest() -> None:
    """Load what a command would load by itself."""
    from django.core import checks  # noqa: PLC0415  (needs Django to be set up)
    from django.template.loader import get_template  # noqa: PLC0415

    from liveops.management.commands import run_liveop  # noqa: F401, PLC0415

    checks.run_checks()
    folder = ROOT / "liveops" / "templates"
    for path in folder.rglob("*.*"):
        get_template(str(path.relative_to(folder)))


def _nurse(order: dict[str, Any], news: int, *files: int) -> None:
    """Fork once more, and tell how the command ends: whoever gave the order is not its parent."""
    if (pid := os.fork()) == 0:
        os.close(news)
        _be(order, *files)
        return
    for file in files:
        os.close(file)
    os.write(news, b"%d\n" % pid)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(BrokenPipeError):  # nobody wants to know any more
        os.write(news, b"%d\n" % status)
    os._exit(0)


def _be(order: dict[str, Any], *files: int) -> None:
    """Be the command: what it raises ends this process, as it ends any other."""
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    if len(files) == 1:
        os.login_tty(files[0])
    else:
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
    os.environ.update(order["variables"])
    random.seed()
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = _output(1)
    sys.stderr = _output(2)
    # Django's own name for itself when it is called by ``python -m django``.
    sys.argv = ["__main__.py", *order["arguments"]]
    execute_from_command_line()


def _output(number: int) -> Any:
    """Return a text file for an output, made as Python makes its own."""
    errors = "surrogateescape" if number == 1 else "backslashreplace"
    lines = 1 if number == 2 or os.isatty(number) else -1
    return os.fdopen(number, "w", lines, "utf-8", errors, closefd=False)


if __name__ == "__main__":
    main()
