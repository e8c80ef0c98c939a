"""The runs that this process carries out, by operation; and whether it is going down.

Whoever shows or steers an operation asks here first: a run in the same process knows more than the
database, and hears a cancel at once.
"""

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liveops.progress.run import Run

_runs: dict[uuid.UUID, "Run"] = {}
_starting: set[uuid.UUID] = set()
_lock = threading.Lock()
_goes_down = False


def add(run: "Run") -> None:
    """Make a run known; one that comes while the process goes down is told so at once."""
    with _lock:
        _runs[run.pk] = run
        _starting.discard(run.pk)
        is_late = _goes_down
    if is_late:
        run.go_down()


def remove(run: "Run") -> None:
    """Forget a run; a newer one of the same operation stays."""
    with _lock:
        if _runs.get(run.pk) is run:
            del _runs[run.pk]


@contextmanager
def starting(pk: uuid.UUID) -> Iterator[None]:
    """Let it be known that an operation is to be claimed here, until it is or the block ends."""
    with _lock:
        _starting.add(pk)
    try:
        yield
    finally:
        with _lock:
            _starting.discard(pk)


def is_starting() -> bool:
    """Return whether an operation is about to be claimed here."""
    return bool(_starting)


def find(pk: uuid.UUID) -> "Run | None":
    """Return this process's run of an operation, if it has one."""
    return _runs.get(pk)


def everything() -> list["Run"]:
    """Return all runs of this process."""
    with _lock:
        return list(_runs.values())


def go_down() -> None:
    """Tell all runs that this process is to end, those that come later too."""
    global _goes_down  # noqa: PLW0603
    with _lock:
        _goes_down = True
        runs = list(_runs.values())
    for run in runs:
        run.go_down()


def goes_down() -> bool:
    """Return whether this process was told to stop: it takes no more operations."""
    return _goes_down


def _after_fork() -> None:
    # The runs are the parent's, which may have been told to stop; the child is a new process.
    global _lock, _goes_down  # noqa: PLW0603
    _lock = threading.Lock()
    _goes_down = False
    for run in _runs.values():
        run.leave_to_parent()
    _runs.clear()
    _starting.clear()


os.register_at_fork(after_in_child=_after_fork)
