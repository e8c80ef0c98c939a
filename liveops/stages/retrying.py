"""Retrying a stage: the exception that asks for it, its limits, and tenacity's bookkeeping."""

import math
from dataclasses import dataclass, replace
from typing import Any

from tenacity import RetryCallState, Retrying, TryAgain
from tenacity.stop import stop_after_attempt, stop_after_delay
from tenacity.wait import wait_fixed


class RetryStage(TryAgain):
    """Raise this in the body of a stage to have the stage tried again.

    Its message is shown to those who watch. Once the stage's attempts or its time are used up, the
    stage has failed.
    """


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """How often and for how long a stage is tried again.

    Attributes:
        attempts: how many more times after the first one.
        delay: seconds between two attempts.
        timeout: seconds since the first attempt began after which there is no other; None for no
            such limit. An attempt that is under way is not cut short.

    Raises:
        ValueError: a negative number, or one that is not finite.
        TypeError: not a number, or attempts that are not whole.
    """

    attempts: int = 0
    delay: float = 0.0
    timeout: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int):
            raise TypeError(f"retry_attempts must be a whole number; got {self.attempts!r}.")
        numbers = {"retry_attempts": self.attempts, "retry_delay": self.delay}
        if self.timeout is not None:
            numbers["retry_timeout"] = self.timeout
        for name, value in numbers.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError(f"{name} must be a number; got {value!r}.")
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{name} must be 0 or more; got {value!r}.")

    @property
    def tries(self) -> int:
        """The most attempts that there can be, the first one included."""
        return self.attempts + 1


def limits_for(owner: object, form: str, declared: RetryLimits) -> RetryLimits:
    """Return the limits of a stage: what its owner's attributes say, else what was declared.

    Args:
        owner: may have attributes ``<form>_retry_attempts``, ``…_delay`` and ``…_timeout``; None
            counts as not there.
        form: identifier form of the stage's name.
        declared: what holds for the attributes that are not there.
    """
    given = {
        field: getattr(owner, f"{form}_retry_{field}", None)
        for field in ("attempts", "delay", "timeout")
    }
    return replace(declared, **{name: value for name, value in given.items() if value is not None})


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
