"""The commands of docs/how-to/servers.md: each serves a socket, and stops in good order."""

import json
import shlex
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.acceptance.survival.outside import start, stored
from tests.docs.pages import sessions
from tests.engines.fixtures import MakeEngines
from tests.engines.process import Process
from tests.engines.servers import free_port
from tests.engines.site import Engines, wait_until_up

PAGE = "how-to/servers.md"
COMMANDS = {command.line.split()[0]: command.line for command in sessions(PAGE)[0]}
STATIC = Path(__file__).resolve().parents[3] / "liveops" / "static"


def serve(site: Engines, name: str, *more: str) -> Process:
    """Start the server that the page starts by a command, on a port that is free."""
    port = str(free_port())
    changes = {
        "8001": port,
        "mysite.asgi:application": "tests.acceptance.proxies.asgi:application",
        name: f"{sys.executable} -m {name}",
    }
    words = shlex.split(COMMANDS[name])
    assert set(changes) <= set(words)
    command = [part for word in words for part in changes.get(word, word).split(" ")]
    process = Process(
        [*command, *more],
        site.environment(),
        site.folder / f"{name}.log",
        site.journal,
        site.processes,
        url=f"http://127.0.0.1:{port}",
    )
    wait_until_up(process)
    return process


def _read_on(socket: ClientConnection) -> None:
    while True:
        socket.recv(timeout=60)


def test_the_page_names_all_three() -> None:
    assert sorted(COMMANDS) == ["daphne", "granian", "uvicorn"]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_server_serves_a_socket_and_stops_in_good_order(engines: MakeEngines, name: str) -> None:
    site = engines(liveops={"SHUTDOWN_GRACE": 5.0})
    more = ["--static-path-mount", str(STATIC)] if name == "granian" else []
    server = serve(site, name, *more)
    started = start(server, Load=[["wait", "a"], ["status", "at work"], ["wait", "b"]])
    site.reached(started["op"], "a")
    origin: Any = server.url
    address = server.url.replace("http", "ws") + "/ws/liveops/"
    with connect(address, origin=origin, open_timeout=60) as socket:
        subscription = {"op": started["op"], "token": started["token"]}
        socket.send(json.dumps({"subscribe": subscription}))
        assert json.loads(socket.recv(timeout=60))["snapshot"]
        site.let_go(started["op"], "a")
        while "at work" not in socket.recv(timeout=60):
            pass
        site.reached(started["op"], "b")
        if name == "granian":
            asked = f"{server.url}/static/liveops/liveops.css"
            with urllib.request.urlopen(asked, timeout=60) as sheet:
                assert sheet.headers["Content-Type"].startswith("text/css")
        server.terminate()
        with pytest.raises(ConnectionClosed):
            _read_on(socket)
    server.wait()
    with site.here():
        row = stored(started)
        assert (row.get_state(), row.stage_states) == ("INTERRUPTED", {"Load": "interrupted"})
