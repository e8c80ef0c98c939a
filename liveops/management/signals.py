"""Ctrl-C, SIGTERM and SIGHUP while an operation runs in a terminal."""

import os
import signal
import sys
import threading
from functools import partial
from types import FrameType
from typing import Any, Self

from django.db import connections

from liveops import control, registry, shutdown
from liveops.exceptions import InvalidStateError, OperationInterrupted
from liveops.models import LiveOperation


class Signals:
    """Turns Ctrl-C into a cancel, a second one, SIGTERM and SIGHUP into an immediate stop.

    A run that asks (``p.shutting_down``) has its grace first; a second signal stops it, too.

    Args:
        operation: the operation that the main thread is about to run.

    Attributes:
        status: exit status of a stop that was not raised here; None without one.
    """

    def __init__(self, operation: LiveOperation) -> None:
        self._operation = operation
        self._asked = False
        self._told = False
        self.status: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {
                signal.SIGINT: signal.signal(signal.SIGINT, self._on_interrupt),
                signal.SIGTERM: signal.signal(signal.SIGTERM, self._on_terminate),
            }
            hang_up = getattr(signal, "SIGHUP", None)  # not everywhere, and ignored under nohup
            if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN:
                self._before[hang_up] = signal.signal(hang_up, self._on_terminate)
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def go_on_with(self, operation: LiveOperation) -> None:
        """Turn to the next operation of a chain; whoever stopped the last one means this, too."""
        if self._asked or self.status is not None:
            self.give_up(operation)
        self._operation = operation

    def give_up(self, operation: LiveOperation) -> None:
        """Cancel the next operation of a chain, which is not going to be run."""
        self._operation = operation
        self._cancel()

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            self._stop(KeyboardInterrupt(), 128 + number)
            return
        self._asked = True
        if sys.stderr.isatty():
            sys.stderr.write("\n")  # the terminal has just shown ^C
        sys.stderr.write("Cancelling… Press Ctrl-C again to stop at once.\n")
        # In a thread: the main one may hold a lock that cancelling needs.
        target = self._cancel_aside
        threading.Thread(target=target, name="liveops-cancel", daemon=True).start()

    def _on_terminate(self, number: int, frame: FrameType | None) -> None:
        run = registry.find(self._operation.pk)
        if run is not None and run.asks_for_grace and not (run.is_going_down or run.is_ending):
            self._told, self.status = True, 128 + number
            target = partial(self._stop_with_grace, number)
            threading.Thread(target=target, name="liveops-stop", daemon=True).start()
        else:
            if run is not None:
                target = partial(shutdown.leave_if_stuck, run, 128 + number)
                threading.Thread(target=target, name="liveops-end", daemon=True).start()
            self._stop(SystemExit(128 + number), 128 + number)

    def _stop_with_grace(self, number: int) -> None:
        try:
            # One that does not hear in time is stopped by the same signal once more.
            tear = partial(os.kill, os.getpid(), number)
            if not shutdown.stop_runs(tear=tear) and shutdown.has_given_up():
                os._exit(128 + number)
        finally:
            connections.close_all()

    def _stop(self, error: BaseException, status: int) -> None:
        """Stop at once: by an exception here, unless the main thread must not be torn away."""
        run = registry.find(self._operation.pk)
        if run is not None and run.is_ending:
            self.status = status  # it ends anyhow, and the end has to be saved
        elif run is not None and run.is_task and not self._told:
            # The main thread serves the event loop of a coroutine, which is what has to stop.
            self._told, self.status = True, status
            going_down = OperationInterrupted("The process was told to stop.")
            threading.Thread(target=run.request_stop, args=[going_down], daemon=True).start()
        else:
            raise error

    def _cancel_aside(self) -> None:
        try:
            self._cancel()
        finally:
            connections.close_all()

    def _cancel(self) -> None:
        try:
            control.cancel(self._operation)
        except InvalidStateError as error:
            sys.stderr.write(f"{error}\n")
