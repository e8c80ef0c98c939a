"""Waiting for other processes: polling with a deadline, never a fixed pause."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")

POLL_SECONDS = 0.05


def until(
    condition: Callable[[], T],
    seconds: float = 30.0,
    what: str | Callable[[], str] = "",
) -> T:
    """Call a condition again and again until it is true; return what it returned.

    Args:
        condition: what has to become true.
        seconds: the deadline; passing it fails the test.
        what: what was waited for, for the message; a function is called only at the deadline.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            text = what() if callable(what) else what
            pytest.fail(f"Not within {seconds:g} s: {text or condition!r}; the last was {value!r}")
        pause.wait(POLL_SECONDS)
