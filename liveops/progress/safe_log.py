"""The log of ``liveops`` itself: whatever it says while a run goes on, without its secrets.

An error that is logged brings those along that were being handled when it came up, and these are
user code's: so what a broken sink or database says may show what the run has named.
"""

import logging
import uuid
from collections.abc import Iterable

from liveops import registry
from liveops.progress.capture import current
from liveops.progress.failures import Failure
from liveops.progress.redaction import Redactor


class SafeLog(logging.Filter):
    """Masks records before any handler sees them; lets all of them pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask a record's text, and the traceback of its error."""
        error = record.exc_info[1] if record.exc_info else None
        for redactor in _concerned(record):
            failure = None if error is None else Failure(error, redactor)
            is_whole = failure is None or failure.is_told_whole
            mask = redactor.mask if failure is None else failure.redactor.mask
            text = record.getMessage()
            masked = mask(text)
            if is_whole and masked == text:
                continue
            record.msg, record.args = masked, ()
            if failure is not None and not is_whole:
                trace = failure.trace.rstrip("\n")
                record.msg = f"{masked}\n{trace}"
                record.exc_info, record.exc_text, error = None, None, None
        return True


def connect() -> None:
    """Have the log masked from now on; again it changes nothing."""
    logger = logging.getLogger("liveops")
    if not any(isinstance(each, SafeLog) for each in logger.filters):
        logger.addFilter(SafeLog())


def _concerned(record: logging.LogRecord) -> Iterable[Redactor]:
    """Return what is masked by the run that a record is about, or else by all runs that go on."""
    progress = current.get()
    if progress is not None:
        return [progress._run.redactor]
    for value in record.args if isinstance(record.args, tuple) else ():
        run = registry.find(value) if isinstance(value, uuid.UUID) else None
        if run is not None:
            return [run.redactor]
    return [run.redactor for run in registry.everything()]
