"""Who is due when, of many. Pure: the clock's reading is passed in."""

from collections.abc import Hashable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Agenda(Generic[K]):
    """Keeps a moment for each key, and finds those that have come without looking at the others.

    Not thread-safe.
    """

    def __init__(self) -> None:
        self._moments: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []  # with moments that were moved since
        self._order = count()

    @property
    def next_at(self) -> float:
        """The first moment of all, or one before it; infinite if there is none."""
        return self._heap[0][0] if self._heap else float("inf")

    def put(self, key: K, moment: float) -> None:
        """Set the one moment of a key; infinite for none."""
        if self._moments.get(key) == moment:
            return
        if moment == float("inf"):
            self._moments.pop(key, None)
            return
        self._moments[key] = moment
        heappush(self._heap, (moment, next(self._order), key))

    def take(self, now: float) -> Iterator[K]:
        """Yield, and forget, each key whose moment has come by ``now``; the earliest first."""
        heap, moments = self._heap, self._moments
        while heap and heap[0][0] <= now:
            moment, _, key = heappop(heap)
            if moments.get(key) == moment:
                del moments[key]
                yield key
