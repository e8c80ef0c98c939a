"""The check of links: many questions under way at once, and what is found."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from gallery.models import CheckLinks
from gallery.web import ask, links_of
from liveops.progress.pumps import InlinePump
from liveops.runners.executor import execute

PAGES = {
    "/": "<a href='/a'>a</a> <a href='/b#here'>b</a> <a href='c'>c</a> <a href='/gone'>gone</a>"
    " <a href='http://elsewhere.test/'>far</a> <img src='/picture.png'> <a href='/'>home</a>",
    "/a": "<a href='/deep'>deep</a><a href='/b'>b</a>",
    "/b": "",
    "/c": "",
    "/deep": "<a>no address</a>",
}


class Server:
    """A web server of a few pages; those beside the first wait until `together` are asked for."""

    def __init__(self, together: int = 1) -> None:
        self.together = together
        self.most = 0
        self.asked: list[str] = []
        self._under_way = 0
        self._ready: asyncio.Event
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        async def main() -> None:
            self._ready, self._end = asyncio.Event(), asyncio.Event()
            server = await asyncio.start_server(self._answer, sock=self._socket)
            await self._end.wait()
            server.close()

        self._loop.run_until_complete(main())
        self._loop.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        self.asked.append(path)
        if path != "/":
            self._under_way += 1
            self.most = max(self.most, self._under_way)
            if self._under_way >= self.together:
                self._ready.set()
            await self._ready.wait()
            self._under_way -= 1
        if path == "/cut":
            writer.write(b"HTTP/1.1 200")
        else:
            status = "200 OK" if path in PAGES or path.endswith(".png") else "404 Not Found"
            kind = "image/png" if path.endswith(".png") else "text/html"
            head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n\r\n"
            writer.write(head.encode() + PAGES.get(path, "").encode())
        writer.close()
        await writer.wait_closed()

    def close(self) -> None:
        """End the server and its thread."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(30)


@pytest.fixture
def server() -> Iterator[Server]:
    """Pages at once."""
    running = Server()
    yield running
    running.close()


@pytest.fixture
def patient_server() -> Iterator[Server]:
    """Pages that answer as soon as four questions are under way, and not before."""
    running = Server(together=4)
    yield running
    running.close()


def run(address: str, **fields: int) -> CheckLinks:
    """Run a check here and return it as it was stored."""
    operation = CheckLinks.objects.create(address=address, **fields)
    execute(operation, pump=InlinePump(), sinks=[], web=False)
    return CheckLinks.objects.get(pk=operation.pk)


def test_links_are_those_of_the_same_site() -> None:
    assert links_of(PAGES["/"], "http://site.test/") == [
        "http://site.test/a",
        "http://site.test/b",
        "http://site.test/c",
        "http://site.test/gone",
        "http://site.test/picture.png",
        "http://site.test/",
    ]


@pytest.mark.django_db(transaction=True)
def test_it_asks_for_everything_once_and_names_what_is_broken(server: Server) -> None:
    operation = run(server.address)
    assert operation.get_state() == "FINISHED_OK", operation.live_progress.error_text
    assert set(operation.stage_states.values()) == {"done"}
    assert sorted(server.asked) == ["/", "/a", "/b", "/c", "/deep", "/gone", "/picture.png"]
    assert operation.result_context is not None
    assert operation.result_context["asked"] == 7
    assert operation.result_context["broken"] == [["/gone", 404]]
    assert operation.live_progress.status_text == "1 link leads nowhere"


@pytest.mark.django_db(transaction=True)
def test_four_questions_are_under_way_at_once(patient_server: Server) -> None:
    """The server answers none before it has four: one after the other would wait for ever."""
    operation = run(patient_server.address, at_once=4)
    assert operation.get_state() == "FINISHED_OK", operation.live_progress.error_text
    assert patient_server.most == 4, "and never more than was asked for"


@pytest.mark.django_db(transaction=True)
def test_a_site_that_does_not_answer_fails_it() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, but nobody listens
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        operation = run(address)
    assert operation.get_state() == "FINISHED_ERROR"
    assert f"{address} does not answer" in operation.live_progress.error_text


def test_whatever_goes_wrong_is_in_the_answer(server: Server) -> None:
    async def both() -> list[tuple[int, bool]]:
        found = [await ask(server.address + "cut"), await ask("http://127.0.0.1:99999/")]
        return [(answer.status, bool(answer.problem)) for answer in found]

    assert asyncio.run(both()) == [(0, True), (0, True)]
