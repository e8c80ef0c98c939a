"""Ctrl-C and SIGTERM while an operation runs in a terminal."""

import signal
import sys
import threading
from types import FrameType
from typing import Any

from django.db import connections

from liveops import control
from liveops.exceptions import InvalidStateError
from liveops.models import LiveOperation


class Signals:
    """Turns Ctrl-C into a cancel, a second one and SIGTERM into an immediate stop.

    Args:
        operation: the operation that the main thread is about to run.
    """

    def __init__(self, operation: LiveOperation) -> None:
        self._operation = operation
        self._asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before = {
                signal.SIGINT: signal.signal(signal.SIGINT, self._on_interrupt),
                signal.SIGTERM: signal.signal(signal.SIGTERM, self._on_terminate),
            }

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        if sys.stderr.isatty():
            sys.stderr.write("\n")  # the terminal has just shown ^C
        sys.stderr.write("Cancelling… Press Ctrl-C again to stop at once.\n")
        # In a thread: the main one may hold a lock that cancelling needs.
        threading.Thread(target=self._cancel, name="liveops-cancel", daemon=True).start()

    def _on_terminate(self, number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    def _cancel(self) -> None:
        try:
            control.cancel(self._operation)
        except InvalidStateError as error:
            sys.stderr.write(f"{error}\n")
        finally:
            connections.close_all()
