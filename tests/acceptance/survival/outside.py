"""A site as it is seen from outside: operations started by its pages, watched by a socket."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from liveops.models import LiveOperation
from tests.engines.process import Process
from tests.engines.site import Engines

FOREVER = 1_000.0
"""Seconds that no test waits for: whatever takes so long is a failure."""


def start(server: Process, model: str = "StagedPlan", **plan: Any) -> dict[str, str]:
    """Have a server create and enqueue an operation; return its id and a token to watch it."""
    body = json.dumps({"plan": plan}).encode()
    with urllib.request.urlopen(f"{server.url}/start/{model}/", body, timeout=60) as response:
        answer: dict[str, str] = json.load(response)
    return answer


@contextmanager
def watching(server: Process, started: dict[str, str]) -> Iterator[ClientConnection]:
    """Watch an operation by a socket."""
    address = server.url.replace("http", "ws") + "/ws/liveops/"
    with connect(address, max_size=None, open_timeout=60) as socket:
        subscription = {"op": started["op"], "token": started["token"], "log_after": 0}
        socket.send(json.dumps({"subscribe": subscription}))
        assert "liveop_html" in json.loads(socket.recv(timeout=60))
        yield socket


def told_state(socket: ClientConnection) -> str:
    """Wait until the watcher is told how the operation ended."""
    while True:
        frame = json.loads(socket.recv(timeout=60))
        if "liveop_finished" in frame:
            state: str = frame["liveop_finished"]["state"]
            return state


def stored(operation: dict[str, str] | LiveOperation) -> Any:
    """Return an operation as it is stored now."""
    pk = operation["op"] if isinstance(operation, dict) else operation.pk
    return LiveOperation._base_manager.get(pk=pk)


def outcomes(site: Engines, operation: object) -> list[tuple[str, str]]:
    """Return how the stage bodies of an operation (or the one of that id) ended, in order."""
    pk = getattr(operation, "pk", operation)
    return [(entry.stage, entry.outcome) for entry in site.journal.ended(pk)]
