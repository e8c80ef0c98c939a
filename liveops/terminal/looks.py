"""What the database says of an operation at one moment, read with one query a look."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.core.exceptions import ObjectDoesNotExist

from liveops import snapshot, store
from liveops.exceptions import LiveOperationsError
from liveops.models import LiveOperation, StageRun
from liveops.progress.view import Line, View
from liveops.stages import StageState
from liveops.states import State
from liveops.store.log_reading import StoredLog

_PAGE = 1_000


class OperationGone(LiveOperationsError):
    """The operation that is followed was deleted."""


@dataclass(frozen=True, slots=True)
class Look:
    """An operation as it is stored.

    Attributes:
        row: the row of the operation, as an instance of the base class.
        view: what is shown of it.
        log_seq: number of its last log line that may be stored by now.
    """

    row: LiveOperation
    view: View
    log_seq: int

    @property
    def state(self) -> State:
        """The operation's state."""
        return State(self.view.state)

    @property
    def run_id(self) -> uuid.UUID | None:
        """Id of the run, the last one if it has ended."""
        return self.row.run_id

    def has_progress_of(self, stages: Sequence[str]) -> bool:
        """Return whether the progress is that of the stage at work.

        States of stages are saved at once, progress a little later.

        Args:
            stages: names of the operation's stages.
        """
        if self.state is not State.STARTED:
            return False
        index = self.view.current_stage
        name = stages[index] if 0 <= index < len(stages) else ""
        is_active = self.view.stage_states.get(name) == StageState.ACTIVE
        began, ended = self.view.stage_times.get(name) or (None, None)
        return not is_active or (began is not None and ended is None)

    @property
    def goes_on_by_itself(self) -> bool:
        """Whether a reaper is going to resume it, as its class asks for."""
        row = self.row
        is_interrupted = self.state is State.INTERRUPTED and not row.cancel_requested
        return is_interrupted and bool(row.resumes_left)


class Source:
    """Reads one operation.

    Args:
        operation: the specific instance.
    """

    def __init__(self, operation: LiveOperation) -> None:
        self.operation = operation
        self.alias = store.alias_of(operation)
        self._log = StoredLog(operation, self.alias)

    def look(self) -> Look:
        """Return the operation as it is stored now.

        Raises:
            OperationGone: it was deleted.
        """
        rows = LiveOperation._base_manager.using(self.alias).select_related("live_progress")
        row = rows.filter(pk=self.operation.pk).first()
        if row is None:
            raise OperationGone(f"Operation {self.operation.pk} was deleted.")
        progress = getattr(row, "live_progress", None)
        view = snapshot.stored_view(row, progress, actions=())
        return Look(row, view, progress.log_seq if progress is not None else 0)

    def lines(self, after: int) -> Iterator[list[Line]]:
        """Yield the stored log lines after a number, oldest first, up to 1,000 at a time."""
        while page := self._log.after(after, _PAGE):
            yield page
            after = page[-1].seq
            if len(page) < _PAGE:
                return

    def before(self, tail: int | None) -> tuple[int, int]:
        """Return the number of the line before those to be shown, and how many are left out.

        Args:
            tail: how many of the lines that are stored now are to be shown; None for all.
        """
        if tail is None:
            return (self._log.first() or 1) - 1, 0
        numbers = self._log.rows.order_by("-seq").values_list("seq", flat=True)
        last_left_out = numbers[tail : tail + 1].first()
        if last_left_out is None:
            return self.before(None)
        return last_left_out, self._log.rows.filter(seq__lte=last_left_out).count()

    def attempts(self, stage: str, run_id: uuid.UUID | None) -> list[StageRun]:
        """Return the attempts of a stage that have ended, in their order."""
        if run_id is None:
            return []
        rows = StageRun.objects.using(self.alias).filter(operation=self.operation.pk)
        return list(rows.filter(stage=stage, run_id=run_id).order_by("pk"))

    def as_it_ended(self) -> LiveOperation:
        """Return the specific instance as it is stored.

        Raises:
            OperationGone: it was deleted.
        """
        manager = type(self.operation)._base_manager.using(self.alias)
        ended: LiveOperation | None = manager.filter(pk=self.operation.pk).first()
        if ended is None:
            raise OperationGone(f"Operation {self.operation.pk} was deleted.")
        return ended

    def following(self) -> LiveOperation | None:
        """Return the operation that it went on with, if it was chained and that is still there.

        Raises:
            UnknownOperationTypeError: the project no longer has the class of that one.
        """
        manager = LiveOperation._base_manager.using(self.alias)
        row = manager.filter(previous_operation=self.operation.pk).first()
        try:
            return None if row is None else row.specific
        except ObjectDoesNotExist:  # half of it was deleted meanwhile
            return None
