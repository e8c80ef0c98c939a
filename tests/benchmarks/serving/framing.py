"""As much of RFC 6455 as a watcher needs that must cost less than what it measures."""

import base64
import os
import struct

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_LENGTH_16, _LENGTH_64 = 126, 127


def handshake(host: str, path: str, cookie: str) -> bytes:
    """Return the request that opens a socket; no compression is offered."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        f"Origin: http://{host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        f"Cookie: {cookie}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a frame of a client; its mask is zero, which changes nothing."""
    size = len(payload)
    head = bytes([0x80 | opcode])
    if size < _LENGTH_16:
        head += bytes([0x80 | size])
    else:
        head += bytes([0x80 | _LENGTH_16]) + struct.pack("!H", size)
    return head + bytes(4) + payload


def frames_in(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return the whole frames of a server, as opcodes and payloads, and what is left."""
    frames: list[tuple[int, bytes]] = []
    at, end = 0, len(data)
    while end - at >= 2:
        size, start = data[at + 1], at + 2
        if size == _LENGTH_16:
            start = at + 4
        elif size == _LENGTH_64:
            start = at + 10
        if end < start:
            break
        if start > at + 2:
            size = int.from_bytes(data[at + 2 : start], "big")
        if end < start + size:
            break
        frames.append((data[at] & 0x0F, data[start : start + size]))
        at = start + size
    return frames, data[at:]
