"""The only writer of a run's state: claim, save, finish, cancel, restart.

Every change is one statement whose WHERE names the state that is expected and, inside a run, the
fence (``run_id``). No row changed is an answer, and each function says what it means.
"""

from liveops.store.controls import request_cancel, request_cancel_of_run, restart
from liveops.store.reading import marks, progress_of, state_of
from liveops.store.rows import Ending, alias_of
from liveops.store.running import (
    Claim,
    claim,
    fail_unstarted,
    finish,
    interrupt,
    poll,
    save_rows,
)

__all__ = [
    "Claim",
    "Ending",
    "alias_of",
    "claim",
    "fail_unstarted",
    "finish",
    "interrupt",
    "marks",
    "poll",
    "progress_of",
    "request_cancel",
    "request_cancel_of_run",
    "restart",
    "save_rows",
    "state_of",
]
