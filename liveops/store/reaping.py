"""What a reaper reads and writes: runs that died, and operations that nobody has taken.

Ages are told by the database's clock, which is one for all workers: theirs may be wrong.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now

from liveops.models import LiveOperation, LiveProgress
from liveops.stages import StageState, without_unfinished
from liveops.states import State
from liveops.store.rows import Ending, alias_of, ending_values, rows_of

_AT_ONCE = 500
_MOST_DOUBLINGS = 6
# More frames than any run sends between two savings of its number: what is shown from now on has a
# higher number than whatever the dead run showed.
_FRAMES = 1_000_000

RESUMES_BY_ITSELF: dict[str, Any] = {
    "state": State.INTERRUPTED,
    "cancel_requested": False,
    "resumes_left__gt": 0,
}
"""What the row of an operation says that a reaper resumes."""


@dataclass(frozen=True, slots=True)
class StaleRun:
    """A run whose last sign of life is too old.

    Attributes:
        operation: id of its operation.
        run_id: its fence.
        heartbeat_on: the last sign of life.
    """

    operation: uuid.UUID
    run_id: uuid.UUID
    heartbeat_on: datetime


def stale_runs(alias: str, seconds: float) -> list[StaleRun]:
    """Return the runs that have given no sign of life for so many seconds, up to 500."""
    running = LiveOperation._base_manager.using(alias).filter(state=State.STARTED)
    # Looked up for each run, not joined: a join may read the progress of all that ever ran.
    progress = LiveProgress.objects.filter(pk=OuterRef("pk"))
    heard_on = Coalesce(Subquery(progress.values("heartbeat_on")), "started_on")
    silent = running.annotate(heard_on=heard_on).filter(
        heard_on__lt=ago(seconds), run_id__isnull=False
    )
    rows: Any = silent.values_list("pk", "run_id", "heard_on")
    return [StaleRun(*row) for row in rows[:_AT_ONCE]]


def interrupt(operation: LiveOperation, run_id: uuid.UUID) -> bool:
    """End a run from outside, and take its fence away; False if it has ended already."""
    return _interrupt(operation, run_id, Q())


def interrupt_stale(operation: LiveOperation, run_id: uuid.UUID, seconds: float) -> bool:
    """End a run that is still silent, and take its fence away.

    Returns:
        False if it has ended, was heard of again, or another caller was first.

    Raises:
        OperationalError: somebody holds its row; worth another try later.
    """
    heard = LiveProgress.objects.using(alias_of(operation)).filter(heartbeat_on__gte=ago(seconds))
    return _interrupt(operation, run_id, ~Q(pk__in=heard.filter(pk=operation.pk).values("pk")))


def _interrupt(operation: LiveOperation, run_id: uuid.UUID, condition: Q) -> bool:
    alias = alias_of(operation)
    with transaction.atomic(using=alias):
        mine = rows_of(operation, state=State.STARTED, run_id=run_id)
        states = mine.select_for_update().values_list("stage_states", flat=True).first()
        if states is None:
            return False
        broken = without_unfinished(states, StageState.INTERRUPTED)
        values = ending_values(Ending(State.INTERRUPTED))
        if not mine.filter(condition).update(**values, stage_states=broken, run_id=None):
            return False
        # The progress has a fence of its own, since it is written without a look at the operation.
        progress = LiveProgress.objects.using(alias).filter(pk=operation.pk, run_id=run_id)
        progress.update(run_id=None, seq=F("seq") + _FRAMES)
    return True


def resumable(alias: str) -> list[LiveOperation]:
    """Return interrupted operations that are to be resumed by themselves, up to 500."""
    rows = LiveOperation._base_manager.using(alias).filter(**RESUMES_BY_ITSELF)
    return list(rows.order_by("finished_on")[:_AT_ONCE])


def give_up_resuming(operation: LiveOperation) -> bool:
    """Note that an operation is not resumed by itself any more; False if that is known."""
    return bool(rows_of(operation, **RESUMES_BY_ITSELF).update(resumes_left=0))


def overdue(alias: str, seconds: float) -> list[LiveOperation]:
    """Return operations that wait too long for the runner that they were handed to, up to 500.

    The time doubles with each time that an operation was handed over again, up to 64 times it.
    """
    # The second condition follows from the others; it is the one that an index answers.
    waiting = LiveOperation._base_manager.using(alias).filter(
        state=State.NOT_STARTED, enqueued_on__lt=ago(seconds)
    )
    late = Q()
    for times in range(_MOST_DOUBLINGS):
        late |= Q(hand_overs=times, enqueued_on__lt=ago(seconds * 2**times))
    last = ago(seconds * 2**_MOST_DOUBLINGS)
    late |= Q(hand_overs__gte=_MOST_DOUBLINGS, enqueued_on__lt=last)
    return list(waiting.filter(late).order_by("enqueued_on")[:_AT_ONCE])


def take_over(operation: LiveOperation) -> bool:
    """Note that an operation is handed over again; False if another caller does that."""
    mine = rows_of(
        operation,
        state=State.NOT_STARTED,
        enqueued_on__isnull=False,
        hand_overs=operation.hand_overs,
    )
    return bool(mine.update(enqueued_on=Now(), hand_overs=F("hand_overs") + 1))


def hand_over_soon(alias: str, pks: Sequence[uuid.UUID], seconds: float) -> int:
    """Have the next look of any reaper hand operations over again, in the order they had.

    Args:
        alias: the database.
        pks: ids of the operations; those that do not wait any more are left alone, and so are
            those whose rows somebody holds, if the database can tell.
        seconds: how long they would have to wait otherwise.

    Returns:
        How many it is.
    """
    waiting = LiveOperation._base_manager.using(alias).filter(
        state=State.NOT_STARTED, enqueued_on__isnull=False
    )
    earlier = ExpressionWrapper(
        F("enqueued_on") - timedelta(seconds=seconds), output_field=DateTimeField()
    )
    skips = connections[alias].features.has_select_for_update_skip_locked
    count = 0
    for batch in (pks[at : at + _AT_ONCE] for at in range(0, len(pks), _AT_ONCE)):
        with transaction.atomic(using=alias):
            free: Sequence[uuid.UUID] = batch
            if skips:
                rows = waiting.filter(pk__in=batch).select_for_update(skip_locked=True)
                free = list(rows.values_list("pk", flat=True))
            count += waiting.filter(pk__in=free).update(enqueued_on=earlier, hand_overs=0)
    return count


def ago(seconds: float) -> Any:
    """Return an expression for the time so many seconds ago, by the database's clock."""
    return ExpressionWrapper(Now() - timedelta(seconds=seconds), output_field=DateTimeField())
