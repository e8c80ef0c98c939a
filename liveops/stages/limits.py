"""How often and for how long a stage is tried again."""

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """How often and for how long a stage is tried again.

    Attributes:
        attempts: how many more times after the first one. A whole number of another kind, such as
            2.0, becomes an int.
        delay: seconds between two attempts.
        timeout: seconds since the first attempt began after which there is no other; None for no
            such limit. An attempt that is under way is not cut short. A Decimal becomes a float,
            as for the delay.

    Raises:
        ValueError: a negative number, or one that is not finite or too large to be a float.
        TypeError: not a number, or attempts that are not whole.
    """

    attempts: int = 0
    delay: float = 0.0
    timeout: float | None = None

    def __post_init__(self) -> None:
        for field in ("attempts", "delay", "timeout"):
            value = _checked(field, f"retry_{field}", getattr(self, field))
            object.__setattr__(self, field, value)

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

    Raises:
        TypeError, ValueError: an attribute that cannot be a limit; the message names it.
    """
    given: dict[str, Any] = {}
    for field in ("attempts", "delay", "timeout"):
        attribute = f"{form}_retry_{field}"
        value = getattr(owner, attribute, None)
        if value is not None:
            given[field] = _checked(field, attribute, value)
    return replace(declared, **given) if given else declared


def _checked(field: str, name: str, value: object) -> float | None:
    """Return a limit as it is kept, an int for attempts; refuse by this name what cannot be one."""
    if field == "timeout" and value is None:
        return None
    kind = "a whole number" if field == "attempts" else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError(f"{name} must be {kind}; got {value!r}.")
    number: float
    if field == "attempts":
        if not isinstance(value, int) and not _is_whole(value):
            raise TypeError(f"{name} must be {kind}; got {value!r}.")
        number = int(value)
    else:
        number = _finite(name, value)
    if number < 0:
        raise ValueError(f"{name} must be 0 or more; got {value!r}.")
    return number


def _finite(name: str, value: float | Decimal) -> float:
    try:
        number = float(value)
    except (OverflowError, ValueError):  # an int that no float can hold; a signaling NaN
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number; got {value!r}.")
    return number if isinstance(value, Decimal) else value


def _is_whole(value: float | Decimal) -> bool:
    try:
        return value == int(value)
    except (OverflowError, ValueError):  # infinite; no number
        return False
