"""Handing an update to every sink, whatever one of them does."""

import logging
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
            except Exception:
                if number not in self._failing:
                    logger.exception("liveops: %s failed; the run goes on", type(sink).__name__)
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
            except Exception:
                logger.exception("liveops: %s could not be closed", type(sink).__name__)
