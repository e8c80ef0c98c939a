"""Ask a web server for a page, without waiting in a thread. Plain Python and asyncio."""

import asyncio
import time
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urldefrag, urljoin, urlsplit

#: In seconds, for one answer as a whole.
PATIENCE = 20
#: In bytes. What is longer is not read to its end.
LONGEST_BODY = 2_000_000

_LINKS = {"a": "href", "link": "href", "img": "src", "script": "src"}


class Answer(NamedTuple):
    """What a server said to one question.

    Attributes:
        address: what was asked for.
        status: the HTTP status; 0 if there was no answer.
        problem: why there was none, or an empty string.
        seconds: how long it took.
        links: the addresses that a page leads to, without their fragments.
    """

    address: str
    status: int
    problem: str
    seconds: float
    links: list[str]


async def ask(address: str) -> Answer:
    """Ask for an address; whatever goes wrong is in the answer.

    Redirects are not followed.
    """
    begin = time.monotonic()
    status, problem, links = 0, "", []
    try:
        async with asyncio.timeout(PATIENCE):
            status, kind, body = await _exchange(address)
    except TimeoutError:
        problem = f"no answer within {PATIENCE} s"
    except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        problem = str(error) or type(error).__name__
    else:
        if kind.startswith("text/html"):
            links = links_of(body.decode(errors="replace"), address)
    return Answer(address, status, problem, time.monotonic() - begin, links)


async def _exchange(address: str) -> tuple[int, str, bytes]:
    """Return status, content type and body."""
    parts = urlsplit(address)
    is_safe = parts.scheme == "https"
    port = parts.port or (443 if is_safe else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=is_safe or None)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        # 1.0, as to that nobody answers in chunks.
        writer.write(
            f"GET {target} HTTP/1.0\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        body = bytearray()
        while len(body) < LONGEST_BODY and (part := await reader.read(65_536)):
            body += part
    finally:
        writer.close()
    return int(head[0].split()[1]), headers.get("content-type", ""), bytes(body)


class _Links(HTMLParser):
    """Gathers what a page leads to or consists of."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the address of a link, an image, a script or a style sheet."""
        address = dict(attrs).get(_LINKS.get(tag, ""))
        if address:
            self.found.append(address)


def links_of(page: str, address: str) -> list[str]:
    """Return the addresses of the same site that a page leads to, each once, in their order."""
    parser = _Links()
    parser.feed(page)
    site = urlsplit(address)[:2]
    whole = (urldefrag(urljoin(address, link.strip())).url for link in parser.found)
    return list(dict.fromkeys(link for link in whole if urlsplit(link)[:2] == site))
