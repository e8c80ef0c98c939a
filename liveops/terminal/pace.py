"""When to look again at an operation, and what is done while nothing is looked at."""

import threading
import time
from collections.abc import Callable

from liveops import conf
from liveops.reaping_thread import Watchman
from liveops.terminal.hints import Hints

_QUICKEST_SECONDS = 0.25
_SLOWEST_SECONDS = 2.0


class Pace:
    """Waits between two looks: until a frame comes, else as long as progress is not saved anyway.

    Dead runs are looked for as well, as wherever somebody watches, so that none is shown as running
    for ever.

    Args:
        hints: tells of frames.
        clock: seconds, monotonic.
    """

    def __init__(self, hints: Hints, clock: Callable[[], float] = time.monotonic) -> None:
        self._hints = hints
        self._clock = clock
        # Nothing is handed over: that is for processes that are there to run operations.
        self._watchman = Watchman(hands_over=False)
        self._reap_at = clock() + conf.get_settings().REAP_SECONDS

    def wait(self, most: float | None = None) -> None:
        """Wait until it is time to look again.

        Args:
            most: seconds after which it is, whatever happens.
        """
        self._reap()
        longest = self._longest() if most is None else min(most, self._longest())
        soonest = self._clock() + min(_QUICKEST_SECONDS, longest)
        if self._hints.wait(longest):
            rest(soonest - self._clock())

    def wait_for_database(self) -> None:
        """Wait until it is time to try again, as nothing could be read."""
        rest(_SLOWEST_SECONDS)

    def _longest(self) -> float:
        if self._hints.are_heard:
            return _SLOWEST_SECONDS
        saved_every = conf.get_settings().PERSIST_SECONDS
        return min(max(saved_every, _QUICKEST_SECONDS), _SLOWEST_SECONDS)

    def _reap(self) -> None:
        if conf.get_settings().REAP_SECONDS and self._clock() >= self._reap_at:
            self._reap_at = self._watchman.step() + self._clock()


def rest(seconds: float) -> None:
    """Do nothing for so long; Ctrl-C ends it."""
    if seconds > 0:
        threading.Event().wait(seconds)
