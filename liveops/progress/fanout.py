"""Handing an update to every sink, whatever one of them does."""

import logging
import threading
from collections import Counter, deque
from collections.abc import Sequence

from liveops.progress.update import Sink, Update

logger = logging.getLogger("liveops")


class Fanout:
    """Sends updates to sinks in order; a failing sink is logged once, and tried again each time.

    One that fails and works in turns is logged at ever longer intervals, with one traceback a run.

    A sink whose attribute ``may_wait`` is true takes its time with an update, as rendering HTML
    does: user code need not wait for it.

    Args:
        sinks: where updates go.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = list(sinks)
        self._slow = {n for n, sink in enumerate(sinks) if getattr(sink, "may_wait", False)}
        self._waiting: deque[Update] = deque()
        self._failing: set[int] = set()
        self._failures: Counter[int] = Counter()  # times that each began to fail

    @property
    def has_waiting(self) -> bool:
        """Whether an update waits for :meth:`flush`."""
        return bool(self._waiting)

    def emit(self, update: Update) -> None:
        """Hand the update to every sink, after those that wait."""
        self.flush()
        for number in range(len(self._sinks)):
            self._hand(number, update)

    def emit_soon(self, update: Update) -> None:
        """Hand the update to every sink: to slow ones with the next :meth:`flush`."""
        self.announce(update)
        if self._slow:
            self._waiting.append(update)

    def announce(self, update: Update) -> None:
        """Hand the update only to sinks that are not slow: the others see it with a later one."""
        for number in range(len(self._sinks)):
            if number not in self._slow:
                self._hand(number, update)

    def flush(self) -> None:
        """Hand over what waits, in order."""
        while self._waiting:
            update = self._waiting.popleft()
            for number in sorted(self._slow):
                self._hand(number, update)

    def _hand(self, number: int, update: Update) -> None:
        sink = self._sinks[number]
        try:
            sink.emit(update)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (told below)
            _raise_if_signal(error)
            if number not in self._failing:
                self._failing.add(number)
                self._failures[number] += 1
                if self._is_told(number):
                    _tell(sink, error, is_first=self._failures[number] == 1)
        else:
            if number in self._failing:
                self._failing.discard(number)
                if self._is_told(number):
                    logger.info("liveops: %s works again", type(sink).__name__)

    def _is_told(self, number: int) -> bool:
        return self._failures[number].bit_count() == 1  # the first time, the second, the fourth

    def close(self) -> None:
        """Hand over what waits, and close every sink."""
        self.flush()
        for sink in self._sinks:
            try:
                sink.close()
            except (Exception, SystemExit) as error:
                _raise_if_signal(error)
                logger.exception("liveops: %s could not be closed", type(sink).__name__)


def _raise_if_signal(error: BaseException) -> None:
    # Handlers of signals run in the main thread: there, SystemExit may be the answer to SIGTERM.
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and isinstance(error, SystemExit):
        raise error


def _tell(sink: Sink, error: BaseException, *, is_first: bool) -> None:
    name = type(sink).__name__
    if isinstance(error, BrokenPipeError):
        logger.warning("liveops: nobody reads the output any more; the run goes on")
    elif is_first:
        logger.error("liveops: %s failed; the run goes on", name, exc_info=error)
    else:
        logger.error("liveops: %s failed again (%r); the run goes on", name, error)
