"""A site in miniature, for generated interleavings: a broker, executors, and a clock by hand.

Nothing here runs by itself. An executor is only the writes that a run makes, one at a time, so
that any other actor may come in between two of them.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import connection, transaction
from django.utils import timezone

from liveops import store
from liveops.exceptions import FenceLost, InvalidStateError
from liveops.models import ControlRecord, LiveOperation, LiveProgress, LogLine, StageRun
from liveops.progress.view import Line
from liveops.runners.base import Runner
from liveops.stages import StageState
from liveops.states import State
from tests.engines.models import StagedPlan

STAGES = ("Load", "Change", "Save")


class Post(Runner):
    """A runner whose broker is a list; a message stays there until the test takes it."""

    messages: ClassVar[list[uuid.UUID]] = []

    def enqueue(self, operation: LiveOperation) -> None:
        """Put the operation into the post."""
        self.messages.append(operation.pk)


def forget_everything() -> None:
    """Remove what an example before this one left."""
    Post.messages.clear()
    LiveOperation.objects.all().delete()


def specific(pk: uuid.UUID) -> LiveOperation:
    """Load an operation as an instance of its own class."""
    return LiveOperation.objects.get(pk=pk).specific


def rows_of(pk: uuid.UUID) -> list[list[tuple[Any, ...]]]:
    """Return every row of an operation, whole, as SQLite has them."""
    with connection.cursor() as cursor:
        return [
            cursor.execute(
                f'SELECT * FROM "{table}" WHERE "{key}" = %s ORDER BY rowid',  # noqa: S608  (names of columns and of a table)
                [pk.hex],
            ).fetchall()
            for table, key in _TABLES.items()
        ]


def select(what: str) -> list[tuple[Any, ...]]:
    """Return rows, quickly: this is asked after every step."""
    with connection.cursor() as cursor:
        return list(cursor.execute(f"SELECT {what}").fetchall())


_TABLES = {
    LiveOperation._meta.db_table: "id",
    StagedPlan._meta.db_table: "liveoperation_ptr_id",
    **{
        model._meta.db_table: "operation_id"
        for model in (LiveProgress, StageRun, ControlRecord, LogLine)
    },
}


class HandClock:
    """The database's clock and the monotonic one of processes, which go on when the test says so.

    The statements are those of the package, down to SQLite, where this is what ``STRFTIME`` reads.
    """

    def __init__(self) -> None:
        self.now = 1_000.0
        self._began = datetime(2030, 1, 1)  # noqa: DTZ001  (SQLite's text has no zone; it is UTC)
        connection.ensure_connection()
        connection.connection.create_function("strftime", 2, self._database_time)

    def __call__(self) -> float:
        """Return the time of a process, in seconds."""
        return self.now

    def _database_time(self, pattern: str, moment: str) -> str:
        assert (pattern, moment) == ("%Y-%m-%d %H:%M:%f", "NOW")
        passed = timedelta(seconds=self.now)
        return (self._began + passed).isoformat(" ", timespec="milliseconds")


@dataclass
class Seen:
    """What a reaper found when it looked.

    Attributes:
        silent: runs without a sign of life: operation and fence.
        broken: operations that are to be resumed by themselves.
        waiting: operations that wait in vain.
    """

    silent: list[tuple[uuid.UUID, uuid.UUID]] = field(default_factory=list)
    broken: list[LiveOperation] = field(default_factory=list)
    waiting: list[LiveOperation] = field(default_factory=list)

    @classmethod
    def now(cls, stale: float, requeue: float) -> "Seen":
        """Look."""
        silent = [(run.operation, run.run_id) for run in store.stale_runs("default", stale)]
        waiting = store.overdue("default", requeue)
        return cls(silent, list(store.resumable("default")), waiting)


def resumed_by_itself(operation: LiveOperation) -> bool:
    """Resume an operation as a reaper does; return whether that was accepted."""
    try:
        with transaction.atomic():
            store.resume(operation.specific, unasked=True)
            operation.specific.note_enqueued()
    except InvalidStateError:
        return False
    Post().submit(operation)
    return True


@dataclass
class Executor:
    """What a run writes; every method returns whether the write was accepted.

    Attributes:
        operation: the instance that it loaded, perhaps long before it claims.
        claim: what it won; None before, or if it won nothing.
        accepted: by number, the log lines of this run that are stored.
    """

    operation: LiveOperation
    claim: store.Claim | None = None
    frames: int = 0
    last_line: int = 0
    passed: int = 0
    accepted: dict[int, str] = field(default_factory=dict)

    @property
    def pk(self) -> uuid.UUID:
        """The operation's id."""
        return self.operation.pk

    @property
    def run_id(self) -> uuid.UUID | None:
        """The fence; None without a claim."""
        return self.claim.run_id if self.claim else None

    def take(self) -> bool:
        """Try to claim."""
        self.claim = store.claim(self.operation)
        if self.claim is not None:
            self.frames, self.last_line = self.claim.seq, self.claim.log_seq
        return self.claim is not None

    def progress(self, lines: int) -> bool:
        """Save progress and so many log lines: also a sign of life."""
        numbers = range(self.last_line + 1, self.last_line + lines + 1)
        new = [
            Line(number, timezone.now(), "info", "", f"{self.run_id} {number}")
            for number in numbers
        ]
        if not self._save(new):
            return False
        self.accepted |= {line.seq: line.text for line in new}
        return True

    def enter_stage(self) -> bool:
        """Save that the next stage is active."""
        index = min(self.passed, len(STAGES) - 1)
        states = {**self.operation.stage_states, STAGES[index]: StageState.ACTIVE.value}
        self.operation.current_stage, self.operation.stage_states = index, states
        return self._own_save(["current_stage", "stage_states"])

    def leave_stage(self) -> bool:
        """Save that the stage is done, and its checkpoint."""
        name = STAGES[min(self.passed, len(STAGES) - 1)]
        self.operation.stage_states = {
            **self.operation.stage_states,
            name: StageState.DONE.value,
        }
        if not self._own_save(["current_stage", "stage_states"]):
            return False
        row = StageRun(
            operation_id=self.pk,
            run_id=self.operation.fence or uuid.uuid4(),
            stage=name,
            started_on=timezone.now(),
            finished_on=timezone.now(),
            outcome=StageState.DONE.value,
            result=str(self.run_id),
            is_checkpoint=True,
        )
        self.passed += 1
        return self._save([], [row])

    def save_fields(self, *names: str) -> bool:
        """Save the operation as user code does: all of it, or only fields of its own class."""
        plan = {"saved": self.frames}
        setattr(self.operation, "plan", plan)  # noqa: B010  (a field of the subclass)
        return self._own_save(list(names) or None)

    def finish(self, state: State) -> bool:
        """End the run."""
        return store.finish(self.operation, store.Ending(state))

    def may_go_on(self) -> bool:
        """Ask the database, as the pump does, whether the operation is still this run's."""
        fence, _ = store.poll("default", [self.pk])[self.pk]
        return bool(fence == self.run_id)

    def _save(self, lines: list[Line], ended: Sequence[StageRun] = ()) -> bool:
        last = lines[-1].seq if lines else self.last_line
        values = {"seq": self.frames + 1, "log_seq": last, "status_text": f"{self.run_id}"}
        try:
            store.save_rows(self.operation, values, lines, ended, keep_lines=1_000)
        except FenceLost:
            return False
        self.frames, self.last_line = self.frames + 1, last
        return True

    def _own_save(self, names: list[str] | None) -> bool:
        try:
            self.operation.save(update_fields=names)
        except FenceLost:
            return False
        return True
