"""A watcher's end of a connection, which tells when data reached it, not when it was read.

On the machine that serves it, a watcher is woken late: it waits for the processor on which the
server goes on with what it does after sending. Where the system keeps no time, that of the reading
is taken.
"""

import asyncio
import socket
import struct
import sys
import time
from typing import Protocol

_TIMESTAMPS = 35  # SO_TIMESTAMPNS of Linux, for which Python has no name
_TIME = struct.Struct("@ll")
_SECOND = 1_000_000_000
_MOST = 262_144  # bytes read at once


class Reader(Protocol):
    """What takes the data of a wire."""

    def take(self, data: bytes, arrived_at: int) -> None:
        """Take data, and when the last of it came, in nanoseconds of the monotonic clock."""

    def end(self, error: OSError | None) -> None:
        """Take note that nothing more comes."""


class Wire:
    """Hands what a connected socket receives to a reader, until either end closes it.

    Args:
        end: the socket, which does not block.
        reader: who takes what comes.
    """

    def __init__(self, end: socket.socket, reader: Reader) -> None:
        self._end = end
        self._reader = reader
        self._loop = asyncio.get_running_loop()
        if sys.platform == "linux":
            end.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)
        self._loop.add_reader(end, self._read)

    def send(self, data: bytes) -> None:
        """Send what is short enough for the system to take at once."""
        self._end.sendall(data)

    def pause(self) -> None:
        """Read nothing any more."""
        if self._end.fileno() >= 0:  # not closed yet
            self._loop.remove_reader(self._end)

    def close(self) -> None:
        """Close the connection; the reader is not told."""
        self.pause()
        self._end.close()

    def _read(self) -> None:
        try:
            data, extra, _, _ = self._end.recvmsg(_MOST, socket.CMSG_SPACE(_TIME.size))
        except BlockingIOError:
            return
        except OSError as error:
            self._over(error)
            return
        if data:
            self._reader.take(data, _time_of(extra))
        else:
            self._over(None)

    def _over(self, error: OSError | None) -> None:
        self.close()
        self._reader.end(error)


def _time_of(extra: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in extra:
        if (level, kind) == (socket.SOL_SOCKET, _TIMESTAMPS):
            seconds, rest = map(int, _TIME.unpack(data))
            # The two clocks cannot be read at once, and whatever comes between makes this less.
            apart = max(time.time_ns() - time.monotonic_ns() for _ in range(3))
            return seconds * _SECOND + rest - apart
    return time.monotonic_ns()
