"""How fast a counter moves, smoothed. Pure: readings and times are passed in."""


class RateMeter:
    """Turn readings of a counter into items a second.

    In the first seconds the rate is the plain average since the start: a first reading counts whole
    items only, so it may lack nearly one of two, and must not set the tone for long. Later readings
    are blended in with exponential smoothing, so that the rate follows a change within a few
    seconds and still does not jump with each reading. A reading covers the time since the counter
    last moved, however long one item takes; while nothing moves, the rate falls as if the next item
    came just now.
    """

    __slots__ = ("_at", "_count", "_start", "rate")

    TIME_CONSTANT = 3.0
    """Seconds after which an old rate has lost about two thirds of its weight."""

    def __init__(self, now: float) -> None:
        self.rate: float | None = None
        self._count = 0
        self._at = self._start = now

    def read(self, count: int, now: float) -> float | None:
        """Take a reading of the counter at ``now`` (seconds) and return the rate, if known."""
        elapsed = now - self._at
        if elapsed < 0.05:
            return self.rate
        moved = max(count - self._count, 0)
        current = max(moved, 1) / elapsed
        # The whole time since the start, until that is longer than the smoothing looks back.
        weight = elapsed / min(elapsed + self.TIME_CONSTANT, now - self._start)
        rate = current if self.rate is None else self.rate + (current - self.rate) * weight
        if not moved:
            return None if self.rate is None else min(self.rate, rate)
        self.rate = rate
        self._count = count
        self._at = now
        return rate
