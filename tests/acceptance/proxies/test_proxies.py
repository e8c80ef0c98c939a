"""The configurations of docs/how-to/proxies.md, by a real nginx and a real Caddy."""

import ast
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from scripts import ensure_parts
from tests.acceptance.proxies.fronts import NAME, Caddy, Front, Nginx, replaced
from tests.acceptance.proxies.visitor import ORIGIN, Visitor, attribute
from tests.docs.pages import blocks, sessions
from tests.engines.fixtures import MakeEngines
from tests.engines.servers import free_port
from tests.engines.site import Engines
from tests.engines.waiting import until

PAGE = "how-to/proxies.md"
STATIC = Path(__file__).resolve().parents[3] / "liveops" / "static"
APPLICATION = "tests.acceptance.proxies.asgi:application"
SHEET = "liveops/liveops.css"
COMMAND = sessions(PAGE)[0][0].line
NGINX, NGINX_BELOW = blocks(PAGE, "nginx")
CADDY, CADDY_BELOW = blocks(PAGE, "text")
UPGRADE = "        proxy_set_header Upgrade $http_upgrade;\n"


def settings_of(number: int) -> dict[str, Any]:
    """Return what a python block of the page sets."""
    body = ast.parse(blocks(PAGE, "python")[number]).body
    assigned = [node for node in body if isinstance(node, ast.Assign)]
    return {ast.unparse(each.targets[0]): ast.literal_eval(each.value) for each in assigned}


def below() -> str:
    """Return nginx's configuration with the locations for a path of the host."""
    head, separator, _ = NGINX.partition("    location /static/ {")
    assert separator
    return f"{head}{NGINX_BELOW}}}\n"


class Places:
    """The site at the root and below a path, and the proxies in front of each.

    Args:
        make: makes sites.
        folder: makes folders for proxies.
    """

    def __init__(self, make: MakeEngines, folder: pytest.TempPathFactory) -> None:
        self._make = make
        self._folder = folder
        self._sites: dict[str, tuple[Engines, int]] = {}
        self._fronts: dict[str, Front] = {}

    def site(self, prefix: str) -> tuple[Engines, int]:
        """Return the site at a path, and the port of its server."""
        if prefix not in self._sites:
            settings = {**settings_of(0), **(settings_of(1) if prefix else {})}
            site, port = self._make(settings=settings), free_port()
            changes = {"8001": str(port), "mysite.asgi:application": APPLICATION}
            words = [changes.pop(word, word) for word in COMMAND.split()]
            assert not changes, COMMAND
            site.start("python", "-m", *words, ready="Listening on TCP", name="daphne")
            self._sites[prefix] = site, port
        return self._sites[prefix]

    def front(self, kind: str, prefix: str = "") -> Front:
        """Return a proxy in front of the site at a path."""
        key = f"{kind}{prefix}"
        if key not in self._fronts:
            _, port = self.site(prefix)
            folder = self._folder.mktemp(kind)
            front: Front
            if kind == "caddy":
                text = CADDY_BELOW if prefix else CADDY
                front = Caddy(program("caddy"), folder, text, port, STATIC)
            else:
                text = below() if prefix else NGINX
                if kind == "deaf":
                    text = replaced(text, {UPGRADE: ""})
                front = Nginx(program("nginx"), folder, text, port, STATIC)
            front.start()
            self._fronts[key] = front
        return self._fronts[key]

    def close(self) -> None:
        """End the proxies."""
        for front in self._fronts.values():
            front.stop()


def program(name: str) -> str:
    """Return the path of a proxy; without one the test fails, it is never skipped."""
    path: str | None = getattr(ensure_parts, f"find_{name}")(os.environ)
    if path is None:
        pytest.fail(f"{name} is not on this machine: `make test` brings it, or says how.")
    return path


@pytest.fixture(scope="module")
def places(
    module_engines: MakeEngines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Places]:
    """The sites and the proxies of this file; each is started when a test wants it."""
    made = Places(module_engines, tmp_path_factory)
    try:
        yield made
    finally:
        made.close()


def frames_until(socket: Any, key: str) -> list[dict[str, Any]]:
    """Take frames up to the first that has a key."""
    taken: list[dict[str, Any]] = []
    while not taken or key not in taken[-1]:
        taken.append(json.loads(socket.recv(timeout=60)))
    return taken


BOTH = pytest.mark.parametrize("kind", ["nginx", "caddy"])
EVERYWHERE = pytest.mark.parametrize("prefix", ["", "/shop"], ids=["root", "below"])


