"""The watchers: many sockets on one event loop, which do as little as can be.

Its own share of a processor is part of every answer: as long as that is far from 1, what is late
was late on the way.
"""

import asyncio
import json
import socket
import sys
import time
from collections import defaultdict
from typing import Any, cast

from tests.benchmarks.serving import framing, stamps
from tests.benchmarks.serving.orders import answer

_QUIET_SECONDS = 3.0
_CONNECT_SECONDS = 60.0
_SMALL_BUFFER = 2048


class Watcher(asyncio.Protocol):
    """One socket.

    Args:
        hello: the request that opens it.
        subscribe: what it sends then, if anything.

    Attributes:
        shown: done with the first message; that it is none is told as an error.
        delays: of each text in nanoseconds, by its number.
    """

    def __init__(self, hello: bytes, subscribe: bytes) -> None:
        self._hello = hello
        self._subscribe = subscribe
        self._rest = b""
        self._is_open = False
        self._numbers = range(0)
        self._reached: asyncio.Future[None] | None = None
        self.shown: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.delays: dict[int, int] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._hello)

    def data_received(self, data: bytes) -> None:
        """Note when a text arrived."""
        now = time.monotonic_ns()
        self._rest += data
        if not self._is_open and not self._opens():
            return
        frames, self._rest = framing.frames_in(self._rest)
        for opcode, payload in frames:
            if opcode == framing.TEXT:
                self._take(payload, now)
            elif opcode == framing.PING:
                self.transport.write(framing.frame(framing.PONG, payload))
            elif opcode == framing.CLOSE:
                self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Fail whoever waits."""
        for waiting in (self.shown, self._reached):
            if waiting is not None and not waiting.done():
                waiting.set_exception(ConnectionError(f"closed: {error}"))

    def begin(self, numbers: range) -> None:
        """Forget what came, and wait for the last of these texts."""
        self.delays = {}
        self._numbers = numbers
        self._reached = asyncio.get_running_loop().create_future()

    async def reached(self) -> None:
        """Return when that text has come."""
        assert self._reached is not None
        await self._reached

    def _opens(self) -> bool:
        head, end, rest = self._rest.partition(b"\r\n\r\n")
        if not end:
            return False
        if b" 101 " not in head.split(b"\r\n")[0]:
            self.transport.close()
            return False
        self._is_open, self._rest = True, rest
        if self._subscribe:
            self.transport.write(self._subscribe)
        return True

    def _take(self, payload: bytes, now: int) -> None:
        if not self.shown.done():
            if b'"error"' in payload[:100]:
                self.shown.set_exception(ConnectionError(payload.decode()))
            else:
                self.shown.set_result(None)
        for stamp in stamps.find_all(payload):
            if stamp.number in self._numbers:
                self.delays.setdefault(stamp.number, now - stamp.said_at)
                is_last = stamp.number == self._numbers[-1]
                if is_last and self._reached and not self._reached.done():
                    self._reached.set_result(None)


class Watchers:
    """All sockets of this process, in named sets."""

    def __init__(self) -> None:
        self._sets: defaultdict[str, list[Watcher]] = defaultdict(list)

    async def connect(self, order: dict[str, Any]) -> dict[str, Any]:
        """Connect so many more, so many at a time; tell how long until all show something."""
        host, port = order["host"].split(":")
        op = order["subscribe"]
        wish = json.dumps({"subscribe": {"op": op}}).encode() if op else b""
        hello = framing.handshake(order["host"], order["path"], order["cookie"])
        subscribe = framing.frame(framing.TEXT, wish) if wish else b""
        turn = asyncio.Semaphore(order["at_once"])
        loop = asyncio.get_running_loop()

        async def one() -> None:
            async with turn:
                end = socket.socket()
                end.setblocking(False)
                if order["is_small"]:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
                await loop.sock_connect(end, (host, int(port)))
                _, watcher = await loop.create_connection(
                    lambda: Watcher(hello, subscribe), sock=end
                )
                self._sets[order["name"]].append(watcher)
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await watcher.shown
                if order["is_small"]:
                    watcher.transport.pause_reading()  # a slow one, from now on

        began, busy = time.perf_counter(), time.process_time()
        done = await asyncio.gather(
            *(one() for _ in range(order["number"])), return_exceptions=True
        )
        seconds = time.perf_counter() - began
        errors = [repr(each) for each in done if isinstance(each, BaseException)]
        share = (time.process_time() - busy) / seconds
        return {"seconds": seconds, "errors": len(errors), "first": errors[:1], "share": share}

    async def connect_all(self, order: dict[str, Any]) -> dict[str, Any]:
        """Connect several sets at the same time."""
        told = await asyncio.gather(*(self.connect(each) for each in order["orders"]))
        return {"told": told}

    async def collect(self, order: dict[str, Any]) -> dict[str, Any]:
        """Take texts until the last has come everywhere; for the slow ones nobody waits.

        The first answer says that they are ready, the second what came.
        """
        numbers = range(order["first"], order["first"] + order["frames"])
        watchers = self._sets[order["name"]]
        others = watchers[order["slow"] :]
        for watcher in watchers:
            watcher.begin(numbers)
        answer()
        began, busy = time.perf_counter(), time.process_time()
        waiting = asyncio.gather(*(each.reached() for each in others), return_exceptions=True)
        # What is lost never comes: nobody waits for it longer than it has been quiet.
        known = -1
        while not waiting.done() and known < (now := sum(len(each.delays) for each in others)):
            known = now
            await asyncio.wait([waiting], timeout=_QUIET_SECONDS)
        waiting.cancel()
        share = (time.process_time() - busy) / (time.perf_counter() - began)
        return {
            "delays": sorted(delay for each in others for delay in each.delays.values()),
            "received": [sorted(each.delays) for each in others],
            "share": share,
        }

    async def close(self, order: dict[str, Any]) -> dict[str, Any]:
        """Close all of a set but so many."""
        watchers = self._sets[order["name"]]
        for watcher in watchers[order["but"] :]:
            watcher.transport.abort()
        del watchers[order["but"] :]
        return {}


async def main() -> None:
    """Carry out orders: ``connect``, ``connect_all``, ``collect`` and ``close``."""
    loop, watchers = asyncio.get_running_loop(), Watchers()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        answer(**await getattr(watchers, order["do"])(order))


if __name__ == "__main__":
    asyncio.run(main())
