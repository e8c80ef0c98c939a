"""A socket as a server would serve it, with as little as possible around the consumer."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from channels.routing import URLRouter

from liveops.protocol import SOCKET_PATH, BadFrameError, ViewRequest, parse
from liveops.routing import websocket_urlpatterns
from tests.integration.edge import DEADLINE

_WIRE = Path(__file__).parents[2] / "docs" / "reference" / "wire.md"
_INTERNAL_ERROR = 4500

ERRORS = {"forbidden", "not_found", "bad_frame", "too_many", "rate_limited"}
"""The codes of errors that a page is told."""


def close_codes() -> set[int]:
    """Return the codes that the documentation lets a socket be closed with for a bad client."""
    found = {int(code) for code in re.findall(r"\b4\d{3}\b", _WIRE.read_text(encoding="utf-8"))}
    return found - {_INTERNAL_ERROR}


class Wire:
    """A socket of a user; use it in ``async with``.

    Attributes:
        heard: all frames that the page got.
        closed: the code that the server closed the socket with, if it did.
    """

    def __init__(self, user: Any) -> None:
        self._scope = {
            "type": "websocket",
            "path": SOCKET_PATH,
            "user": user,
            "headers": [],
            "subprotocols": [],
        }
        self._to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._to_page: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.heard: list[dict[str, Any]] = []
        self.closed: int | None = None

    async def __aenter__(self) -> Self:
        application: Any = URLRouter(websocket_urlpatterns)
        serving = application(self._scope, self._to_server.get, self._to_page.put)
        self._served = asyncio.create_task(serving)
        self._to_server.put_nowait({"type": "websocket.connect"})
        assert (await self._next())["type"] == "websocket.accept"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self._served, DEADLINE)

    def say(self, frame: str | bytes) -> None:
        """Send a frame."""
        part = {"bytes": frame} if isinstance(frame, bytes) else {"text": frame}
        self._to_server.put_nowait({"type": "websocket.receive", **part})

    async def try_frame(self, frame: str | bytes) -> bool:
        """Send a frame and wait for all that it is answered with; False if the socket was closed.

        One that the protocol does not know gets one answer, and so does one that is no JSON.
        """
        bad, views = 1, 0
        try:
            request = parse(frame if isinstance(frame, str) else None)
        except BadFrameError:
            bad = 2
        else:
            views = isinstance(request, ViewRequest) and request.action == "subscribe"
        self.say(frame)
        if views and not await self.hears(lambda heard: "view" in heard):
            return False
        self.say("no JSON")
        for _ in range(bad):
            if not await self.hears(lambda heard: heard.get("error") == "bad_frame"):
                return False
        return True

    async def hears(self, is_it: Callable[[dict[str, Any]], Any]) -> bool:
        """Wait for a frame; False if the socket was closed instead."""
        while self.closed is None:
            message = await self._next()
            if message["type"] == "websocket.close":
                self.closed = message["code"]
                break
            self.heard.append(json.loads(message["text"]))
            if is_it(self.heard[-1]):
                return True
        return False

    async def _next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self._to_page.get(), DEADLINE)
