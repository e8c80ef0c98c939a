"""The stages of a run, as user code enters them: blocks, loops of attempts and stage methods."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from liveops.exceptions import InvalidStateError, StageFailedError
from liveops.progress.attempts import Attempts
from liveops.progress.bridge import call_at_home
from liveops.progress.passage import StagePassage
from liveops.progress.run import Run
from liveops.progress.waiting import wait, wait_async
from liveops.results import storable_checkpoint
from liveops.stages import (
    Checkpoint,
    RetryLimits,
    Stage,
    StageHost,
    StageState,
    identifier,
    selects,
)

if TYPE_CHECKING:
    from tenacity import RetryCallState, RetryError

T = TypeVar("T")


class Stages:
    """Lets user code enter stages; a part of ``Progress``."""

    _run: Run

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Run the block as a stage of the operation.

        On entering, the stage is ``active``; on leaving ``done``, ``cancelled`` if the block was
        cancelled, ``interrupted`` if the process is going down, else ``failed``. Exceptions go on.
        Both are saved (``current_stage``, ``stage_states``) and shown at once. A name that is not
        in ``stages`` runs its block all the same, untracked.

        Raises:
            OperationCancelled: the operation was cancelled before this stage.
            InvalidStateError: ``stages_to_run`` leaves out this stage, which a block cannot be.
        """
        name = str(name)
        self._refuse_to_skip(name)
        passage = StagePassage(self._run, name)
        passage.enter()
        try:
            passage.begin_attempt(1)
            yield
        except BaseException as error:
            passage.leave_after(error)
            raise
        else:
            passage.leave(StageState.DONE)

    def attempts(
        self,
        name: str,
        *,
        retry_attempts: int = 0,
        retry_delay: float = 0.0,
        retry_timeout: float | None = None,
        continue_on_failure: bool = False,
    ) -> Attempts:
        """Return the attempts at a stage that is not a method, to be looped over.

        Write ``for attempt in p.attempts("Save", retry_attempts=3): with attempt: …``; in a
        coroutine ``async for``. The block is a stage, as with :meth:`stage`. One that raises
        ``RetryStage`` is run again; one that ends otherwise is the last. A stage that is not among
        ``stages_to_run`` has no attempt.

        Args:
            name: the stage.
            retry_attempts: how many more times the block is tried.
            retry_delay: seconds between two attempts.
            retry_timeout: seconds since the first attempt began after which there is no other;
                None for no such limit.
            continue_on_failure: whether the loop just ends when the attempts are used up.

        Raises:
            StageFailedError: the attempts are used up.
            OperationCancelled: the operation was cancelled before an attempt, or between two.
        """
        operation, name = self._run.operation, str(name)
        declared = RetryLimits(retry_attempts, retry_delay, retry_timeout)
        return Attempts(
            self._run,
            name,
            operation.retry_limits(identifier(name), declared),
            selected=selects(operation.stages_to_run, name),
            continue_on_failure=continue_on_failure,
        )

    def _stage_host(self, is_async: bool) -> StageHost:
        """Return what takes one stage method, plain or ``async``, through this run."""
        return _Host(self._run, is_async=is_async)

    def _selects_stage(self) -> bool:
        """Return whether the stage that was entered last is to run."""
        return selects(self._run.operation.stages_to_run, self._run.state.stage)

    def _take_back_heading(self) -> None:
        """Clear a status that only says what the last stage was about."""
        text = self._run.state.status[0]
        if text and text in self._run.operation.stage_headings.values():
            self._run.state.set_status("", "info")

    def _refuse_to_skip(self, name: str) -> None:
        operation = self._run.operation
        if name in operation.stages and not selects(operation.stages_to_run, name):
            raise InvalidStateError(
                f"stages_to_run leaves out {name!r}, but a with block cannot be skipped."
            )


class _Host(StageHost):
    """Tells a run about one passage of the stage machine."""

    def __init__(self, run: Run, *, is_async: bool) -> None:
        self._run = run
        self._is_async = is_async
        self._operation = run.operation
        self._stage: Stage
        self._passage: StagePassage
        self._retried: RetryCallState
        self._is_shown_skipped = False
        self._kept: Checkpoint | None = None

    def checkpoint(self, stage: Stage) -> Checkpoint | None:
        return self._run.checkpoint(stage.name)

    def selects(self, stage: Stage) -> bool:
        selected = selects(self._operation.stages_to_run, stage.name)
        if selected and self._is_shown_skipped:  # a phase has had a change of mind
            self._is_shown_skipped = False
            self._passage.run_after_all()
        return selected

    def limits(self, stage: Stage) -> RetryLimits:
        return self._operation.retry_limits(stage.form, stage.limits)

    def wait(self, seconds: float) -> Awaitable[None] | None:
        if self._is_async:
            return self._wait(seconds)
        self._retried.start_time -= wait(self._run, seconds)
        return None

    async def _wait(self, seconds: float) -> None:
        self._retried.start_time -= await wait_async(self._run, seconds)

    def enter(self, stage: Stage) -> None:
        self._stage = stage
        self._passage = StagePassage(self._run, stage.name)
        skipped = not self.selects(stage)
        # Its phases may still have it run; but nobody should see it start for nothing.
        self._passage.enter(StageState.SKIPPED if skipped else StageState.ACTIVE)
        self._is_shown_skipped = skipped

    def begin_attempt(self, number: int, limits: RetryLimits) -> None:
        self._passage.tries = limits.tries
        self._passage.begin_attempt(number)

    def end_attempt(self) -> None:
        self._passage.end_attempt()

    def retry(self, state: "RetryCallState") -> None:
        self._retried = state
        self._passage.retry()

    def keep(self, stage: Stage, result: Any) -> None:
        self._kept = Checkpoint(storable_checkpoint(stage.name, result))

    def leave(
        self, *, skipped: bool, exhausted: "RetryError | None", error: BaseException | None
    ) -> None:
        passage = self._passage
        if error is not None:
            passage.leave_after(error)
        elif exhausted is not None:
            passage.leave(StageState.FAILED)
            if not self._stage.continue_on_failure:
                cause = exhausted.last_attempt.exception()
                raise StageFailedError.after(passage.name, passage.attempt, cause) from cause
        else:
            passage.leave(StageState.SKIPPED if skipped else StageState.DONE, self._kept)

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        # In a coroutine, plain phases run where they may use the database.
        return call_at_home(lambda: function(*args, **kwargs))
