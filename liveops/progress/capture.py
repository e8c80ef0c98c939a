"""Copying records of Python's logging into an operation's log."""

import logging
import threading
from contextlib import AbstractContextManager
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING

from liveops.progress.failures import Failure

if TYPE_CHECKING:
    from liveops.progress.handle import Progress

current: ContextVar["Progress | None"] = ContextVar("liveops_progress", default=None)
"""The progress of the run that the current code belongs to."""

_OWN_LOGGER = "liveops"

_lock = threading.Lock()
_entered: dict[str, tuple[int, list["LogCapture"]]] = {}


class LogCapture(logging.Handler, AbstractContextManager[None]):
    """A handler that is installed for the length of a ``with`` block.

    Args:
        progress: where records go.
        logger_name: the logger to listen to.
        level: least level to take.
    """

    def __init__(self, progress: "Progress", logger_name: str, level: int) -> None:
        super().__init__(level)
        self._progress = progress
        self._logger = logging.getLogger(logger_name)

    def __enter__(self) -> None:
        with _lock:
            entered = _entered.setdefault(self._logger.name, (self._logger.level, []))
            entered[1].append(self)
            if not self._logger.isEnabledFor(self.level):
                self._logger.setLevel(self.level)
            self._logger.addHandler(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with _lock:
            self._logger.removeHandler(self)
            level, captures = _entered[self._logger.name]
            captures.remove(self)
            if not captures:  # the last one out puts the level back
                self._logger.setLevel(level)
                del _entered[self._logger.name]

    def emit(self, record: logging.LogRecord) -> None:
        """Append a record to the operation's log, unless it belongs to another run."""
        if current.get() is not self._progress or record.name.split(".")[0] == _OWN_LOGGER:
            return
        try:
            text = self.format(record)
            if record.exc_info and record.exc_info[1] is not None:  # its traceback is in the text
                redactor = self._progress._run.redactor
                text = Failure(record.exc_info[1], redactor, text).redactor.mask(text)
            self._progress.log(text, level=_level(record.levelno))
        except Exception:  # noqa: BLE001  (logging's own rule: report it, never raise)
            self.handleError(record)


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"
