"""Children that user code forks in the middle of a run: the run stays the parent's."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["end_here"]

logger = logging.getLogger("liveops")


@contextmanager
def end_here() -> Iterator[None]:
    """End each child that leaves the block which its parent entered, whichever way it leaves it.

    Otherwise it would go on as the runner: it would end the operation that its parent carries out,
    and take up further ones. As with :mod:`multiprocessing`, nothing that was registered with
    :mod:`atexit` is called, for that belongs to the parent as well.
    """
    process = os.getpid()
    try:
        yield
    except BaseException as error:
        if os.getpid() != process:
            _leave(error)
        raise
    if os.getpid() != process:
        _leave(None)


def _leave(error: BaseException | None) -> None:
    """End this process with the status that it would have as a program."""
    status = 1
    try:
        status = _status(error)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _status(error: BaseException | None) -> int:
    if error is None:
        return os.EX_OK
    if isinstance(error, SystemExit):
        if isinstance(error.code, int):
            return error.code & 0xFF
        if error.code is None:
            return os.EX_OK
        sys.stderr.write(f"{error.code}\n")
    elif isinstance(error, KeyboardInterrupt):
        return 128 + signal.SIGINT
    else:
        message = "liveops: a process that run() forked ended with an error"
        logger.error(message, exc_info=error)
    return 1
