"""Serve by uvicorn, with small send buffers if that is asked for.

With the usual ones the kernel would take megabytes for a slow reader, and the event loop more,
before anybody has to wait for it.
"""

import asyncio
import socket
import sys

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class Impatient(WebSocketsSansIOProtocol):
    """Has whoever sends wait as soon as the kernel takes no more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection over."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=0)


def main(port: int, send_buffer: int) -> None:
    """Serve until told to end."""
    listener = socket.socket()
    if send_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(
        "tests.benchmarks.serving.asgi:application",
        log_level="warning",
        ws=Impatient if send_buffer else "websockets-sansio",
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
