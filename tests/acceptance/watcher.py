"""A watcher without a browser: a socket client that follows one operation."""

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.acceptance.conftest import Site

_LINE = re.compile(r'<li[^>]* data-n="(\d+)"')
_STAMP = re.compile(r"stamp \d+ (\d+)")


@dataclass
class Watched:
    """What a watcher saw of an operation."""

    frames: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    echoes: list[float] = field(default_factory=list)
    state: str = ""


def connected(site: Site) -> ClientConnection:
    """Return an open socket; a context manager that closes it."""
    return connect(site.url.replace("http", "ws") + "/ws/liveops/", max_size=None)


@contextmanager
def started(site: Site, model: str) -> Iterator[tuple[ClientConnection, str]]:
    """Start an operation and subscribe to it; give the socket and the operation's id."""
    with urllib.request.urlopen(f"{site.url}/start/{model}/", timeout=30) as response:
        answer = json.load(response)
    with connected(site) as socket:
        socket.send(json.dumps({"subscribe": {**answer, "log_after": 0}}))
        yield socket, answer["op"]


def follow(socket: ClientConnection, *, echo: ClientConnection | None = None) -> Watched:
    """Take frames until the operation has ended.

    Args:
        socket: a subscribed socket.
        echo: another socket; after each stamp, the round trip of a frame that the server answers
            at once is measured on it: what this server and machine need at the least.
    """
    seen = Watched()
    while not seen.state:
        frame = json.loads(socket.recv(timeout=60))
        arrived = time.monotonic_ns()
        if "liveop_finished" in frame:
            seen.state = frame["liveop_finished"]["state"]
            continue
        html = frame.get("liveop_html", "")
        seen.frames.append(frame)
        seen.lines.extend(int(number) for number in _LINE.findall(html))
        stamp = None if frame.get("snapshot") else _STAMP.search(html)
        if stamp and 'id="op-status"' in html:
            seen.delays.append((arrived - int(stamp.group(1))) / 1e6)
            if echo is not None:
                seen.echoes.append(_echo(echo))
    return seen


def _echo(socket: ClientConnection) -> float:
    began = time.monotonic_ns()
    socket.send("{}")
    answer = json.loads(socket.recv(timeout=60))
    assert answer["error"] == "bad_frame", answer
    return (time.monotonic_ns() - began) / 1e6


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share (0 to 1) of the values lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
