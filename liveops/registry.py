"""The runs that this process carries out, by operation.

Whoever shows or steers an operation asks here first: a run in the same process knows more than the
database, and hears a cancel at once.
"""

import threading
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liveops.progress.run import Run

_runs: dict[uuid.UUID, "Run"] = {}
_lock = threading.Lock()


def add(run: "Run") -> None:
    """Make a run known."""
    with _lock:
        _runs[run.operation.pk] = run


def remove(run: "Run") -> None:
    """Forget a run; a newer one of the same operation stays."""
    with _lock:
        if _runs.get(run.operation.pk) is run:
            del _runs[run.operation.pk]


def find(pk: uuid.UUID) -> "Run | None":
    """Return this process's run of an operation, if it has one."""
    return _runs.get(pk)


def everything() -> list["Run"]:
    """Return all runs of this process."""
    with _lock:
        return list(_runs.values())
