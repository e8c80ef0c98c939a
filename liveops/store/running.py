"""What a run writes: its claim, its progress, its end."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from liveops.exceptions import FenceLost
from liveops.models import CommandRun, LiveOperation, LiveProgress, LogLine, StageRun
from liveops.progress.view import Line, View
from liveops.stages import StageState
from liveops.states import State
from liveops.store.checkpoints import checkpoints_of
from liveops.store.history import expected_durations
from liveops.store.log_rows import add_lines
from liveops.store.reading import actions_of
from liveops.store.rows import (
    BLANK_PROGRESS,
    Ending,
    adopt,
    alias_of,
    ending_values,
    kept_progress,
    rows_of,
)

Record = TypeVar("Record", StageRun, CommandRun)


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that was won: its fence, and the last frame and log numbers used before it.

    Attributes:
        view: what is shown at its start; not blank if the operation was resumed.
        keeps_log: whether lines of an earlier run stay.
        checkpoints: by stage, what its passages returned that need not be repeated.
    """

    run_id: uuid.UUID
    seq: int
    log_seq: int
    view: View = field(default_factory=lambda: View(state=State.STARTED.value))
    keeps_log: bool = False
    checkpoints: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def claim(operation: LiveOperation, *, resumes: bool = True) -> Claim | None:
    """Make this caller the one that runs the operation; None if it is no longer waiting.

    The instance gets the fence, so that its own ``save()`` is refused once the run is lost.

    Args:
        operation: an instance of its own class.
        resumes: whether the operation is resumed by itself when it is interrupted, as often as
            its class says.
    """
    alias = alias_of(operation)
    run_id = uuid.uuid4()
    expected = expected_durations(operation)
    now = timezone.now()
    most = operation.resume_on_interrupt if resumes else 0
    stages = list(operation.stages)
    with transaction.atomic(using=alias):
        won = rows_of(operation, state=State.NOT_STARTED).update(
            run_id=run_id,
            started_on=now,
            current_stage=-1,
            stage_states={},
            declared_stages=stages,
            resumes_left=Coalesce(F("resumes_left"), most) if resumes else 0,
        )
        if not won:
            return None
        progress, is_new = LiveProgress.objects.using(alias).get_or_create(pk=operation.pk)
        checkpoints = {} if is_new else checkpoints_of(operation)
        states = dict.fromkeys(checkpoints, StageState.DONE.value)
        if states:
            rows_of(operation).update(stage_states=states)
        stored = LogLine.objects.using(alias).filter(operation=operation.pk)
        last_line = stored.aggregate(last=Max("seq"))["last"] or 0
        log_seq = max(progress.log_seq, last_line)
        kept = {**kept_progress(progress, states), "expected": expected}
        LiveProgress.objects.using(alias).filter(pk=operation.pk).update(
            run_id=run_id, log_seq=log_seq, heartbeat_on=Now(), **{**BLANK_PROGRESS, **kept}
        )
        view = View(State.STARTED.value, stage_states=states, actions=actions_of(operation), **kept)
    values = {"started_on": now, "current_stage": -1, "declared_stages": stages}
    adopt(operation, fence=run_id, claimed_pk=operation.pk, run_id=run_id, **values)
    operation.stage_states = states
    operation.remember_run_columns()
    return Claim(run_id, progress.seq, log_seq, view, bool(last_line), checkpoints)


def save_rows(
    operation: LiveOperation,
    progress: Mapping[str, Any],
    lines: Sequence[Line] = (),
    ended: Sequence[StageRun | CommandRun] = (),
    checkpoints: Sequence[StageRun] = (),
    *,
    keep_lines: int,
) -> None:
    """Save progress and heartbeat, log lines and ended stages of a run in one transaction.

    Args:
        operation: the claimed instance.
        progress: values of :class:`LiveProgress` columns that are not what was saved before.
        lines: log lines not saved before.
        ended: attempts and commands that ended.
        checkpoints: attempts saved before that became checkpoints since.
        keep_lines: how many lines stay stored; older ones are deleted once a tenth more are there.

    Raises:
        FenceLost: the run no longer owns the operation; nothing was written.
    """
    alias = alias_of(operation)
    if not (lines or ended or checkpoints):  # one statement is a transaction by itself
        _save_progress(alias, operation, progress)
        return
    with transaction.atomic(using=alias):
        _save_progress(alias, operation, progress)
        if lines:
            add_lines(alias, operation, lines)
            _prune(alias, operation, lines[0].seq, lines[-1].seq, keep_lines)
        if attempts := [row for row in ended if isinstance(row, StageRun)]:
            StageRun.objects.using(alias).bulk_create(_not_stored(alias, operation, attempts))
        if commands := [row for row in ended if isinstance(row, CommandRun)]:
            CommandRun.objects.using(alias).bulk_create(_not_stored(alias, operation, commands))
        for row in checkpoints:
            # Not by its key, which MySQL does not return from a bulk insert.
            values = {name: getattr(row, name) for name in ("stage", "attempt", "finished_on")}
            same = StageRun.objects.using(alias).filter(operation=operation.pk, **values)
            same.update(is_checkpoint=True, result=row.result)


