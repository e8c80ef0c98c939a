"""Slow a loop down to a given rate, so that there is something to watch."""

import time
from collections.abc import Callable

#: A sleep is never longer than this, in seconds, so that a cancel is prompt.
SLICE = 0.1
#: Debts below this, in seconds, are carried on: no system sleeps for a quarter of a millisecond.
WORTH_SLEEPING = 0.01


class Pacer:
    """Hold a loop to `rate` items a second by sleeping off the time it is ahead.

    Args:
        rate: items a second; 0 means full speed.
        between: called before each sleep, for example `p.check_cancelled`; what it raises ends
            the wait.
        clock: seconds, only ever growing.
        sleep: waits for so many seconds.

    """

    def __init__(
        self,
        rate: float,
        *,
        between: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.rate = rate
        self._between = between
        self._clock = clock
        self._sleep = sleep
        self._due: float | None = None

    def step(self, count: int = 1) -> None:
        """Account for `count` items done; wait if that was faster than the rate allows."""
        if not self.rate:
            return
        now = self._clock()
        # Time lost beyond one slice is lost: the loop must not race to catch up.
        due = now if self._due is None else max(self._due, now - SLICE)
        self._due = due + count / self.rate
        while (ahead := self._due - self._clock()) > WORTH_SLEEPING:
            self._between()
            self._sleep(min(ahead, SLICE))
