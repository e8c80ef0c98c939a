"""The output of a child process: read as it comes, split into lines, handed over."""

import os
import selectors
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import IO, Self

from liveops.commands.lines import LineSplitter
from liveops.commands.results import TAIL_LINES
from liveops.commands.wakeup import Wakeup
from liveops.progress.redaction import NOTHING, Redactor

READ_BYTES = 65_536
"""Bytes read at once, which is what a pipe usually holds."""

_LAST_READS = 16
"""Reads that empty a pipe, also one of the largest size that Linux grants without privileges."""


class Output:
    """Hand over the lines of a pipe, and wait for more of them or for a ring.

    Use it as a context manager, which closes what it holds.

    Args:
        wakeup: a ring of it ends a wait.
        on_lines: takes each batch of lines.
        clock: gives seconds that never go back.
        redactor: what must not be given in halves.

    Attributes:
        tail: the last lines that were handed over, as they came.
        refusal: what ``on_lines`` raised after :meth:`tolerate`, if it did.
    """

    def __init__(
        self,
        wakeup: Wakeup,
        on_lines: Callable[[list[str]], None],
        clock: Callable[[], float],
        redactor: Redactor = NOTHING,
    ) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.refusal: BaseException | None = None
        self._wakeup = wakeup
        self._on_lines = on_lines
        self._clock = clock
        self._lines = LineSplitter(redactor)
        self._tolerant = False
        self._pipe: IO[bytes] | None = None
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        self._selector.register(self._wakeup, selectors.EVENT_READ)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close_pipe()
        self._selector.close()

    @property
    def is_open(self) -> bool:
        """Whether more may come."""
        return self._pipe is not None

    def attach(self, pipe: IO[bytes]) -> None:
        """Read from this pipe, and close it in the end."""
        self._pipe = pipe
        os.set_blocking(pipe.fileno(), False)
        self._selector.register(pipe, selectors.EVENT_READ)

    def tolerate(self) -> None:
        """From now on go on when ``on_lines`` raises, without calling it again.

        A KeyboardInterrupt and a SystemExit are not meant by this: they are raised.
        """
        self._tolerant = True

    def wait(self, seconds: float) -> bool:
        """Wait for output or a ring, hand over what there is; return whether something came."""
        came = False
        for key, _ in self._selector.select(max(seconds, 0)):
            if key.fileobj is self._wakeup:
                self._wakeup.quiet()
            else:
                came = self._read()
        self._give(self._lines.flush_partial(self._clock()))
        return came

    def finish(self) -> None:
        """Hand over what waits in the pipe, but wait for nothing; then the rest of a line."""
        for _ in range(_LAST_READS):
            if not self.is_open or not self.wait(0):
                break
        self._close_pipe()
        self._give(self._lines.close())

    def _read(self) -> bool:
        if self._pipe is None:
            return False
        try:
            data = os.read(self._pipe.fileno(), READ_BYTES)
        except BlockingIOError:
            return False
        if data:
            self._give(self._lines.feed(data, self._clock()))
        else:
            self._close_pipe()
            self._give(self._lines.close())
        return True

    def _give(self, lines: list[str]) -> None:
        if not lines:
            return
        self.tail.extend(lines[-TAIL_LINES:])
        if self.refusal is not None:
            return
        try:
            self._on_lines(lines)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            if not self._tolerant:
                raise
            self.refusal = error

    def _close_pipe(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            if pipe in self._selector.get_map():
                self._selector.unregister(pipe)
            pipe.close()
