"""One passage of a run through a stage, whether a block, a loop of attempts or a method."""

import logging
from asyncio import CancelledError
from collections.abc import Sequence

from django.db import DatabaseError

from liveops.events import StageTeller
from liveops.progress.ledger import Span
from liveops.progress.staged_run import StagedRun
from liveops.progress.update import StageChange
from liveops.stages import Checkpoint, StageState, outcome_of

logger = logging.getLogger("liveops")


class StagePassage:
    """Tells the run what becomes of a stage, and when.

    Args:
        run: the run.
        name: the stage.
        tries: the most attempts that there can be.
    """

    def __init__(self, run: StagedRun, name: str, tries: int = 1) -> None:
        stages: Sequence[str] = run.operation.stages
        self.name = name
        self.attempt = 1
        self.tries = tries
        self._run = run
        self._index = stages.index(name) if name in stages else None
        self._outer = ""
        self._entered = self._began = run.clock()
        self._ended: float | None = None
        self._is_recorded = False
        tracked = name if run.tells_events and self._index is not None else None
        self._teller = StageTeller(run.operation, run.run_id, tracked)

    def enter(self, state: StageState = StageState.ACTIVE) -> None:
        """Enter the stage.

        Raises:
            StopSignal: the run is to stop; the stage was not entered.
        """
        self._outer = self._run.state.stage
        self._entered = self._began = self._run.clock()
        try:
            self._run.enter_stage(self._change(state))
        except BaseException:
            self._run.state.stage = self._outer
            raise
        self._run.passages.append(self)
        self._teller.entered(is_skipped=state == StageState.SKIPPED)

    def begin_attempt(self, number: int) -> None:
        """Begin an attempt; the first one has begun with the stage as far as anybody sees."""
        self.attempt = number
        self._began, self._ended = self._run.clock(), None
        self._is_recorded = False
        if number > 1:
            self._run.change_stage(self._change(StageState.ACTIVE))
        self._teller.attempt_began(number)

    def run_after_all(self) -> None:
        """Show the stage as active that was entered as one to be skipped."""
        self._run.change_stage(self._change(StageState.ACTIVE))
        self._teller.attempt_began(self.attempt, after_all=True)

    def end_attempt(self) -> None:
        """Note when the attempt ended; its outcome follows."""
        self._ended = self._run.clock()

    def retry(self) -> None:
        """Wait for another attempt: the one that ended has failed."""
        self._is_recorded = True
        span = self._span()
        self._run.change_stage(self._change(StageState.RETRYING), span)
        self._teller.attempt_ended(StageState.FAILED, span.began_ago - span.ended_ago)

    def leave(self, outcome: StageState, checkpoint: Checkpoint | None = None) -> None:
        """Leave the stage for good, unless it was left when the operation was chained.

        Args:
            outcome: the state that it ends in.
            checkpoint: what may stand for it in a resume.
        """
        if self not in self._run.passages:
            return
        self._run.passages.remove(self)
        span, seconds = self._span(), self._run.clock() - self._entered
        try:
            # Left in the wait for another attempt: the last one has its record.
            recorded = None if self._is_recorded else span
            self._run.change_stage(self._change(outcome, seconds), recorded, checkpoint)
        finally:
            self._run.state.stage = self._outer
            self._teller.attempt_ended(outcome, span.began_ago - span.ended_ago)
            self._teller.left(outcome, seconds)

    def leave_after(self, error: BaseException) -> None:
        """Leave the stage because of an exception, which must not be lost for any other."""
        stop = self._run.stop
        if not isinstance(error, CancelledError):
            outcome = outcome_of(error)
        elif stop is None:
            outcome = StageState.FAILED  # user code gave it up, and goes on
        else:
            outcome = outcome_of(stop)  # what its task was cancelled for
        try:
            self.leave(outcome)
        except DatabaseError as trouble:
            logger.warning("liveops: a stage is saved with the end of its run (%s)", trouble)

    def _change(self, state: StageState, seconds: float | None = None) -> StageChange:
        return StageChange(self.name, self._index, state, seconds, self.attempt, self.tries)

    def _span(self) -> Span:
        now = self._run.clock()
        return Span(now - self._began, now - (self._ended if self._ended is not None else now))
