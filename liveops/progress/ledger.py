"""What a run has to save beside its operation: progress, heartbeat, log lines, ended stages."""

import logging
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import Model
from django.utils import timezone

from liveops import outages, store
from liveops.conf import get_settings
from liveops.models import CommandRun, LiveOperation, StageRun
from liveops.progress.state import CHARACTERS
from liveops.progress.text import clean, clean_lines
from liveops.progress.throttle import Throttle
from liveops.progress.view import Line, View
from liveops.stages.names import MAX_NAME_LENGTH

logger = logging.getLogger("liveops")

_LARGEST = 2**63 - 1
_BATCH = 5_000  # log lines in one transaction: others wait to write meanwhile
_BATCH_CHARACTERS = 2_000_000
_FIRST_RETRY_SECONDS = 0.2
_LAST_TRIES = 3
_MOST_ROWS = 10_000  # ended attempts that wait, and as many commands


class Span(NamedTuple):
    """When something began and ended, in seconds before now."""

    began_ago: float
    ended_ago: float = 0.0


class Ledger:
    """Collects rows, and saves them in one transaction when that is due and possible.

    Nothing is lost while the database is locked or away: rows wait here, the oldest log lines
    giving way once there are more than the setting ``LOG_LINES`` keeps anyway, or than memory
    should hold; of attempts and commands the last 10,000 wait.

    Args:
        operation: the claimed instance.
        run_id: the run that ended stages are recorded for.
        now: seconds of the run's monotonic clock.
    """

    def __init__(self, operation: LiveOperation, run_id: uuid.UUID, now: float) -> None:
        settings = get_settings()
        self._operation = operation
        self._pk = operation.pk
        self._run_id = run_id
        self._alias = store.alias_of(operation)
        self._keep_lines = settings.LOG_LINES
        self._heartbeat_seconds = settings.HEARTBEAT_SECONDS
        self._lines: deque[Line] = deque(maxlen=settings.LOG_LINES)
        self._characters = 0  # in those lines
        self._stage_runs: list[StageRun] = []
        self._command_runs: list[CommandRun] = []
        self._checkpoints: list[StageRun] = []  # their rows may be saved already
        self._changed = False
        self._stored: dict[str, Any] = {}  # the progress as it was saved last
        self._throttle = Throttle(settings.PERSIST_SECONDS)
        self._throttle.mark(now)
        self._hurried = 1.0 / settings.THROTTLE_HZ  # seconds between two saves when stages end
        self._heartbeat_at = now + settings.HEARTBEAT_SECONDS
        self._retry_at = 0.0
        self._retry_seconds = _FIRST_RETRY_SECONDS
        self._is_told = False
        self._has_given_up = False

    @property
    def has_lines(self) -> bool:
        """Whether log lines wait to be saved."""
        return bool(self._lines)

    def add_lines(self, lines: Sequence[Line]) -> None:
        """Take log lines to be saved."""
        waiting = self._lines
        for line in lines:
            if len(waiting) == waiting.maxlen:
                self._characters -= len(waiting[0].text)
            waiting.append(line)
            self._characters += len(line.text)
        while self._characters > CHARACTERS and len(waiting) > 1:
            self._characters -= len(waiting.popleft().text)
        self._changed = True

    def add_stage_run(self, name: str, outcome: str, attempt: int, span: Span) -> StageRun:
        """Take the record of an attempt that ended and return it; the next flush saves it."""
        values = {"stage": name, "outcome": outcome, "attempt": attempt}
        row: StageRun = self._add(self._stage_runs, StageRun, span, **values)
        return row

    def take_stage_runs(self) -> list[StageRun]:
        """Leave all records from :meth:`add_stage_run` that wait to the caller, in their order."""
        taken = self._stage_runs[:]
        self._stage_runs.clear()
        return taken

    def put_back(self, rows: Sequence[StageRun]) -> None:
        """Take records again that the caller could not save."""
        waiting = {id(row) for row in self._stage_runs}
        self._stage_runs[:0] = [row for row in rows if id(row) not in waiting]
        self._changed = True
        self._throttle.hurry(self._hurried)

    def make_checkpoint(self, row: StageRun, result: Any) -> None:
        """Note that a record from :meth:`add_stage_run` may stand for its stage in a resume."""
        if self._has_given_up:
            return
        row.is_checkpoint, row.result = True, result
        if not any(row is waiting for waiting in self._stage_runs):
            self._checkpoints.append(row)
        self._changed = True
        self._throttle.hurry(self._hurried)

    def add_command_run(
        self, stage: str, command: str, exit_status: int | None, span: Span
    ) -> None:
        """Take the record of a command that ended; it is saved with the next flush."""
        values = {
            "stage": clean(stage)[:MAX_NAME_LENGTH],  # any name may stand in p.stage()
            "command": clean_lines(command),
            "exit_status": exit_status,
        }
        self._add(self._command_runs, CommandRun, span, **values)

    def _add(self, rows: list[Any], model: type[Model], span: Span, **values: Any) -> Any:
        now = timezone.now()
        row = model(
            operation_id=self._pk,
            run_id=self._run_id,
            started_on=now - timedelta(seconds=span.began_ago),
            finished_on=now - timedelta(seconds=span.ended_ago),
            **values,
        )
        rows.append(row)
        if len(rows) > _MOST_ROWS:
            self._give_up_oldest(rows)
        self._changed = True
        self._throttle.hurry(self._hurried)
        return row

    def _give_up_oldest(self, rows: list[Any]) -> None:
        """Make room, where the database is away for very long.

        Which call a checkpoint belongs to is known by its place among the attempts of its stage, so
        from now on there are no more checkpoints: what they would stand for runs again in a resume.
        """
        del rows[0]
        if not self._has_given_up:
            self._has_given_up = True
            self._checkpoints.clear()
            for row in self._stage_runs:
                row.is_checkpoint, row.result = False, None

    def note_change(self) -> None:
        """Note that the progress to be saved is not what was saved last."""
        self._changed = True

    def due_at(self) -> float:
        """Return when to save next, in seconds of the clock."""
        wanted = self._throttle.next_at if self._changed else self._heartbeat_at
        return max(min(wanted, self._heartbeat_at), self._retry_at)

    def postpone(self, now: float, seconds: float) -> None:
        """Do not try again before ``seconds`` from now."""
        self._retry_at = now + seconds

    def ready(self, now: float) -> bool:
        """Return whether the database may be tried now."""
        return now >= self._retry_at

    def last_tries(self, now: float) -> Iterator[int]:
        """Yield once for each save that is worth trying at the end of a run.

        As many as there are log lines for, and a few more if the database refuses.
        """
        failures = 0
        while failures < _LAST_TRIES:
            yield failures
            failures += not self.ready(now)

    def save(self, now: float, seq: int, log_seq: int, view: View) -> bool:
        """Save what waits, of the log lines up to 5,000; return whether nothing waits any more.

        If the database refuses, everything is kept for a later try.

        Raises:
            FenceLost: the run no longer owns the operation; nothing was written.
        """
        lines = self._next_lines()
        stage_runs, command_runs = list(self._stage_runs), list(self._command_runs)
        checkpoints = list(self._checkpoints)
        columns = _columns(seq, log_seq, view)
        stored = self._stored
        try:
            store.save_rows(
                self._operation,
                {k: v for k, v in columns.items() if k not in stored or stored[k] != v},
                lines,
                [*stage_runs, *command_runs],
                checkpoints,
                keep_lines=self._keep_lines,
            )
        except Exception as error:  # noqa: BLE001  (rows wait, whatever the trouble is)
            self._note_failure(now, error)
            return False
        outages.database(self._alias).ends(self._run_id)
        # In a transaction of somebody else's they may be taken back: then all are saved again.
        self._stored = columns if connections[self._alias].autocommit else {}
        self._is_told = False
        for _ in lines:
            self._characters -= len(self._lines.popleft().text)
        del self._stage_runs[: len(stage_runs)]
        del self._command_runs[: len(command_runs)]
        del self._checkpoints[: len(checkpoints)]
        self._changed = bool(self._lines)
        self._retry_seconds = _FIRST_RETRY_SECONDS
        self._retry_at = 0.0
        if not self._changed:
            self._throttle.mark(now)
        self._heartbeat_at = now + self._heartbeat_seconds
        return not self._changed

    def _note_failure(self, now: float, error: Exception) -> None:
        if outages.is_passing(error):
            outages.note_failure(self._alias, self._run_id, error)
        elif not self._is_told:
            self._is_told = True
            logger.error("liveops: progress could not be saved; trying again", exc_info=error)
        logger.debug("liveops: progress waits to be saved (%s)", error)
        self._retry_at = now + self._retry_seconds
        self._retry_seconds = min(self._retry_seconds * 2, outages.longest_pause())

    def _next_lines(self) -> list[Line]:
        lines: list[Line] = []
        characters = 0
        for line in islice(self._lines, _BATCH):
            characters += len(line.text)
            if lines and characters > _BATCH_CHARACTERS:
                break
            lines.append(line)
        return lines


def _columns(seq: int, log_seq: int, view: View) -> dict[str, Any]:
    return {
        "seq": seq,
        "log_seq": log_seq,
        "status_text": view.status_text,
        "status_level": view.status_level,
        "percent": view.percent,
        "done": None if view.done is None else min(view.done, _LARGEST),
        "total": None if view.total is None else min(view.total, _LARGEST),
        "unit": view.unit,
        "label": view.label,
        "rate": view.rate,
        "swaps": dict(view.swaps),
        "stage_attempts": dict(view.stage_attempts),
        "taken_at": view.taken_at,
        "stage_times": dict(view.stage_times),
        "reached": view.reached,
        "error_text": view.error_text,
    }
