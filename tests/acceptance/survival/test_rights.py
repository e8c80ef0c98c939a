"""Somebody's rights end in one process: what another one serves ends at once.

RECHECK_SECONDS is ten minutes here: nothing ends because its time has come.
"""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.acceptance.survival.outside import start
from tests.engines.fixtures import MakeEngines
from tests.engines.process import Process
from tests.engines.site import Engines

MADE = """
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
user = get_user_model().objects.create(username="ada")
user.user_permissions.add(Permission.objects.get(codename="view_liveoperation"))
"""
TAKEN = """
from django.contrib.auth import get_user_model
get_user_model().objects.get(username="ada").user_permissions.clear()
"""


@pytest.fixture
def site(engines: MakeEngines) -> Engines:
    """Return a site whose processes are joined by Redis."""
    return engines(layer="core", liveops={"RECHECK_SECONDS": 600})


class Browser:
    """Somebody who has logged in, and may open sockets."""

    def __init__(self, name: str, server: Process) -> None:
        self._jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))
        self.visit(server, f"/as/{name}/")

    def visit(self, server: Process, path: str) -> None:
        """Get a page, as any of the servers has it."""
        with self._opener.open(f"{server.url}{path}", timeout=60) as page:
            page.read()

    @contextmanager
    def watching(self, server: Process, op: str) -> Iterator[ClientConnection]:
        """Watch an operation, by the session alone."""
        cookie = "; ".join(f"{one.name}={one.value}" for one in self._jar)
        address = server.url.replace("http", "ws") + "/ws/liveops/"
        headers = {"Cookie": cookie}
        with connect(address, max_size=None, open_timeout=60, additional_headers=headers) as socket:
            socket.send(json.dumps({"subscribe": {"op": op}}))
            assert json.loads(socket.recv(timeout=60))["snapshot"]
            yield socket


def heard_until_refused(socket: ClientConnection) -> list[dict[str, Any]]:
    """Return all frames up to the refusal."""
    heard: list[dict[str, Any]] = [json.loads(socket.recv(timeout=60))]
    while "error" not in heard[-1]:
        heard.append(json.loads(socket.recv(timeout=60)))
    return heard


@pytest.mark.promise("socket-told-elsewhere")
def test_a_permission_that_a_shell_takes_away_and_a_log_out_at_another_server(
    site: Engines,
) -> None:
    serving, other = site.start_daphne(), site.start_daphne()
    site.manage("shell", "-c", MADE)
    plan = {"Load": [["log", "hello"], ["wait", "loading"], ["log", "a secret"]]}
    op = start(serving, "BlockPlan", **plan)["op"]
    site.reached(op, "loading")
    browser = Browser("ada", other)
    with browser.watching(serving, op) as socket:
        site.manage("shell", "-c", TAKEN)  # which ends at once, and tells before it does
        assert heard_until_refused(socket)[-1]["error"] == "not_found"
        site.manage("shell", "-c", MADE.replace("create(", "get("))
        socket.send(json.dumps({"subscribe": {"op": op}}))
        assert json.loads(socket.recv(timeout=60))["snapshot"], "given back, it is good again"
        browser.visit(other, "/out/")
        assert heard_until_refused(socket)[-1]["error"] == "not_found"
        site.let_go(op, "loading")
        with pytest.raises(ConnectionClosed) as closed:
            raise AssertionError(socket.recv(timeout=60))
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403
