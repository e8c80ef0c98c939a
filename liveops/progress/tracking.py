"""The loops of ``track()``: as little as possible between two items.

Nothing is counted: ``compress`` takes a tick with each item, and how many of those are left says at
any time, to a pump in another thread too, how many items there were. The only other cost of an
iteration is one look at the alarm.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Iterator
from itertools import compress
from typing import TYPE_CHECKING, Protocol, TypeVar

from liveops.progress.state import Counter

if TYPE_CHECKING:
    from liveops.progress.serving import ServedRun as Run

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class EitherIterator(Iterable[T_co], AsyncIterable[T_co], Protocol[T_co]):
    """What ``track()`` returns for a QuerySet: to type checkers it may be looped over both ways."""

    def __iter__(self) -> Iterator[T_co]:
        """Loop in plain code."""
        ...

    def __next__(self) -> T_co:
        """Return the next item."""
        ...

    def __aiter__(self) -> AsyncIterator[T_co]:
        """Loop in an ``async def run``."""
        ...

    def __anext__(self) -> Awaitable[T_co]:
        """Return the next item once it is awaited."""
        ...


def track_sync(iterable: Iterable[T], counter: Counter, run: "Run") -> Iterator[T]:
    """Yield the items; ``counter.n`` is the number of items that user code has finished."""
    state = run.state
    outer = state.start_counter(counter)
    is_done = False
    try:
        for item in compress(iterable, counter.ticks()):
            if state.alarm:
                run.answer_alarm()
            yield item
        is_done = True
    finally:
        _close(counter, outer, run, is_done=is_done)


async def track_async(iterable: AsyncIterable[T], counter: Counter, run: "Run") -> AsyncIterator[T]:
    """Yield the items of an async iterable, counted in the same way."""
    state = run.state
    outer = state.start_counter(counter)
    try:
        async for item in iterable:
            if state.alarm:
                run.answer_alarm()
            yield item
            counter.n += 1
    finally:
        _close(counter, outer, run, is_done=True)


def _close(counter: Counter, outer: Counter | None, run: "Run", *, is_done: bool) -> None:
    counter.end(is_done=is_done)
    # A loop inside another gives the bar back to it.
    if run.state.counter is counter and outer is not None and outer.active:
        run.state.counter = outer
    run.state.progress_changed = True
    run.state.wake()
