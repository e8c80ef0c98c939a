"""A bell that wakes a thread which waits in a selector."""

import socket
import threading
from types import TracebackType
from typing import Self


class Wakeup:
    """Make ``select`` in one thread return when another thread calls :meth:`ring`.

    It may be rung from any thread and from signal handlers, also after it was closed: then nothing
    happens. Use it as a context manager, which closes it.
    """

    def __init__(self) -> None:
        self._waiting, self._ringing = socket.socketpair()
        self._waiting.setblocking(False)
        self._ringing.setblocking(False)
        # Keeps a ring from reaching a file that got the number of a socket closed meanwhile.
        # Reentrant, because a signal handler may ring while this thread closes.
        self._lock = threading.RLock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._closed = True
            self._waiting.close()
            self._ringing.close()

    def fileno(self) -> int:
        """Return what a selector watches for reading."""
        return self._waiting.fileno()

    def ring(self) -> None:
        """Wake the thread that waits, or have its next wait return at once."""
        with self._lock:
            if self._closed:
                return
            try:
                self._ringing.send(b"!")
            except BlockingIOError:
                return  # full of rings that nobody has heard yet

    def quiet(self) -> None:
        """Forget the rings so far."""
        try:
            while self._waiting.recv(1024):
                continue
        except BlockingIOError:
            return
