"""Handing an update to every sink, whatever one of them does."""

import logging
import threading
from collections.abc import Sequence

from liveops.progress.update import Sink, Update

logger = logging.getLogger("liveops")


class Fanout:
    """Sends updates to sinks in order; a failing sink is logged once, and tried again each time.

    Args:
        sinks: where updates go.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = list(sinks)
        self._failing: set[int] = set()

    def emit(self, update: Update) -> None:
        """Hand the update to every sink."""
        for number, sink in enumerate(self._sinks):
            try:
                sink.emit(update)
            except (Exception, SystemExit) as error:  # noqa: BLE001  (told below)
                _raise_if_signal(error)
                if number not in self._failing:
                    _tell(sink, error)
                self._failing.add(number)
            else:
                if number in self._failing:
                    logger.info("liveops: %s works again", type(sink).__name__)
                self._failing.discard(number)

    def close(self) -> None:
        """Close every sink."""
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


def _tell(sink: Sink, error: BaseException) -> None:
    name = type(sink).__name__
    if isinstance(error, BrokenPipeError):
        logger.warning("liveops: nobody reads what %s writes; the run goes on", name)
    else:
        logger.error("liveops: %s failed; the run goes on", name, exc_info=error)
