"""The only writer of a run's state: claim, save, finish, cancel, resume, restart.

Every change is one statement whose WHERE names the state that is expected and, inside a run, the
fence (``run_id``). No row changed is an answer, and each function says what it means.
"""

from liveops.store.controls import (
    name_of,
    number_announcement,
    request_cancel,
    request_cancel_of_run,
    restart,
    resume,
)
from liveops.store.reading import actions_of, is_chained_to, marks, progress_of, state_of
from liveops.store.reaping import (
    RESUMES_BY_ITSELF,
    StaleRun,
    give_up_resuming,
    hand_over_soon,
    interrupt,
    interrupt_stale,
    overdue,
    resumable,
    stale_runs,
    take_over,
)
from liveops.store.rows import Ending, alias_of
from liveops.store.running import (
    Claim,
    claim,
    fail_unstarted,
    finish,
    poll,
    save_attempts,
    save_rows,
    save_stages,
    was_finished,
)

__all__ = [
    "RESUMES_BY_ITSELF",
    "Claim",
    "Ending",
    "StaleRun",
    "actions_of",
    "alias_of",
    "claim",
    "fail_unstarted",
    "finish",
    "give_up_resuming",
    "hand_over_soon",
    "interrupt",
    "interrupt_stale",
    "is_chained_to",
    "marks",
    "name_of",
    "number_announcement",
    "overdue",
    "poll",
    "progress_of",
    "request_cancel",
    "request_cancel_of_run",
    "restart",
    "resumable",
    "resume",
    "save_attempts",
    "save_rows",
    "save_stages",
    "stale_runs",
    "state_of",
    "take_over",
    "was_finished",
]
