"""The watchers: many sockets on one event loop, which do as little as can be.

What arrives is stamped by the system (:mod:`tests.benchmarks.serving.wire`). Their own share of a
processor is part of every answer all the same: near 1, they take it from what they measure.
"""

import asyncio
import json
import socket
import sys
import time
from collections import defaultdict
from typing import Any

from tests.benchmarks.serving import framing, stamps
from tests.benchmarks.serving.orders import answer
from tests.benchmarks.serving.wire import Wire

_QUIET_SECONDS = 3.0
_CONNECT_SECONDS = 60.0
_SMALL_BUFFER = 2048


class Watcher:
    """One socket.

    Args:
        end: the connected socket, which does not block.
        hello: the request that opens it.
        subscribe: what it sends then, if anything.

    Attributes:
        shown: done with the first message; that it is none is told as an error.
        delays: of each text in nanoseconds, by its number.
    """

    def __init__(self, end: socket.socket, hello: bytes, subscribe: bytes) -> None:
        self._subscribe = subscribe
        self._rest = b""
        self._is_open = False
        self._numbers = range(0)
        self._reached: asyncio.Future[None] | None = None
        self.shown: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.delays: dict[int, int] = {}
        self.wire = Wire(end, self)
        self.wire.send(hello)

    def take(self, data: bytes, arrived_at: int) -> None:
        """Note when a text arrived."""
        self._rest += data
        if not self._is_open and not self._opens():
            return
        frames, self._rest = framing.frames_in(self._rest)
        for opcode, payload in frames:
            if opcode == framing.TEXT:
                self._take(payload, arrived_at)
            elif opcode == framing.PING:
                self.wire.send(framing.frame(framing.PONG, payload))
            elif opcode == framing.CLOSE:
                self.wire.close()
                self.end(None)

    def end(self, error: OSError | None) -> None:
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
            self.wire.close()
            self.end(None)
            return False
        self._is_open, self._rest = True, rest
        if self._subscribe:
            self.wire.send(self._subscribe)
        return True

    def _take(self, payload: bytes, arrived_at: int) -> None:
        if not self.shown.done():
            if b'"error"' in payload[:100]:
                self.shown.set_exception(ConnectionError(payload.decode()))
            else:
                self.shown.set_result(None)
        for stamp in stamps.find_all(payload):
            if stamp.number in self._numbers:
                self.delays.setdefault(stamp.number, arrived_at - stamp.said_at)
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
                watcher = Watcher(end, hello, subscribe)
                self._sets[order["name"]].append(watcher)
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await watcher.shown
                if order["is_small"]:
                    watcher.wire.pause()  # a slow one, from now on

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
            watcher.wire.close()
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
