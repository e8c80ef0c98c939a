"""Lengths of time on a command line: ``30d``, ``12h``, ``2w``, ``90m``."""

import math
import re
from argparse import ArgumentTypeError
from datetime import timedelta

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=36_500)


def duration(text: str) -> timedelta:
    """Return a length of time, a whole number and a unit.

    Raises:
        ArgumentTypeError: it is none, or longer than 100 years.
    """
    match = re.fullmatch(r"([0-9]{1,9})([mhdw])", text.strip())
    if match is None:
        raise ArgumentTypeError(
            f"write a whole number and a unit (m, h, d or w), such as 30d or 12h, not {text!r}"
        )
    number, unit = match.groups()
    one = timedelta(**{_UNITS[unit]: 1})
    if int(number) > _LONGEST / one:
        raise ArgumentTypeError(f"{text!r} is longer than 100 years")
    return int(number) * one


def seconds_above_0(text: str) -> float:
    """Return seconds.

    Raises:
        ArgumentTypeError: it is no number above 0.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not (math.isfinite(seconds) and seconds > 0):
        raise ArgumentTypeError(f"write seconds above 0, not {text!r}")
    return seconds
