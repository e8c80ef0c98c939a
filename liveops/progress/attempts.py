"""``p.attempts()``: a stage that is retried or skipped without being a method."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import TracebackType
from typing import Any, Self

from liveops.exceptions import StageFailedError
from liveops.progress.passage import StagePassage
from liveops.progress.staged_run import StagedRun
from liveops.progress.waiting import wait, wait_async
from liveops.stage_texts import giving_up_text, retry_text, skipped_text
from liveops.stages import RetryLimits, StageState


class Attempts:
    """The attempts at one stage; looped over once, with ``for`` or ``async for``.

    Args:
        run: the run.
        name: the stage.
        limits: how often it is tried again.
        selected: whether it is to run at all; if not, there is no attempt.
        continue_on_failure: whether the loop just ends when the attempts are used up.
    """

    def __init__(
        self,
        run: StagedRun,
        name: str,
        limits: RetryLimits,
        *,
        selected: bool,
        continue_on_failure: bool,
    ) -> None:
        self.passage = StagePassage(run, name, limits.tries)
        self.tenacity: Any = import_module("liveops.stages.retrying")  # loaded when first needed
        self.retrying = self.tenacity.StageRetrying(limits)
        self.state = self.tenacity.RetryCallState(self.retrying, None, (), {})
        self.continue_on_failure = continue_on_failure
        self.is_waiting = False
        self._run = run
        self._selected = selected
        self._used = False

    def __iter__(self) -> Iterator["Attempt"]:
        """Yield an attempt, and another one after each that is to be retried."""
        attempt = self._first()
        with self._leaving_if_abandoned():
            while attempt is not None:
                yield attempt
                if (pause := attempt.pause) is None:
                    return
                self.state.start_time -= wait(self._run, pause)
                attempt = self._another()

    async def __aiter__(self) -> AsyncIterator["Attempt"]:
        """Do the same in a coroutine."""
        attempt = self._first()
        with self._leaving_if_abandoned():
            while attempt is not None:
                yield attempt
                if (pause := attempt.pause) is None:
                    return
                self.state.start_time -= await wait_async(self._run, pause)
                attempt = self._another()

    @contextmanager
    def _leaving_if_abandoned(self) -> Iterator[None]:
        """Leave the stage if the loop ends while it waits for another attempt."""
        try:
            yield
        except BaseException as error:
            if self.is_waiting:
                self.passage.leave_after(error)
            raise

    def say(self, text: str, level: str) -> None:
        """Log what becomes of the stage."""
        self._run.state.add_line(text, level)

    def _first(self) -> "Attempt | None":
        if self._used:
            raise RuntimeError("p.attempts() is looped over once; call it again.")
        self._used = True
        if not self._selected:
            self.passage.enter(StageState.SKIPPED)
            self.say(skipped_text(), "info")
            self.passage.leave(StageState.SKIPPED)
            return None
        self.retrying.begin()
        return Attempt(self, self.state.attempt_number)

    def _another(self) -> "Attempt":
        self.state.prepare_for_next_attempt()
        return Attempt(self, self.state.attempt_number)


class Attempt:
    """One attempt: a context manager around its code.

    Attributes:
        number: from 1.
        pause: seconds until the next attempt; None if there is none.
    """

    def __init__(self, attempts: Attempts, number: int) -> None:
        self.number = number
        self._attempts = attempts
        self._pause: float | None = None
        self._used = False

    @property
    def pause(self) -> float | None:
        """Seconds until the next attempt, None for no other; to be asked once this one ended."""
        if not self._used:
            raise RuntimeError("Write 'with attempt:' in the loop over p.attempts().")
        return self._pause

    def __enter__(self) -> Self:
        self._used = True
        passage = self._attempts.passage
        if self.number == 1:
            passage.enter()
        self._attempts.is_waiting = False
        passage.begin_attempt(self.number)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        attempts = self._attempts
        attempts.passage.end_attempt()
        if not isinstance(error, attempts.tenacity.TryAgain):
            if error is None:
                attempts.passage.leave(StageState.DONE)
            else:
                attempts.passage.leave_after(error)
            return False
        attempts.state.set_exception((type(error), error, trace))
        try:
            self._pause = attempts.retrying.pause_after(attempts.state)
        except attempts.tenacity.RetryError:
            attempts.say(giving_up_text(attempts.retrying), "error")
            attempts.passage.leave(StageState.FAILED)
            if attempts.continue_on_failure:
                return True
            raise StageFailedError.after(attempts.passage.name, self.number, error) from error
        attempts.passage.retry()
        attempts.is_waiting = True
        attempts.say(retry_text(attempts.state), "warning")
        return True