@BOTH
@EVERYWHERE
def test_a_page_is_live_and_its_controls_work(places: Places, kind: str, prefix: str) -> None:
    """From the login by way of page, snapshot, frames and a form to the end."""
    visitor, (site, _) = Visitor(places.front(kind, prefix)), places.site(prefix)
    assert visitor.get(f"{prefix}/as/ada/").headers["Location"] == "/up/"
    started = visitor.start(
        f"{prefix}/start/StagedPlan/", Load=[["wait", "a"], ["status", "at work"], ["wait", "b"]]
    )
    assert started["url"] == f"{prefix}/live/{started['op']}/"
    page = visitor.get(started["url"]).text
    path = attribute(page, "data-liveop-socket")
    assert path == f"{prefix}/ws/liveops/"
    with visitor.socket(path) as socket:
        subscription = {"op": started["op"], "token": attribute(page, "data-liveop-token")}
        socket.send(json.dumps({"subscribe": subscription}))
        snapshot = frames_until(socket, "snapshot")[-1]["liveop_html"]
        cancel = attribute(snapshot, "action")
        assert cancel == f"{started['url']}cancel/"
        site.let_go(started["op"], "a")
        frames = frames_until(socket, "seq")
        while "at work" not in frames[-1].get("liveop_html", ""):
            frames += frames_until(socket, "seq")
        token = {"X-CSRFToken": visitor.cookies["csrftoken"]}
        assert visitor.post(cancel, {}, **token).status in (200, 204, 302, 303)
        ended = frames_until(socket, "liveop_finished")[-1]["liveop_finished"]
    assert ended == {"state": "CANCELLED", "url": started["url"], "success_url": None}


@BOTH
@EVERYWHERE
def test_static_files_come_from_the_proxy(places: Places, kind: str, prefix: str) -> None:
    visitor = Visitor(places.front(kind, prefix))
    page = visitor.get(f"{prefix}/live/").headers
    assert page["Location"].startswith(f"/accounts/login/?next={prefix}/live/")
    sheet = visitor.get(f"{prefix}/static/{SHEET}")
    assert sheet.text == (STATIC / SHEET).read_text(encoding="utf-8")
    assert sheet.headers["Content-Type"].startswith("text/css")
    assert visitor.get(f"{prefix}/static/liveops/none.css").status == 404


@BOTH
@pytest.mark.parametrize(
    "origin", ["https://evil.example", f"https://{NAME}.evil.example"], ids=["another", "alike"]
)
def test_another_origin_is_refused(places: Places, kind: str, origin: str) -> None:
    visitor = Visitor(places.front(kind))
    with pytest.raises(InvalidStatus) as refused, visitor.socket("/ws/liveops/", origin):
        pass
    assert refused.value.response.status_code == 403


@BOTH
def test_a_form_of_another_site_is_refused(places: Places, kind: str) -> None:
    visitor = Visitor(places.front(kind))
    visitor.get("/as/ada/")
    started = visitor.start("/start/StagedPlan/", Load=[["log", "one"]])
    visitor.get(started["url"])
    token = {"X-CSRFToken": visitor.cookies["csrftoken"]}
    answer = visitor.post(f"{started['url']}cancel/", {}, **token, Origin="https://evil.example")
    assert answer.status == 403


def test_without_the_upgrade_the_page_has_its_requests(places: Places) -> None:
    """The socket gets 404, as the page says; the snapshot comes, and is new each time."""
    visitor, (site, _) = Visitor(places.front("deaf")), places.site("")
    visitor.get("/as/ada/")
    started = visitor.start(
        "/start/StagedPlan/", Load=[["wait", "a"], ["status", "at work"], ["wait", "b"]]
    )
    page = visitor.get(started["url"]).text
    with pytest.raises(InvalidStatus) as refused, visitor.socket("/ws/liveops/"):
        pass
    assert refused.value.response.status_code == 404
    address = attribute(page, "data-liveop-snapshot-url")
    token = attribute(page, "data-liveop-token")

    def look() -> str:
        snapshot = json.loads(visitor.get(address, **{"X-Liveop-Token": token}).text)
        assert snapshot["state"] == "STARTED"
        return str(snapshot["liveop_html"])

    assert "at work" not in look()
    site.let_go(started["op"], "a")
    until(lambda: "at work" in look())  # it is shown with the next frame, not with the call
    site.let_go(started["op"], "b")


def test_a_socket_at_another_path_is_an_error_of_the_server(places: Places) -> None:
    visitor = Visitor(places.front("nginx"))
    with pytest.raises(InvalidStatus) as refused, visitor.socket("/ws/elsewhere/"):
        pass
    assert refused.value.response.status_code == 500


def test_nginx_leads_to_the_address_with_tls(places: Places) -> None:
    front = places.front("nginx")
    assert isinstance(front, Nginx)
    answer = front.ask_plainly("/live/?page=2")
    assert f"Location: {ORIGIN}/live/?page=2\r\n" in answer
