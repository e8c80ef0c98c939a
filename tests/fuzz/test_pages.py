"""Whatever is asked of the pages: no error of the server, and nothing changes."""

import asyncio
import random
from typing import Any
from urllib.parse import urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.core.asgi import get_asgi_application
from django.test.client import ClientHandler

from tests.fuzz.asking import Answer, Request, addresses, answer, hostile_request, scope
from tests.fuzz.cases import seeds
from tests.fuzz.world import HIDDEN, SECRET, World, rows

REFUSED = {400, 401, 403, 404, 405}
SHOWN = {200, 301, 302, 303, 304}


def known_texts(world: World) -> list[str]:
    """Return texts that mean something to the pages."""
    tokens = [world.own[0].subscription_token, world.foreign[0].subscription_token[:-1]]
    return [*world.ids(), *tokens, "1", "Load", "STARTED", "testapp.Walk"]


def somebody(chance: random.Random) -> str:
    """Return who asks."""
    return chance.choice(["owner", "owner", "stranger", "anonymous", "inactive"])


def look_at(request: Request, given: Answer) -> None:
    """Fail if an answer is one that no request may get."""
    status, headers = given.status, given.headers
    assert status in REFUSED | SHOWN, request
    for kept in (SECRET, HIDDEN):
        assert kept.encode() not in given.content, request
    assert "\n" not in "".join(f"{name}{value}" for name, value in headers.items()), request
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        assert status not in (200, 304), request
    if to := headers.get("Location") or headers.get("HX-Redirect"):
        assert urlsplit(to)[:2] == ("", ""), (request, to)
        assert not to.startswith("//"), (request, to)


@pytest.mark.promise("fuzzed-pages")
def test_no_request_breaks_a_page_or_changes_anything(world: World) -> None:
    """Ask as people who have a session, and with POSTs that lack the token against forgery."""
    handler, before = ClientHandler(enforce_csrf_checks=True), rows()
    unchecked = ClientHandler(enforce_csrf_checks=False)
    paths, known = addresses(world.ids()), known_texts(world)
    for chance in seeds("test_pages.py::test_no_request_breaks_a_page_or_changes_anything"):
        who, request = somebody(chance), hostile_request(chance, paths, known)
        # Whoever may steer nothing gets as far as the views.
        serve = handler if who == "owner" else unchecked
        look_at(request, answer(serve, request, world.cookies[who]))
    assert rows() == before


def test_nor_does_one_to_an_asgi_server(world: World) -> None:
    """Ask as through Daphne or uvicorn, which make another request of the same bytes."""
    application, before = get_asgi_application(), rows()
    paths, known = addresses(world.ids()), known_texts(world)

    async def ask(request: Request, cookie: str) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        received = [{"type": "http.request", "body": request.body}]

        async def receive() -> Any:
            return received.pop() if received else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        await application(scope(request, cookie), receive, send)
        return sent

    for chance in seeds("test_pages.py::test_nor_does_one_to_an_asgi_server"):
        request = hostile_request(chance, paths, known)
        start, *rest = async_to_sync(ask)(request, world.cookies[somebody(chance)])
        content = b"".join(part.get("body", b"") for part in rest)
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]
        }
        look_at(request, Answer(start["status"], headers, content))
    assert rows() == before
