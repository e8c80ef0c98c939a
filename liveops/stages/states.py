"""The states of a stage, and how a block that ends decides between them."""

from asyncio import CancelledError
from collections.abc import Mapping
from enum import StrEnum

from liveops.exceptions import OperationCancelled, StopSignal

__all__ = ["StageState"]


class StageState(StrEnum):
    """The state of one stage as stored; a stage that has none is pending."""

    ACTIVE = "active"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    RETRYING = "retrying"
    INTERRUPTED = "interrupted"


def without_unfinished(states: Mapping[str, str], instead: StageState) -> dict[str, str]:
    """Return stage states in which no stage is under way any more.

    Args:
        states: name to state.
        instead: what a stage becomes that was active, or waited to be tried again.
    """
    unfinished = (StageState.ACTIVE, StageState.RETRYING)
    return {name: instead.value if s in unfinished else s for name, s in states.items()}


def outcome_of(error: BaseException | None) -> StageState:
    """Return the state that a stage ends in, given the exception that left its block, if any."""
    if error is None:
        return StageState.DONE
    if isinstance(error, OperationCancelled):
        return StageState.CANCELLED
    if isinstance(error, KeyboardInterrupt | SystemExit | StopSignal | CancelledError):
        return StageState.INTERRUPTED
    return StageState.FAILED
