"""Clocks for runs in tests: seconds that pass without anybody waiting."""

import time


class HandClock:
    """Stands still until it is moved: what takes no simulated time takes no time."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return self.passed

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: less than nothing, or not a number.
        """
        if not seconds >= 0:
            raise ValueError(f"A clock goes on by 0 seconds or more, not by {seconds!r}.")
        self.passed += seconds


class SkippingClock(HandClock):
    """Goes on with the real time, and faster while waits are passed over."""

    def __call__(self) -> float:
        return time.monotonic() + self.passed
