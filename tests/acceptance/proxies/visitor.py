"""Somebody who visits a site behind a proxy: requests, cookies and a socket, as a browser's."""

import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.acceptance.proxies.fronts import NAME, Front

ORIGIN = f"https://{NAME}"


@dataclass(frozen=True)
class Answer:
    """What a request was answered."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass
class Visitor:
    """A visitor with cookies.

    Attributes:
        front: the proxy.
        cookies: by name.
    """

    front: Front
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for a page."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> Answer:
        """Send a form of the site's own page."""
        kind = "application/x-www-form-urlencoded"
        page = {"Origin": ORIGIN, "Content-Type": kind, **headers}
        return self._ask("POST", path, urlencode(form), page)

    def start(self, path: str, **plan: Any) -> dict[str, str]:
        """Have an operation of the user `ada` started; return id, token and address."""
        body = json.dumps({"plan": plan, "owner": "ada"})
        answer = self._ask("POST", path, body, {})
        assert answer.status == 200, answer
        started: dict[str, str] = json.loads(answer.text)
        return started

    def socket(self, path: str, origin: str = ORIGIN) -> ClientConnection:
        """Open a socket, as a page of an origin does."""
        return connect(
            f"ws://{NAME}{path}",  # the connection that it is given has TLS already
            sock=self.front.connection(),
            origin=Origin(origin),
            additional_headers=self._cookies(),
            compression=None,
            open_timeout=60,
        )

    def _ask(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection(NAME)
        connection.sock = self.front.connection()
        try:
            connection.request(method, path, body, {**headers, **self._cookies()})
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        for line in response.headers.get_all("Set-Cookie", []):
            morsels = SimpleCookie(line)
            self.cookies |= {name: morsel.value for name, morsel in morsels.items()}
        return Answer(response.status, dict(response.headers), text)

    def _cookies(self) -> dict[str, str]:
        pairs = [f"{name}={value}" for name, value in self.cookies.items()]
        return {"Cookie": "; ".join(pairs)} if pairs else {}


def attribute(page: str, name: str) -> str:
    """Return the value of the first attribute of that name."""
    found = re.search(rf'\b{name}="([^"]*)"', page)
    assert found, f"There is no {name} in this page:\n{page[:2000]}"
    return found[1]
