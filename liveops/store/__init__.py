"""The only writer of a run's state: claim, save, finish, cancel, resume, restart.

Every change is one statement whose WHERE names the state that is expected and, inside a run, the
fence (``run_id``). No row changed is an answer, and each function says what it means.
"""

from liveops.store.controls import (
    name_of,
    request_cancel,
    request_cancel_of_run,
    restart,
    resume,
)
from liveops.store.reading import actions_of, is_chained_to, marks, progress_of, state_of
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
    "actions_of",
    "alias_of",
    "claim",
    "fail_unstarted",
    "finish",
    "interrupt",
    "is_chained_to",
    "marks",
    "name_of",
    "poll",
    "progress_of",
    "request_cancel",
    "request_cancel_of_run",
    "restart",
    "resume",
    "save_rows",
    "state_of",
]
