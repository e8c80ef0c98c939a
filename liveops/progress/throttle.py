"""When the next frame may go out. Pure: the clock's reading is passed in."""


class Throttle:
    """Allow at most one event an interval: the first at once, the rest coalesced.

    Args:
        interval: the least time between two events, in seconds.
    """

    __slots__ = ("interval", "next_at")

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self.next_at = 0.0

    def due(self, now: float) -> bool:
        """Return whether an event may happen at ``now`` (seconds of a monotonic clock)."""
        return now >= self.next_at

    def mark(self, now: float) -> None:
        """Note that an event happened at ``now``."""
        self.next_at = now + self.interval

    def hurry(self) -> None:
        """Make the next event due at once."""
        self.next_at = 0.0
