"""Hostile requests: to all addresses of the package, with whatever a client can put in one."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from django.test.client import ClientHandler
from django.urls import URLPattern

from liveops import urls
from tests.fuzz.hostile import spoiled, text

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW"]
QUERY = ["stay", "fragments", "page", "q", "state", "type", "owner", "model", "before", "after"]
QUERY += ["around", "stage", "next", "", "csrfmiddlewaretoken"]
HEADERS = ["If-None-Match", "HX-Request", "HX-Target", "X-Liveop-Token", "Accept", "Cookie"]
HEADERS += ["Accept-Language", "Accept-Encoding", "If-Modified-Since", "Range", "Referer", "Origin"]
HEADERS += ["X-CSRFToken", "Content-Type", "Content-Length", "X-Forwarded-Host", "X-HTTP-Method"]
TYPES = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-7",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=\x00",
    "application/json; charset=nonsense",
    "text/plain",
]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a client might send it.

    Attributes:
        path: before it is percent-decoded, as a server would do.
    """

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def answer(handler: ClientHandler, request: Request, cookie: str) -> Answer:
    """Have a request answered, as whoever has the session of a cookie."""
    response: Any = handler(environ(request, cookie))
    content = b"".join(response.streaming_content) if response.streaming else response.content
    response.close()
    return Answer(response.status_code, response.headers, content)


def addresses(ids: list[str]) -> list[str]:
    """Return all addresses of the package, below the prefix of the test project, for some ids."""
    found = []
    for pattern in urls.urlpatterns:
        assert isinstance(pattern, URLPattern)
        route = str(pattern.pattern)
        found += [f"/live/{route.replace('<uuid:pk>', pk)}" for pk in ids]
    return list(dict.fromkeys(found))


def hostile_request(chance: random.Random, paths: list[str], known: list[str]) -> Request:
    """Return a request.

    Args:
        chance: decides.
        paths: addresses that there are.
        known: texts that mean something, such as ids and tokens.
    """
    method = "GET" if chance.random() < 0.5 else chance.choice(METHODS)
    path = chance.choice(paths)
    if chance.random() < 0.3:
        path = spoiled(chance, path)
    headers = {
        name: text(chance, *known, "true", "application/json", "*", 'W/"x"')
        for name in chance.sample(HEADERS, chance.choice([0, 0, 1, 1, 2, 4]))
    }
    body = b""
    if method not in ("GET", "HEAD") or chance.random() < 0.05:
        headers.setdefault("Content-Type", chance.choice(TYPES))
        body = chance.choice([b"", chance.randbytes(40), _form(chance, known), b"--x\r\n" * 3])
    pairs = [
        (chance.choice(QUERY), text(chance, *known)) for _ in range(chance.choice([0, 1, 1, 3]))
    ]
    query = encoded(pairs)
    if chance.random() < 0.1:
        query = spoiled(chance, query)
    return Request(method, path, query, headers, body)


def _form(chance: random.Random, known: list[str]) -> bytes:
    names = ["csrfmiddlewaretoken", "token", "op", "items", "label"]
    return encoded([(chance.choice(names), text(chance, *known)) for _ in range(3)]).encode()


def encoded(pairs: list[tuple[str, str]]) -> str:
    """Return pairs as a query or the body of a form."""
    return urlencode(pairs, errors="surrogatepass")


def environ(request: Request, cookie: str) -> dict[str, Any]:
    """Return what a WSGI server makes of a request; the cookie stands before those of its own."""
    return {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": _path(request).decode("latin-1"),
        "QUERY_STRING": _query(request).decode("latin-1"),
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "SCRIPT_NAME": "",
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(request.body),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{
            name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}": value
            for header, value in _headers(request, cookie)
            for name in [header.upper().replace("-", "_")]
        },
    }


def scope(request: Request, cookie: str) -> dict[str, Any]:
    """Return what an ASGI server makes of it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": _path(request).decode("utf-8", "replace"),
        "raw_path": _path(request),
        "query_string": _query(request),
        "root_path": "",
        "headers": [
            (b"host", b"testserver"),
            *(
                (name.lower().encode(), value.encode("latin-1"))
                for name, value in _headers(request, cookie)
            ),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }


def _headers(request: Request, cookie: str) -> list[tuple[str, str]]:
    # As a server hands them on: bytes as Latin letters, and no line break in them.
    given = dict(request.headers)
    given["Cookie"] = "; ".join(filter(None, [cookie, given.get("Cookie", "")]))
    return [
        (name, "".join(c if c >= " " else "?" for c in _bytes(value).decode("latin-1")).strip())
        for name, value in given.items()
    ]


def _path(request: Request) -> bytes:
    return unquote_to_bytes(_bytes(request.path))


def _query(request: Request) -> bytes:
    return _bytes(request.query).replace(b" ", b"+")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
