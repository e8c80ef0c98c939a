"""Retrying a stage: the exception that asks for it, and tenacity's bookkeeping.

Loaded when a stage first runs, or when ``RetryStage`` is asked for: tenacity takes a while.
"""

from typing import Any

from tenacity import RetryCallState, RetryError, Retrying, TryAgain
from tenacity.stop import stop_after_attempt, stop_after_delay
from tenacity.wait import wait_fixed

from liveops.stages.limits import RetryLimits

__all__ = ["RetryCallState", "RetryError", "RetryStage", "StageRetrying", "TryAgain"]


class RetryStage(TryAgain):
    """Raise this in the body of a stage to have the stage tried again.

    Its message is shown to those who watch. Once the stage's attempts or its time are used up, the
    stage has failed.
    """


class StageRetrying(Retrying):
    """Tenacity's controller with one set of statistics, whatever thread asks for them.

    Args:
        limits: when to stop, and how long to wait.
    """

    def __init__(self, limits: RetryLimits) -> None:
        self._statistics: dict[str, Any] = {}
        stop: Any = stop_after_attempt(limits.tries)
        if limits.timeout is not None:
            stop = stop_after_delay(limits.timeout) | stop
        super().__init__(stop=stop, wait=wait_fixed(limits.delay))

    @property
    def statistics(self) -> dict[str, Any]:
        """What tenacity counted: ``attempt_number``, ``delay_since_first_attempt`` and others."""
        return self._statistics

    def pause_after(self, state: RetryCallState) -> float:
        """Return the seconds to wait after an attempt that is to be retried.

        Raises:
            RetryError: there is no other attempt.
        """
        pause: Any = self.iter(state)
        return float(pause)
