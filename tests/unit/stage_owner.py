"""An instance with stages that write into a trace, and the host that they are told to."""

from collections.abc import Awaitable, Callable
from typing import Any

from tenacity import RetryCallState, RetryError, Retrying

from liveops.stages import RetryLimits, Stage, StageHost, make_stage


class Host(StageHost):
    """Writes what it is told into a trace, each entry with a ``>`` in front."""

    def __init__(self, trace: list[str], *, selected: bool, limits: RetryLimits) -> None:
        self.trace = trace
        self.selected = selected
        self.retry_limits = limits
        self.left: dict[str, Any] = {}
        self.leaving: BaseException | None = None
        self.entering: BaseException | None = None

    def selects(self, stage: Stage) -> bool:
        return self.selected

    def limits(self, stage: Stage) -> RetryLimits:
        self.trace.append("> limits")
        return self.retry_limits

    def wait(self, seconds: float) -> Awaitable[None] | None:
        self.trace.append(f"> wait {seconds:g}")
        return None

    def enter(self, stage: Stage) -> None:
        self.trace.append(f"> enter {stage.name}")
        if self.entering is not None:
            raise self.entering

    def begin_attempt(self, number: int, limits: RetryLimits) -> None:
        self.trace.append(f"> attempt {number} of {limits.tries}")

    def end_attempt(self) -> None:
        self.trace.append("> attempt over")

    def retry(self, state: RetryCallState) -> None:
        self.trace.append(f"> retry after {state.attempt_number}")

    def exhaust(self, error: RetryError) -> None:
        self.trace.append("> exhausted")

    def leave(self, **outcome: Any) -> None:
        self.trace.append("> leave")
        self.left = outcome
        if self.leaving is not None:
            raise self.leaving


class Owner:
    """Has all phases, which write their names into a trace, and a body that does as told.

    Args:
        outcomes: what the body does, one for each attempt: an exception is raised, anything else
            returned.
    """

    def __init__(
        self, *outcomes: Any, selected: bool = True, limits: RetryLimits | None = None
    ) -> None:
        self.trace: list[str] = []
        self.outcomes = list(outcomes)
        self.host = Host(self.trace, selected=selected, limits=limits or RetryLimits())

    @property
    def phases(self) -> list[str]:
        """The trace without what the host was told."""
        return [entry for entry in self.trace if not entry.startswith(">")]

    def body(self, number: str = "") -> Any:
        """Do what the outcomes say; the last of them again and again."""
        self.trace.append(f"body{number}")
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _run_pre_stage_actions(self) -> Any:
        self.trace.append("pre")

    def _begin_stage(self, heading: str) -> Any:
        self.trace.append(f"begin {heading}")

    def _skip_stage(self) -> Any:
        self.trace.append("skip")

    def _end_stage(self) -> Any:
        self.trace.append("end")

    def _prepare_to_retry_stage(self, retry_state: RetryCallState) -> Any:
        self.trace.append(f"prepare {retry_state.attempt_number}")

    def _handle_stage_retry_error(self, retry: Retrying) -> Any:
        self.trace.append(f"handle {retry.statistics['attempt_number']}")

    def _run_post_stage_actions(self) -> Any:
        self.trace.append("post")


def stage(name: str = "build", heading: str = "Building") -> Callable[[Any], Any]:
    """Return a decorator that makes a method of an owner a stage."""
    return lambda body: make_stage(Stage(name, heading), body, lambda owner: owner.host)


class Script(Owner):
    """An owner of one stage."""

    @stage()
    def build(self) -> Any:
        """Build it."""
        return self.body()


def attempts(more: int) -> RetryLimits:
    """Return limits of so many more attempts, two seconds apart."""
    return RetryLimits(attempts=more, delay=2.0)
