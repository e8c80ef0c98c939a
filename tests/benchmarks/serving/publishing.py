"""The publisher: a process that runs a real operation, or sends the same HTML by hand."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import django

from tests.benchmarks.serving.orders import answer, received
from tests.benchmarks.serving.stamps import around, find, stamped

_PAUSE = 0.1
_SHORT_PAUSE = 0.01
_DEADLINE = 30.0


class Emitted:
    """A sink that knows which updates went out.

    It has its turn before the web's, so within what is measured: it keeps them, and no more.
    """

    def __init__(self) -> None:
        self._updates: deque[Any] = deque()
        self._last: Any = None

    def emit(self, update: Any) -> None:
        """Take an update."""
        self._updates.append(update)

    def close(self) -> None:
        """Nothing to release."""

    def until(self, number: int) -> list[int]:
        """Wait until a text is out; return the numbers of all since the last call."""
        deadline, pause = time.monotonic() + _DEADLINE, threading.Event()
        numbers: set[int] = set()
        while number not in numbers:
            if time.monotonic() > deadline:
                raise TimeoutError(f"The text {number} was not sent.")
            pause.wait(_SHORT_PAUSE)
            while self._updates:
                update = self._updates.popleft()
                if (stamp := find(update.view.status_text.encode())) is not None:
                    numbers.add(stamp.number)
                    self._last = update
        return sorted(numbers)

    def html(self) -> str:
        """Return the HTML of the last of those."""
        from liveops import rendering  # noqa: PLC0415  (needs the app registry)

        assert self._last is not None, "ours goes first: its HTML is what bare sends"
        return rendering.fragments(self._last)


def main() -> None:
    """Carry out orders.

    ``begin`` runs an operation, ``ours`` has it say something ten times a second, ``bare`` sends
    the same HTML to the group of the bare consumer, and ``end`` ends the operation.
    """
    django.setup()
    orders = received()
    for order in orders:
        _operate(order["op"], orders)
        answer()


def _operate(pk: str, orders: Iterator[dict[str, Any]]) -> None:
    from liveops.progress import Progress  # noqa: PLC0415  (needs the app registry)
    from liveops.progress.pumps import threaded_pump  # noqa: PLC0415
    from liveops.runners.executor import execute  # noqa: PLC0415
    from tests.testapp.models import Scripted  # noqa: PLC0415

    emitted, pause = Emitted(), threading.Event()

    def body(operation: Scripted, p: Progress) -> None:
        answer()
        with asyncio.Runner() as runner:
            for order in orders:
                if order["do"] == "end":
                    return
                numbers = range(order["first"], order["first"] + order["frames"])
                if order["do"] == "bare":
                    runner.run(_send(pk, numbers, emitted.html()))
                    answer(sent=list(numbers))
                    continue
                for number in numbers:
                    p.status(stamped(number))
                    pause.wait(_PAUSE)
                answer(sent=emitted.until(numbers[-1]))

    Scripted.body = body
    execute(Scripted.objects.get(pk=pk), pump=threaded_pump(), sinks=[emitted])


async def _send(pk: str, numbers: range, html: str) -> None:
    from channels.layers import get_channel_layer  # noqa: PLC0415  (needs the settings)

    from tests.benchmarks.serving.bare import group_of  # noqa: PLC0415

    layer: Any = get_channel_layer()
    group, (before, after) = group_of(pk), around(html)  # all that is known before the call
    for number in numbers:
        message = {"type": "frame", "html": f"{before}{stamped(number)}{after}"}
        await layer.group_send(group, message)
        await asyncio.sleep(_PAUSE)


if __name__ == "__main__":
    main()
