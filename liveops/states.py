"""The states of an operation."""

from enum import StrEnum

__all__ = ["State"]


class State(StrEnum):
    """What ``op.get_state()`` returns."""

    NOT_STARTED = "NOT_STARTED"
    STARTED = "STARTED"
    FINISHED_OK = "FINISHED_OK"
    FINISHED_ERROR = "FINISHED_ERROR"
    CANCELLED = "CANCELLED"
    INTERRUPTED = "INTERRUPTED"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens unless somebody restarts the operation."""
        return self not in (State.NOT_STARTED, State.STARTED)


FINAL_STATES = tuple(state for state in State if state.is_final)
"""The states that a run can end in."""

RESUMABLE_STATES = (State.FINISHED_ERROR, State.CANCELLED, State.INTERRUPTED)
"""The states from which an operation made of stage methods can be resumed."""
