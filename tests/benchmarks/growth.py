"""How costs grow with the numbers: of operations, log lines, stages, watchers, and what runs.

Each is measured at some sizes, and a line is laid through the logarithms: its slope is the
exponent, 0 for what costs the same at any size and 1 for what is linear. What is compared is the
cost of ten times as much, 10 to the power of the exponent, since that is never near zero.
"""

import asyncio
import math
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.test import Client

from liveops.consumers import LiveOperationConsumer
from liveops.hub import current_hub
from liveops.progress import Progress
from liveops.progress.pumps import threaded_pump
from liveops.reaping import Reaper
from liveops.runners.executor import execute
from liveops.states import State
from liveops.subscription import Subscription
from tests.benchmarks import rows
from tests.benchmarks.measured import Measured
from tests.benchmarks.pages import asks, client_of, queries_of, quickest, undone
from tests.testapp.models import Scripted

SIZES = (10, 100, 1_000, 10_000)
STAGES = (10, 100, 1_000)
HIGHEST_EXPONENT = 1.1
_ROUNDS = 9


@dataclass(frozen=True)
class Growth:
    """What something costs at some sizes.

    Attributes:
        name: what grows.
        sizes: how many there were.
        milliseconds: the cost at each size.
        queries: likewise; empty where they are part of what grows.
    """

    name: str
    sizes: tuple[int, ...]
    milliseconds: tuple[float, ...]
    queries: tuple[int, ...] = ()

    @property
    def exponent(self) -> float:
        """The slope of the line through the logarithms."""
        return exponent_of(self.sizes, self.milliseconds)


def exponent_of(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return the exponent of the power law that fits best, by least squares of logarithms."""
    xs, ys = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    return above / sum((x - x_mean) ** 2 for x in xs)


def measure() -> Iterator[Measured]:
    """Measure what ten times as much costs, and whether it takes more queries."""
    for growth in growths():
        print(f"{growth.name}: exponent {growth.exponent:.2f}")
        yield Measured(
            *("growth", f"ten times the {growth.name}", 10**growth.exponent, "×"),
            *("linear", 10.0, 10 ** (HIGHEST_EXPONENT - 1)),
        )
        if growth.queries:
            few, most = growth.queries[0], max(growth.queries)
            yield Measured(
                *("growth", f"{growth.sizes[-1]:,} {growth.name}", most, "queries"),
                *(f"{growth.sizes[0]}", few, 1.0),
                is_count=True,
            )


def growths() -> Iterator[Growth]:
    """Measure everything that may grow."""
    client = client_of("somebody", is_superuser=True)
    yield _operations(client)
    yield _lines(client)
    yield _looks()
    yield _watchers()
    yield _stages()


def _operations(client: Client) -> Growth:
    def grow(number: int) -> Callable[[], None]:
        rows.multiply(rows.operation(), number - 1)
        rows.operation(State.STARTED)
        return asks(client, "/live/")

    return _grown("operations in the list", grow)


def _lines(client: Client) -> Growth:
    def grow(number: int) -> Callable[[], None]:
        operation = rows.operation()
        rows.give_lines(operation, number)
        return asks(client, operation.get_absolute_url())

    return _grown("log lines of a page", grow)


def _looks() -> Growth:
    def grow(number: int) -> Callable[[], None]:
        running = rows.operation(State.STARTED)
        rows.multiply(running, number - 1)
        rows.give_progress(running)
        return lambda: _look(Reaper())

    return _grown("runs that a reaper looks at", grow)


def _look(reaper: Reaper) -> None:
    assert not reaper.round(hands_over=True).suspects


def _grown(name: str, grow: Callable[[int], Callable[[], None]]) -> Growth:
    times, queries = [], []
    for size in SIZES:
        with undone():
            ask = grow(size)
            queries.append(queries_of(ask))
            times.append(quickest(ask, _ROUNDS))
    return Growth(name, SIZES, tuple(times), tuple(queries))


def _watchers() -> Growth:
    times = tuple(asyncio.run(_delivered(number)) for number in SIZES)
    return Growth("watchers that a frame is handed to", SIZES, times)


async def _delivered(number: int) -> float:
    """Return the milliseconds that it takes to hand a frame to so many sockets, without a server.

    There are no queries: what is handed on was rendered and encoded elsewhere.
    """
    hub, op, sent = current_hub(), str(uuid.uuid4()), [0]
    hub._looker = asyncio.create_task(asyncio.sleep(3_600))  # not what is measured

    async def take(message: object) -> None:
        sent[0] += 1
        if sent[0] == number:
            all_have_it.set()

    all_have_it, sockets = asyncio.Event(), []
    for _ in range(number):
        socket: Any = LiveOperationConsumer()
        socket.scope, socket.base_send = {"type": "websocket", "user": None}, take
        await socket.connect()
        socket._subscriptions[op] = Subscription(op)
        await hub.join(socket._subscriptions[op].group, socket)
        sockets.append(socket)
    await asyncio.sleep(0)
    best, text = math.inf, "x" * 500
    for seq in range(_ROUNDS):
        sent[0] = 0
        all_have_it.clear()
        began = time.perf_counter()
        hub._take({**_FRAME, "op": op, "seq": seq, "text": text})
        async with asyncio.timeout(_DEADLINE):
            await all_have_it.wait()  # a crowd is served in portions
            best = min(best, time.perf_counter() - began)
            if hub._pacer._task is not None:
                await hub._pacer._task  # it rests after a crowd
    for socket in sockets:
        await socket.disconnect(1000)
    hub._looker.cancel()
    return best * 1000


_DEADLINE = 30.0
_FRAME = {"state": "STARTED", "log_seq": 0, "controls": False, "finished": ""}


def _stages() -> Growth:
    declared = Scripted.stages
    try:
        times = tuple(min(_run_of_stages(number) for _ in range(3)) for number in STAGES)
    finally:
        Scripted.stages = declared
    return Growth("stages of a run", STAGES, times)


def _run_of_stages(number: int) -> float:
    """Return the milliseconds that a run takes to go through so many stages."""
    names = [f"Stage {n}" for n in range(number)]
    took: list[float] = []

    def run(operation: Scripted, p: Progress) -> None:
        began = time.perf_counter()
        for name in names:
            with p.stage(name):
                pass
        took.append(time.perf_counter() - began)

    Scripted.stages, Scripted.body = names, run
    # What watchers are shown is rendered, too: there is a channel layer.
    execute(Scripted.objects.create(), pump=threaded_pump())
    return took[0] * 1000
