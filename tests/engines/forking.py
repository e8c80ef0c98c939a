"""Processes as forks of one that has loaded what they need: a second or two less for each.

A fork is like a process of its own: it has the files that came with its order, a process id,
signals, an exit status, and it ends as Python ends. What is loaded, and what a fork then does, is
said by a program such as `tests.engines.programs`.
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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_MOST_BYTES = 200_000
_MOST_FILES = 16


class ForkedProcess:
    """A process that runs or has run; it is used like a ``subprocess.Popen``.

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
                raise subprocess.TimeoutExpired("a forked process", timeout or 0)
            self.returncode = int(self._news.readline())
            self._news.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class ForkServer:
    """The process that is forked, until `close` is called or this process ends.

    Args:
        program: the module that it runs; it calls `serve`.
        environment: its variables.
    """

    def __init__(self, program: str, environment: Mapping[str, str]) -> None:
        # Each order arrives whole, with its file descriptors.
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", program, str(theirs.fileno())],
                env=dict(environment),
                pass_fds=[theirs.fileno()],
            )

    def close(self) -> None:
        """End it; what it has started goes on."""
        # Whoever was forked from this process holds the socket open, but not its connection.
        self._orders.shutdown(socket.SHUT_RDWR)
        self._orders.close()
        self._process.wait(60)

    def start(self, order: Mapping[str, Any], files: Sequence[int]) -> ForkedProcess:
        """Start a process.

        Args:
            order: what the program is told; JSON values.
            files: open files that go with it.
        """
        news, told = os.pipe()
        try:
            socket.send_fds(self._orders, [json.dumps(order).encode()], [told, *files])
        finally:
            os.close(told)
        return ForkedProcess(news)


def serve(carry_out: Callable[[dict[str, Any], list[int]], None]) -> None:
    """Fork for each order.

    Args:
        carry_out: is called in the fork with the order and its files, and what it raises ends that
            process, as it ends any other.
    """
    gc.freeze()  # what is loaded stays, so that no fork looks through it or clears it away
    orders = socket.socket(fileno=int(sys.argv[1]))
    while True:
        order, files, _, _ = socket.recv_fds(orders, _MOST_BYTES, _MOST_FILES)
        if not order:
            return
        if os.fork() == 0:
            orders.close()
            _nurse(carry_out, json.loads(order), *files)
            return
        for file in files:
            os.close(file)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue  # one more has ended; nobody asks how


def _nurse(
    carry_out: Callable[[dict[str, Any], list[int]], None],
    order: dict[str, Any],
    news: int,
    *files: int,
) -> None:
    """Fork once more, and tell how that ends: whoever gave the order is not its parent."""
    if (pid := os.fork()) == 0:
        os.close(news)
        random.seed()
        carry_out(order, list(files))
        return
    for file in files:
        os.close(file)
    os.write(news, b"%d\n" % pid)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(BrokenPipeError):  # nobody wants to know any more
        os.write(news, b"%d\n" % status)
    os._exit(0)


def take_over_files() -> None:
    """Have Python use the files 0 to 2 of this fork, as it does in a new process."""
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = _output(1)
    sys.stderr = _output(2)


def _output(number: int) -> Any:
    """Return a text file for an output, made as Python makes its own."""
    errors = "surrogateescape" if number == 1 else "backslashreplace"
    at_once = number == 2 or os.isatty(number) or bool(os.environ.get("PYTHONUNBUFFERED"))
    return os.fdopen(number, "w", 1 if at_once else -1, "utf-8", errors, closefd=False)
