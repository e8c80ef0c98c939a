"""A watcher of a site: a real socket to Daphne, read in a thread, that keeps what it was sent."""

import json
import re
import threading
from contextlib import ExitStack
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.engines.process import Process
from tests.engines.waiting import until

_TAG = re.compile(r"<[^>]*>")
_LINE = re.compile(r'<li[^>]* data-n="(\d+)"')


class Socket:
    """Watches one operation until the block ends, and asks for nothing again.

    Args:
        daphne: the server.
        started: id of the operation and a token, as the server answered.
    """

    def __init__(self, daphne: Process, started: dict[str, str]) -> None:
        self.frames: list[dict[str, Any]] = []
        self.closed = ""
        self._daphne = daphne
        self._stack = ExitStack()
        self._subscribe = {"op": started["op"], "token": started["token"], "log_after": 0}
        self._url = daphne.url.replace("http", "ws") + "/ws/liveops/"

    def __enter__(self) -> Self:
        """Connect, and subscribe."""
        connecting = connect(self._url, max_size=None, open_timeout=60)
        self._connection = self._stack.enter_context(connecting)
        self._connection.send(json.dumps({"subscribe": self._subscribe}))
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._stack.close()
        self._thread.join(30)

    def _read(self) -> None:
        try:
            for text in self._connection:
                self.frames.append(json.loads(text))
        except ConnectionClosed as error:
            self.closed = str(error)

    @property
    def html(self) -> str:
        """All the HTML that it was sent."""
        return "".join(frame.get("liveop_html", "") for frame in list(self.frames))

    @property
    def lines(self) -> list[int]:
        """The numbers of the log lines that a page shows after this, in their order.

        A snapshot may include lines of a frame that follows it; a page takes each number once.
        """
        return list(dict.fromkeys(int(number) for number in _LINE.findall(self.html)))

    @property
    def state(self) -> str:
        """How the operation ended, as far as it was told."""
        ends = [
            frame["liveop_finished"] for frame in list(self.frames) if "liveop_finished" in frame
        ]
        return str(ends[-1]["state"]) if ends else ""

    @property
    def text(self) -> str:
        """What there was to read on the way."""
        return " ".join(_TAG.sub(" ", self.html).split())

    def sees(self, text: str, seconds: float = 30.0) -> None:
        """Wait until it was sent words to read."""
        words = re.compile(rf"(?<!\w){re.escape(text)}(?!\w)")
        until(lambda: words.search(self.text), seconds, lambda: f"{text!r}; {self._state_of_it()}")

    def hears_of_the_end(self, state: str = "FINISHED_OK", seconds: float = 60.0) -> None:
        """Wait until it is told of the end."""
        until(lambda: self.state, seconds, lambda: f"the end; {self._state_of_it()}")
        assert self.state == state

    def _state_of_it(self) -> str:
        what = "open" if self._thread.is_alive() else f"closed: {self.closed}"
        return f"{what}, {len(self.frames)} frames: {self.html[-3000:]}\n{self._daphne.log[-3000:]}"
