"""Serve by uvicorn, with a small send buffer in the kernel if that is asked for.

With the usual one the kernel would take megabytes for a slow reader before the server notices.
"""

import socket
import sys

import uvicorn


def main(port: int, send_buffer: int) -> None:
    """Serve until told to end."""
    listener = socket.socket()
    if send_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config("tests.benchmarks.serving.asgi:application", log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
