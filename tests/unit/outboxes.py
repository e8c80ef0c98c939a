"""A socket for the tests of outboxes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from autobahn.exception import Disconnected

from liveops.outbox import Outbox

DEADLINE = 10.0


class Wire:
    """A socket that takes texts, slowly if it is told to."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.tasks: list[Any] = []
        self.failed = 0
        self.asked = 0
        self.due: list[Callable[[], None]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.outbox = Outbox(self.send, self.then, self.fail)

    async def send(self, text: str) -> None:
        """Take a text."""
        self.tasks.append(asyncio.current_task())
        if not self.open.is_set():
            await self.open.wait()
            self.tasks.append(asyncio.current_task())
        if text == "broken":
            raise ConnectionResetError("gone")
        if text == "closed protocol":
            raise Disconnected("Attempt to send on a closed protocol")  # as Daphne has it
        if text == "odd":
            raise LookupError("odd")
        if text == "given up":
            raise asyncio.CancelledError
        self.sent.append(text)

    async def then(self) -> bool:
        """Do what is due."""
        self.asked += 1
        if self.due:
            self.due.pop()()
            return True
        return False

    async def fail(self) -> None:
        """Note that it cannot be served."""
        self.failed += 1

    async def idle(self) -> None:
        """Return when its task waits for work."""
        await until(lambda: self.outbox._is_idle)


async def until(happens: Callable[[], Any]) -> None:
    """Wait until something is so."""
    while not happens():  # noqa: ASYNC110  (nothing tells of it)
        await asyncio.sleep(0)


def in_a_loop(test: Callable[[Wire], Awaitable[None]]) -> None:
    """Run a coroutine that takes a wire of its own."""

    async def run() -> None:
        async with asyncio.timeout(DEADLINE):
            wire = Wire()
            await wire.idle()
            await test(wire)
            wire.outbox.close()
            await asyncio.gather(wire.outbox._task, return_exceptions=True)

    asyncio.run(run())
