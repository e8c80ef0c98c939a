"""Sockets with a session, as a browser that has logged in opens them."""

from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.conf import settings
from django.test import Client

from liveops.routing import websocket_urlpatterns
from tests.integration.edge import DEADLINE, Socket


def logged_in(user: Any) -> Client:
    """Return a browser in which a user has logged in."""
    client = Client()
    client.force_login(user)
    return client


class SessionSocket(Socket):
    """A socket that a browser opens with its cookies."""

    def __init__(self, client: Client) -> None:
        super().__init__(application=AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        headers: Any = self.wire.scope
        headers["headers"] = [(b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode())]


async def closing(socket: Socket) -> int:
    """Return the code with which the server closes a socket; frames before it are dropped."""
    output = await socket.wire.receive_output(timeout=DEADLINE)
    while output["type"] == "websocket.send":
        output = await socket.wire.receive_output(timeout=DEADLINE)
    assert output["type"] == "websocket.close"
    return int(output["code"])
