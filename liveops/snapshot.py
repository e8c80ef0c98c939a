"""An operation as it is now: from memory if it runs in this process, else from the database."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ObjectDoesNotExist
from django.utils.safestring import SafeString

from liveops import registry, rendering, store
from liveops.exceptions import UnknownOperationTypeError
from liveops.models import LiveOperation, LiveProgress, LogLine
from liveops.progress.view import Line, View
from liveops.states import State

logger = logging.getLogger("liveops")

TAIL = 1_000
"""The most log lines in a snapshot."""


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

    def log_after(self, number: int | None) -> SafeString:
        """Return the log as a fragment for a watcher that shows lines up to ``number``.

        Only what is new, if that follows without a gap; else the whole tail.
        """
        operation, view, lines = self.operation, self.view, self.lines
        if number and lines and lines[0].seq - 1 <= number <= lines[-1].seq:
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
    if State(specific.get_state()).is_final:
        progress = store.progress_of(specific)  # it may have ended between the two readings
    alias = operation._state.db
    stored = LogLine.objects.using(alias).filter(operation=operation.pk)
    lines = [_line(row) for row in reversed(stored.order_by("-seq")[:TAIL])]
    first = stored.order_by("seq").values_list("seq", flat=True).first() or 0
    run = registry.find(operation.pk)
    if run is not None and run.run_id == specific.run_id:
        view, tail, seq = run.snapshot()
        known = {line.seq for line in tail}
        merged = [line for line in lines if line.seq not in known] + tail
        return Snapshot(
            specific, view, merged[-TAIL:], seq, first or (merged and merged[0].seq) or 0
        )
    seq = progress.seq if progress is not None else 0
    return Snapshot(specific, stored_view(specific, progress), lines, seq, first)


def find(pk: uuid.UUID) -> LiveOperation | None:
    """Return the specific instance of an operation with its saved progress, or None.

    One whose class this project no longer has cannot be shown, and counts as not there.
    """
    row = LiveOperation.objects.select_related("live_progress").filter(pk=pk).first()
    if row is None:
        return None
    try:
        specific = row.specific
    except (UnknownOperationTypeError, ObjectDoesNotExist) as error:
        logger.warning("liveops: operation %s cannot be shown: %s", pk, error)
        return None
    specific._state.fields_cache["live_progress"] = getattr(row, "live_progress", None)
    return specific


def stored_view(operation: LiveOperation, progress: LiveProgress | None) -> View:
    """Return what is shown of an operation, from what is stored of it."""
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
        actions=store.actions_of(operation),
    )


def _line(row: LogLine) -> Line:
    return Line(row.seq, row.time, row.level, row.stage, row.text)
