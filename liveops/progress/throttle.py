"""When something may go out. Pure: the clock's reading is passed in."""


class Throttle:
    """Allow at most one event an interval: the first at once, the rest coalesced.

    Args:
        interval: the least time between two events, in seconds.
    """

    __slots__ = ("_marked_at", "interval", "next_at")

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self.next_at = 0.0
        self._marked_at = float("-inf")

    def due(self, now: float) -> bool:
        """Return whether an event may happen at ``now`` (seconds of a monotonic clock)."""
        return now >= self.next_at

    def mark(self, now: float) -> None:
        """Note that an event happened at ``now``."""
        self._marked_at = now
        self.next_at = now + self.interval

    def hurry(self, interval: float = 0.0) -> None:
        """Make the next event due sooner: ``interval`` seconds after the last, or at once."""
        self.next_at = min(self.next_at, self._marked_at + interval)


class Allowance:
    """Allow so many events at any rate, and no more than so many a second after that.

    Args:
        most: how many there may be at once.
        per_second: how many more there may be with each second.
    """

    __slots__ = ("_left", "_most", "_per_second", "_read_at")

    def __init__(self, most: float, per_second: float) -> None:
        self._most = self._left = most
        self._per_second = per_second
        self._read_at = float("inf")

    def allows(self, now: float, cost: float = 1.0) -> bool:
        """Return whether an event that counts as ``cost`` may happen at ``now``.

        Args:
            now: seconds of a monotonic clock.
            cost: as how many events it counts.
        """
        self._left = min(self._left + max(now - self._read_at, 0.0) * self._per_second, self._most)
        self._read_at = now
        return self._left >= min(cost, self._most)

    def take(self, now: float, cost: float = 1.0) -> bool:
        """Have an event happen if it may; return whether it does. Arguments as above."""
        allowed = self.allows(now, cost)
        self._left -= min(cost, self._most) * allowed
        return allowed
