"""The publisher: a process that runs a real operation, or sends the same HTML by hand."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import django

from tests.benchmarks.serving.orders import answer, received
from tests.benchmarks.serving.stamps import find, replace, stamped

_PAUSE = 0.1
_DEADLINE = 30.0


class Emitted:
    """A sink that knows which texts went out, and keeps the HTML of one."""

    def __init__(self) -> None:
        self.html = ""
        self._numbers: set[int] = set()
        self._grown = threading.Condition()

    def emit(self, update: Any) -> None:
        """Take an update."""
        from liveops import rendering  # noqa: PLC0415  (needs the app registry)

        stamp = find(update.view.status_text.encode())
        if stamp is None:
            return
        if not self.html:
            self.html = rendering.fragments(update)
        with self._grown:
            self._numbers.add(stamp.number)
            self._grown.notify_all()

    def close(self) -> None:
        """Nothing to release."""

    def until(self, number: int) -> list[int]:
        """Wait until a text is out; return the numbers of all since the last call."""
        with self._grown:
            if not self._grown.wait_for(lambda: number in self._numbers, _DEADLINE):
                raise TimeoutError(f"The text {number} was not sent.")
            numbers, self._numbers = sorted(self._numbers), set()
        return numbers


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
                    runner.run(_send(pk, numbers, emitted.html))
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

    assert html, "ours goes first: its HTML is what bare sends"
    layer: Any = get_channel_layer()
    for number in numbers:
        message = {"type": "frame", "html": replace(html, stamped(number))}
        await layer.group_send(group_of(pk), message)
        await asyncio.sleep(_PAUSE)


if __name__ == "__main__":
    main()
