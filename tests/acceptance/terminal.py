"""A program on a terminal of its own: started, watched, typed at, with the rows it shows."""

import contextlib
import fcntl
import os
import pty
import select
import struct
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from types import TracebackType
from typing import Self

import psutil

from tests.acceptance.screen import Screen
from tests.engines.forking import ForkedProcess

DEADLINE = 60.0
"""Seconds after which what did not happen will never happen."""

CTRL_C = b"\x03"


class Terminal:
    """A running program with a terminal; as a context manager it leaves no process behind.

    Args:
        start: starts the program on the terminal with a file descriptor, which it does not close;
            the terminal is to be its session's own, so that Ctrl-C becomes SIGINT.
        columns: width of the terminal.

    Attributes:
        process: the program.
        written: all that it wrote so far.
        screen: the same as rows.
    """

    def __init__(self, start: Callable[[int], ForkedProcess], *, columns: int = 80) -> None:
        self._primary, secondary = pty.openpty()
        fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = start(secondary)
        os.close(secondary)
        self.written = ""
        self.screen = Screen(columns)
        self._decoder = getincrementaldecoder("utf-8")()
        self._open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:  # a test has failed; its children have groups of their own
            program = psutil.Process(self.process.pid)
            for process in [*program.children(recursive=True), program]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self.process.wait(DEADLINE)
        os.close(self._primary)

    def press(self, keys: bytes) -> None:
        """Type something."""
        os.write(self._primary, keys)

    def wait_for(self, text: str) -> None:
        """Wait until the rows show a text."""
        deadline = time.monotonic() + DEADLINE
        while text not in self.screen.text:
            assert self._open, f"{text!r} was never shown:\n{self.screen.text}"
            self._read(deadline)

    def wait(self) -> int:
        """Wait for the end; return the exit status."""
        deadline = time.monotonic() + DEADLINE
        while self._open:
            self._read(deadline)
        return self.process.wait(DEADLINE)

    def _read(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        readable = left > 0 and select.select([self._primary], [], [], left)[0]
        assert readable, f"nothing more was shown:\n{self.screen.text}"
        data = b""
        with contextlib.suppress(OSError):  # Linux's way to say that the other side is closed
            data = os.read(self._primary, 65_536)
        self._open = bool(data)
        text = self._decoder.decode(data)
        self.written += text
        self.screen.feed(text)
