"""Telling the operations in a Celery worker that the worker is to end.

On SIGTERM a worker waits for what its children have begun, for ever, and the children hear of
nothing. Here its main process writes into a pipe that they inherit; nobody ever reads it, so all of
them see that there is something in it. A signal handler may do that, whatever it interrupts.

Pools that are no processes of their own (``solo``, ``threads``) are told in the same way.
"""

import logging
import os
import select
import threading
from collections.abc import Callable
from typing import Any

from celery.signals import worker_init, worker_shutting_down

from liveops.conf import get_settings
from liveops.runners.sigterm import is_stuck, stop_here

logger = logging.getLogger("liveops")

_DEAF = 70
"""Exit status of a child whose operation could not be stopped."""


class _Line:
    """The pipe of a worker, and whether this process listens at its end.

    Attributes:
        soft_seconds: what Celery gives its children in a soft shutdown; 0 for none.
        main_process: the id of the process that has the children.
    """

    def __init__(self) -> None:
        self.soft_seconds = 0.0
        self.main_process = 0
        self._ends: tuple[int, int] | None = None
        self._listens = False

    def open(self, soft_seconds: float) -> None:
        """Make the pipe, in the main process and before it has children."""
        self.close()
        self.soft_seconds = soft_seconds
        self.main_process = os.getpid()
        self._ends = os.pipe()
        os.set_blocking(self._ends[1], False)

    def close(self) -> None:
        """Close both ends."""
        if self._ends is not None:
            for end in self._ends:
                os.close(end)
        self._ends, self._listens = None, False

    def tell(self) -> None:
        """Tell all processes of the worker; from a signal handler, too."""
        if self._ends is not None:
            os.write(self._ends[1], b"!")

    def listen(self) -> None:
        """Begin to listen, once in a process; nothing if this is no worker."""
        if self._ends is not None and not self._listens:
            self._listens = True
            threading.Thread(
                target=_wait, args=[self._ends[0]], name="liveops-listener", daemon=True
            ).start()

    def forget_listener(self) -> None:
        """Note that this process is a new one, without the thread that listens."""
        self._listens = False


_line = _Line()


def listen() -> None:
    """See to it that this process hears when its worker is to end."""
    _line.listen()


def _wait(end: int) -> None:
    select.select([end], [], [])
    if not stop_here(_grace()) and (os.getpid() != _line.main_process or is_stuck()):
        # Its parent would wait for it for ever. What it runs is INTERRUPTED, and not its own.
        logger.warning("liveops: a process is ended whose operation does not stop")
        os._exit(_DEAF)


def _grace() -> float:
    """Return the seconds that operations have before Celery may kill their process."""
    grace = get_settings().SHUTDOWN_GRACE
    return min(grace, _line.soft_seconds) if _line.soft_seconds else grace


def _on_worker_init(sender: Any, **_: object) -> None:
    _line.open(getattr(sender.app.conf, "worker_soft_shutdown_timeout", 0) or 0)
    # Celery announces a soft shutdown only when the time for it is over, and one that was asked for
    # through its remote control not at all.
    for name in ("wait_for_soft_shutdown", "stop"):
        if hasattr(sender, name):
            setattr(sender, name, _after_telling(getattr(sender, name)))


def _after_telling(method: Callable[..., Any]) -> Callable[..., Any]:
    def tell_and_call(*args: Any, **options: Any) -> Any:
        _line.tell()
        return method(*args, **options)

    return tell_and_call


def _on_shutting_down(**_: object) -> None:
    _line.tell()


worker_init.connect(_on_worker_init, weak=False, dispatch_uid="liveops.worker_init")
worker_shutting_down.connect(
    _on_shutting_down, weak=False, dispatch_uid="liveops.worker_shutting_down"
)
os.register_at_fork(after_in_child=_line.forget_listener)
