"""Waiting in user code: for a time, unless the run is to stop."""

import asyncio
import threading
import time

from liveops.exceptions import StopSignal
from liveops.progress.serving import ServedRun

PULSE_SECONDS = 0.1
"""Time between two pulses of a run whose pump works in the waiting thread."""


LONGEST_SECONDS = 86_400.0
"""The most that is waited for at once: neither threads nor event loops take any number."""


def wait(run: ServedRun, seconds: float) -> float:
    """Wait; a request to stop ends it at once.

    Returns:
        How many seconds were passed over instead; as a rule 0.

    Raises:
        StopSignal: the run is to stop.
    """
    run.raise_stop()
    if run.passes_over(seconds):
        return seconds
    before, deadline = run.stop, time.monotonic() + seconds
    stopped = threading.Event()
    listening = run.on_stop(stopped.set)
    try:
        while (left := _left(run, before, deadline)) is not None:
            stopped.wait(left)
    finally:
        listening()
    return 0.0


async def wait_async(run: ServedRun, seconds: float) -> float:
    """Wait in a coroutine, while its event loop goes on; otherwise as :func:`wait`."""
    run.raise_stop()
    if run.passes_over(seconds):
        return seconds
    before, deadline = run.stop, time.monotonic() + seconds
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    listening = run.on_stop(lambda: loop.call_soon_threadsafe(stopped.set))
    try:
        while (left := _left(run, before, deadline)) is not None:
            try:
                await asyncio.wait_for(stopped.wait(), left)
            except TimeoutError:
                continue
    finally:
        listening()
    return 0.0


def _left(run: ServedRun, before: StopSignal | None, deadline: float) -> float | None:
    """Return how long to wait until the next pulse; None if the time is over."""
    run.pulse()
    run.raise_newer_stop(before)
    left = deadline - time.monotonic()
    if left <= 0:
        return None
    return min(left, LONGEST_SECONDS if run.is_polled else PULSE_SECONDS)
