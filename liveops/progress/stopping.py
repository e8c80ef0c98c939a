"""How a run is stopped from outside: a signal that waits until user code makes its next call."""

import asyncio
from collections.abc import Callable

from liveops.exceptions import FenceLost, OperationInterrupted, StopSignal
from liveops.progress.state import ProgressState

_LEAST_SECONDS = 0.5


def ending_seconds(grace: float) -> float:
    """Return what of the grace of a process that ends is kept for runs to end and be saved."""
    return min(max(grace / 5, _LEAST_SECONDS), grace / 2)


class Stoppable:
    """Holds the stop signal of a run and raises it in user code.

    Args:
        state: its alarm makes a ``track()`` loop look.

    Attributes:
        stop: what is raised, or was.
        asks_for_grace: whether user code looks by itself if the process is to end.
        is_going_down: whether the process is to end.
    """

    def __init__(self, state: ProgressState) -> None:
        self.state = state
        self.stop: StopSignal | None = None
        self.asks_for_grace = False
        self.is_going_down = False
        self._stop_raised = False
        self._cancel_task: Callable[[], object] | None = None
        self._listeners: list[Callable[[], object]] = []

    def request_stop(self, signal: StopSignal) -> None:
        """Have a stop signal raised in user code at its next call; callable from any thread.

        When the process goes down, an ``async def run`` is also stopped at its next ``await``, and
        so is what cleans up after a cancel.
        """
        goes_down = isinstance(signal, OperationInterrupted) and self._stop_raised
        if self.stop is None or goes_down or isinstance(signal, FenceLost):
            self.stop = signal
            self._stop_raised = False
            self.state.alarm = True
            for listener in tuple(self._listeners):
                listener()
        if isinstance(signal, OperationInterrupted) and self._cancel_task is not None:
            self._cancel_task()

    def go_down(self) -> None:
        """Tell the run that its process is to end: it is stopped, unless it asks for grace."""
        if self.is_going_down:
            return
        self.is_going_down = True
        if not self.asks_for_grace:  # looked at last: whoever asks at this moment is told there
            self.stop_with_process()

    def stop_with_process(self) -> None:
        """Have the run interrupted: its process ends, and no time is left."""
        if not isinstance(self.stop, FenceLost | OperationInterrupted):
            self.request_stop(OperationInterrupted("The process is shutting down."))

    def raise_stop(self, *, again: bool = False) -> None:
        """Raise the stop signal that waits; one that was raised before only if ``again``."""
        if self.stop is not None and (again or not self._stop_raised):
            self._stop_raised = True
            raise self.stop

    def raise_newer_stop(self, before: StopSignal | None) -> None:
        """Raise the stop signal if it is another one than ``before``, to whoever asks for it.

        So each of several coroutines or threads that wait hears of it, while what cleans up after
        a stop is not stopped by the same one.
        """
        if self.stop is not before:
            self.raise_stop(again=True)

    def on_stop(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Have a function called once the run is to stop; from any thread, so it must be quick.

        Returns:
            A function that ends this.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def is_task(self) -> bool:
        """Whether user code began to run as a task of an event loop."""
        return self._cancel_task is not None

    def runs_as_task(self) -> None:
        """Note that user code runs as the current task of the running event loop."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def cancel_task() -> None:
            if task is not None and not loop.is_closed():
                loop.call_soon_threadsafe(task.cancel)

        self._cancel_task = cancel_task
