"""SIGTERM in a worker of another system whose main thread carries out an operation.

Left to itself, such a worker tears the run away (the children of Celery's prefork pool), lets it
run for ever (the others wait for what they have begun), or dies on the spot.
"""

import logging
import os
import signal
import threading
from types import FrameType
from typing import Any, Self

from django.db import connections

from liveops import registry, shutdown

logger = logging.getLogger("liveops")

_torn = threading.Event()


class HearsSigterm:
    """Has SIGTERM stop the runs of this process in good order, until the block ends.

    What the worker itself does on SIGTERM it does then. A second SIGTERM stops the run at once.
    Outside the main thread nothing is changed, nor where the signal is ignored.
    """

    def __init__(self) -> None:
        self._before: Any = None
        self._heard = 0

    def __enter__(self) -> Self:
        before = signal.getsignal(signal.SIGTERM)
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and (callable(before) or before is signal.SIG_DFL):
            self._before = before
            signal.signal(signal.SIGTERM, self._on_terminate)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
            self._before = None
            if self._heard:
                signal.raise_signal(signal.SIGTERM)

    def _on_terminate(self, number: int, frame: FrameType | None) -> None:
        if _torn.is_set():
            _torn.clear()
        else:
            self._heard += 1
            if self._heard == 1:
                threading.Thread(
                    target=_stop, args=[number], name="liveops-stop", daemon=True
                ).start()
                return
        # One that is just being saved is over anyhow, and its end must not get lost.
        if not any(run.is_ending for run in registry.everything()):
            raise SystemExit(128 + number)


def stop_here(grace: float | None = None) -> bool:
    """Stop the runs of this process; one in the main thread that does not hear is torn away.

    Args:
        grace: seconds; ``SHUTDOWN_GRACE`` if left out.

    Returns:
        Whether all of them have ended.
    """
    try:
        return shutdown.stop_runs(grace, tear=_tear)
    finally:
        connections.close_all()


def is_stuck() -> bool:
    """Return whether the main thread is in a run that a database keeps from ending."""
    return shutdown.has_given_up() and _is_at_work()


def _stop(number: int) -> None:
    if not stop_here() and is_stuck():
        os._exit(128 + number)


def _is_at_work() -> bool:
    handler = signal.getsignal(signal.SIGTERM)
    return getattr(handler, "__func__", None) is HearsSigterm._on_terminate


def _tear() -> None:
    """Raise SystemExit in the main thread, through whatever handles SIGTERM there."""
    if _is_at_work():
        _torn.set()
        os.kill(os.getpid(), signal.SIGTERM)
