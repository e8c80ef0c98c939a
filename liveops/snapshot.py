"""An operation as it is now: from memory if it runs in this process, else from the database."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Exists, OuterRef, Subquery
from django.utils.safestring import SafeString

from liveops import registry, rendering, store
from liveops.exceptions import UnknownOperationTypeError
from liveops.models import ControlRecord, LiveOperation, LiveProgress, LogLine
from liveops.progress.view import ControlAction, Line, View
from liveops.states import State

logger = logging.getLogger("liveops")

TAIL = 1_000
"""The most log lines in a snapshot."""

_STEERED = ControlRecord.objects.filter(operation=OuterRef("pk"))
_FIRST_LOOK = "_liveops_first_look"


@dataclass(frozen=True, slots=True)
class _FirstLook:
    """What the statement that read an operation's progress said of the operation.

    Attributes:
        is_final: it had ended, so that the progress is that of its end.
        is_unsteered: nobody had steered it yet.
    """

    is_final: bool = False
    is_unsteered: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a page shows of an operation.

    Attributes:
        operation: the specific instance.
        view: status, progress, stages and the rest.
        lines: the last lines of the log, oldest first.
        seq: number of the last frame that is included.
        first_line: number of the first line that is stored at all, or 0 without any.
    """

    operation: LiveOperation
    view: View
    lines: Sequence[Line]
    seq: int
    first_line: int

    def follows(self, number: int | None) -> int | None:
        """Return ``number`` if the lines follow that one without a gap; else None."""
        lines = self.lines
        goes_on = number and lines and lines[0].seq - 1 <= number <= lines[-1].seq
        return number if goes_on else None

    def log_after(self, number: int | None) -> SafeString:
        """Return the log as a fragment for a watcher that shows lines up to ``number``.

        Only what is new, if that follows without a gap; else the whole tail.
        """
        operation, view, lines = self.operation, self.view, self.lines
        number = self.follows(number)
        if number is not None:
            new = [line for line in lines if line.seq > number]
            return rendering.log_addition(operation, view, new, 0)
        return rendering.log_replacement(operation, view, lines, self.first_line)

    def fragments(self, log_after: int | None = None) -> SafeString:
        """Return all regions but the controls as fragments."""
        log = self.log_after(log_after)
        return rendering.snapshot_fragments(self.operation, self.view, self.seq, log)


def take(operation: LiveOperation) -> Snapshot:
    """Return the snapshot of an operation that :func:`find` returned just now.

    The number of the last frame must be no newer than anything else that is read: a frame that
    comes twice does no harm, but one that is taken for included and is not would be lost.
    """
    specific = operation.specific
    progress: LiveProgress | None = getattr(specific, "live_progress", None)
    is_unsteered = _first_look(specific).is_unsteered
    if State(specific.get_state()).is_final and not _first_look(specific).is_final:
        progress = store.progress_of(specific)  # it may have ended between the two readings
        is_unsteered = False
    lines, first = _log_of(operation)
    run = registry.find(operation.pk)
    if run is not None and run.run_id == specific.run_id:
        view, tail, seq = run.snapshot()
        if State(view.state).is_final and not State(specific.get_state()).is_final:
            # It has ended since it was found: only now can be read where it went on.
            found = find(operation.pk)
            if found is not None and found.run_id != run.run_id:
                return take(found)
            specific = found or specific
        known = {line.seq for line in tail}
        merged = [line for line in lines if line.seq not in known] + tail
        return Snapshot(
            specific, view, merged[-TAIL:], seq, first or (merged[0].seq if merged else 0)
        )
    seq = progress.seq if progress is not None else 0
    actions = () if is_unsteered else None
    return Snapshot(specific, stored_view(specific, progress, actions), lines, seq, first)


def find(pk: uuid.UUID) -> LiveOperation | None:
    """Return the specific instance of an operation with its saved progress, or None.

    One whose class this project no longer has cannot be shown, and counts as not there.
    """
    rows = LiveOperation.objects.select_related("live_progress").filter(pk=pk)
    row = rows.annotate(_is_steered=Exists(_STEERED)).first()
    if row is None:
        return None
    try:
        specific = row.specific
    except (UnknownOperationTypeError, ObjectDoesNotExist) as error:
        logger.warning("liveops: operation %s cannot be shown: %s", pk, error)
        return None
    specific._state.fields_cache["live_progress"] = getattr(row, "live_progress", None)
    is_final = State(row.get_state()).is_final
    vars(specific)[_FIRST_LOOK] = _FirstLook(is_final, is_unsteered=not vars(row)["_is_steered"])
    return specific


def stand_in(pk: uuid.UUID) -> LiveOperation:
    """Return something to ask the rule about in the place of an operation that there is not.

    An id that there is nothing of is to cost what one costs that somebody may not see: the same
    queries, so that nobody can tell the two apart by the time that the answer takes.
    """
    LiveOperation._base_manager.filter(pk=pk).first()  # where the row of its own class is read
    return LiveOperation(pk=pk, operation_type=LiveOperation._meta.label)


def stored_view(
    operation: LiveOperation,
    progress: LiveProgress | None,
    actions: tuple[ControlAction, ...] | None = None,
) -> View:
    """Return what is shown of an operation, from what is stored of it.

    Args:
        operation: the specific instance.
        progress: its saved progress, if it has any.
        actions: who steered it; left out, that is read.
    """
    progress = progress or LiveProgress()
    return View(
        state=operation.get_state(),
        status_text=progress.status_text,
        status_level=progress.status_level,
        percent=progress.percent,
        done=progress.done,
        total=progress.total,
        unit=progress.unit,
        label=progress.label,
        rate=progress.rate,
        current_stage=operation.current_stage,
        stage_states=operation.stage_states,
        stage_attempts=progress.stage_attempts,
        taken_at=progress.taken_at,
        stage_times=progress.stage_times,
        expected=progress.expected,
        reached=progress.reached,
        swaps=progress.swaps,
        error_text=progress.error_text,
        cancel_requested=operation.cancel_requested,
        actions=store.actions_of(operation) if actions is None else actions,
    )


def _first_look(operation: LiveOperation) -> _FirstLook:
    found: _FirstLook | None = vars(operation).get(_FIRST_LOOK)
    return found or _FirstLook()


def _log_of(operation: LiveOperation) -> tuple[list[Line], int]:
    """Return the log's tail and the number of the first line that is stored, in one query."""
    stored = LogLine.objects.using(operation._state.db).filter(operation=operation.pk)
    first = Subquery(stored.order_by("seq").values("seq")[:1])
    columns = ("seq", "time", "level", "stage", "text")
    rows = list(stored.annotate(first=first).order_by("-seq").values_list(*columns, "first")[:TAIL])
    return [Line(*row[:-1]) for row in reversed(rows)], rows[0][-1] if rows else 0
