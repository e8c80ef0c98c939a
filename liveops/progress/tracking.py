"""The loops of ``track()``: as little as possible between two items.

The counter is the loop variable of ``enumerate``, so that a pump in another thread reads the
exact count at any time; the only other cost of an iteration is one look at the alarm.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Iterator
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
    done = False
    try:
        for counter.n, item in enumerate(iterable):
            if state.alarm:
                run.answer_alarm()
            yield item
            done = True
        if done:
            counter.n += 1
    finally:
        _close(counter, outer, run)


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
        _close(counter, outer, run)


def _close(counter: Counter, outer: Counter | None, run: "Run") -> None:
    # A loop inside another gives the bar back to it.
    counter.active = False
    if run.state.counter is counter and outer is not None and outer.active:
        run.state.counter = outer
    run.state.progress_changed = True
    run.state.wake()
