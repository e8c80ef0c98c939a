"""Watchers that subscribe and never read: raw sockets, thousands of them in one process."""

import json
import resource
import socket
from types import TracebackType
from typing import Self

from tests.benchmarks.serving import framing
from tests.engines.process import Process

_BATCH = 50
_SMALL_BUFFER = 2048
_PATIENCE = 120.0


class Deaf:
    """So many sockets that watch an operation and take nothing of it, until the block ends.

    Args:
        daphne: the server.
        started: id of the operation and a token, as the server answered.
        number: of sockets.
    """

    def __init__(self, daphne: Process, started: dict[str, str], number: int) -> None:
        self._host = daphne.url.removeprefix("http://")
        body = {"subscribe": {"op": started["op"], "token": started["token"]}}
        self._subscribe = framing.frame(framing.TEXT, json.dumps(body).encode())
        self._number = number
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        """Connect all, so many at a time, and subscribe."""
        for first in range(0, self._number, _BATCH):
            new = [self._connect() for _ in range(min(_BATCH, self._number - first))]
            for each in new:
                assert b" 101 " in _head(each)
                each.sendall(self._subscribe)
            self._sockets += new
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close them."""
        for each in self._sockets:
            each.close()

    def _connect(self) -> socket.socket:
        end = socket.socket()
        end.settimeout(_PATIENCE)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
        host, port = self._host.split(":")
        end.connect((host, int(port)))
        end.sendall(framing.handshake(self._host, "/ws/liveops/", ""))
        return end


def _head(end: socket.socket) -> bytes:
    """Read the answer to a request, and nothing that follows it."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = end.recv(1)
        assert byte, f"closed after {head!r}"
        head += byte
    return head


def room_for(number: int) -> int:
    """Let processes open as many files as they may; return for how many sockets that is enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        return number
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(number, hard - 500)
