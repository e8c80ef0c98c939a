"""The states of a stage, and how a block that ends decides between them."""

from asyncio import CancelledError
from enum import StrEnum

from liveops.exceptions import OperationCancelled, StopSignal


class StageState(StrEnum):
    """The state of one stage as stored; a stage that has none is pending."""

    ACTIVE = "active"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    RETRYING = "retrying"
    INTERRUPTED = "interrupted"


def outcome_of(error: BaseException | None) -> StageState:
    """Return the state that a stage ends in, given the exception that left its block, if any."""
    if error is None:
        return StageState.DONE
    if isinstance(error, OperationCancelled):
        return StageState.CANCELLED
    if isinstance(error, KeyboardInterrupt | SystemExit | StopSignal | CancelledError):
        return StageState.INTERRUPTED
    return StageState.FAILED
