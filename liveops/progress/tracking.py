"""The loops of ``track()``: as little as possible between two items.

The counter is the loop variable of ``enumerate``, so that a pump in another thread reads the
exact count at any time; the only other cost of an iteration is one look at the alarm.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from liveops.progress.state import Counter

if TYPE_CHECKING:
    from liveops.progress.run import Run

T = TypeVar("T")


def track_sync(iterable: Iterable[T], counter: Counter, run: "Run") -> Iterator[T]:
    """Yield the items; ``counter.n`` is the number of items that user code has finished."""
    state = run.state
    state.start_counter(counter)
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
        _close(counter, run)


async def track_async(iterable: AsyncIterable[T], counter: Counter, run: "Run") -> AsyncIterator[T]:
    """Yield the items of an async iterable, counted in the same way."""
    state = run.state
    state.start_counter(counter)
    try:
        async for item in iterable:
            if state.alarm:
                run.answer_alarm()
            yield item
            counter.n += 1
    finally:
        _close(counter, run)


def _close(counter: Counter, run: "Run") -> None:
    counter.active = False
    run.state.progress_changed = True
    run.state.wake()