def save_stages(
    operation: LiveOperation, current_stage: int, stage_states: Mapping[str, str]
) -> None:
    """Save the stages of a run that could not be saved when they changed.

    Raises:
        FenceLost: the run no longer owns the operation; nothing was written.
    """
    mine = rows_of(operation, run_id=operation.fence)
    if not mine.update(current_stage=current_stage, stage_states=dict(stage_states)):
        raise FenceLost(f"Run {operation.fence} no longer owns operation {operation.pk}.")


def save_attempts(operation: LiveOperation, rows: Sequence[StageRun]) -> None:
    """Save records of attempts; inside the transaction of a write that names the fence."""
    alias = alias_of(operation)
    rows = _not_stored(alias, operation, rows)
    if len(rows) == 1:  # as nearly always; a bulk of one takes longer
        rows[0].save(using=alias, force_insert=True)
    else:
        StageRun.objects.using(alias).bulk_create(rows)


def poll(alias: str, operations: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple[Any, bool]]:
    """Return the fence and the cancel flag of each operation, in one query."""
    rows = LiveOperation._base_manager.using(alias).filter(pk__in=list(operations))
    return {
        pk: (run_id, cancel)
        for pk, run_id, cancel in rows.values_list("pk", "run_id", "cancel_requested")
    }


def finish(
    operation: LiveOperation, ending: Ending, *, following: LiveOperation | None = None
) -> bool:
    """End the run that holds the instance's fence; False if it no longer owns the operation.

    Args:
        operation: the claimed instance.
        ending: how it ended.
        following: the operation that it goes on with, if it was chained.

    Raises:
        IntegrityError: another operation went on with ``following`` before.
    """
    values = ending_values(ending)
    values |= {
        "current_stage": operation.current_stage,
        "stage_states": operation.stage_states,
        "result_context": ending.result_context,
        "next_operation": following,
    }
    if operation.cancel_requested:
        values["cancel_requested"] = True
    done = rows_of(operation, state=State.STARTED, run_id=operation.fence).update(**values)
    if done:
        adopt(operation, **values)
    return bool(done)


def was_finished(operation: LiveOperation, ending: Ending) -> bool:
    """Return whether this run ended its operation so before, though it was told of an error.

    That is so where the connection broke after the database had carried out :func:`finish`.
    """
    return bool(rows_of(operation, state=ending.state, run_id=operation.fence).exists())


def fail_unstarted(operation: LiveOperation, error_text: str) -> bool:
    """End an operation that no runner would take; False if it has started meanwhile."""
    values = ending_values(Ending(State.FINISHED_ERROR, error_text))
    with transaction.atomic(using=alias_of(operation)):
        done = rows_of(operation, state=State.NOT_STARTED).update(**values)
        if done:
            LiveProgress.objects.using(alias_of(operation)).update_or_create(
                pk=operation.pk, defaults={"error_text": error_text}
            )
            adopt(operation, **values)
    return bool(done)


def _not_stored(alias: str, operation: LiveOperation, rows: Sequence[Record]) -> list[Record]:
    """Return the records that are still to be inserted.

    One that has a key was tried before. If the connection broke, nobody knows whether it is there;
    and after a rollback its key may be another record's by now.
    """
    keys: list[Any] = [row.pk for row in rows]
    if not any(keys):
        return list(rows)
    same = type(rows[0])._base_manager.using(alias).filter(operation=operation.pk, pk__in=keys)
    stored = set(same.values_list("pk", "finished_on"))
    missing = [row for row in rows if (row.pk, row.finished_on) not in stored]
    for row in missing:
        row.pk, row._state.adding = None, True
    return missing


def _save_progress(alias: str, operation: LiveOperation, progress: Mapping[str, Any]) -> None:
    key, mine = operation.__dict__.get("_progress_query", (None, None))
    if key != (alias, operation.fence):  # made once a run: it takes as long as the rest of this
        mine = LiveProgress.objects.using(alias).filter(pk=operation.pk, run_id=operation.fence)
        vars(operation)["_progress_query"] = ((alias, operation.fence), mine)
    if not mine.update(heartbeat_on=Now(), **progress):
        raise FenceLost(f"Run {operation.fence} no longer owns operation {operation.pk}.")


def _prune(alias: str, operation: LiveOperation, first: int, last: int, keep: int) -> None:
    # Deleting in steps of a tenth keeps the cost of each line constant.
    step = max(keep // 10, 1)
    if first // step != last // step or last - first >= step:
        old = LogLine.objects.using(alias).filter(operation=operation.pk, seq__lte=last - keep)
        old._raw_delete(alias)
