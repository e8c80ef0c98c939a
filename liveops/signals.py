"""What happens to operations, for other code to hear of.

The ``sender`` of each signal is the operation's class, so a receiver may ask for one class. What
else it is handed, the class of keyword arguments says that bears the signal's name: annotate
``**event: Unpack[StageFinished]``, and a type checker knows them all.

==========================  ===================================================================
``operation_claimed``       a run has begun
``stage_started``           it entered a stage
``attempt_started``         the stage's body is tried
``attempt_finished``        that try has ended
``stage_finished``          the stage was left
``operation_finished``      the operation succeeded, failed or was cancelled
``operation_interrupted``   the operation was INTERRUPTED, whoever said so
``operation_released``      the run is over in this process, however it ended
==========================  ===================================================================

A receiver that raises is logged; the run goes on.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID

from django.dispatch import Signal

from liveops.states import State

if TYPE_CHECKING:
    from liveops.models import LiveOperation
    from liveops.stages import StageState

__all__ = [
    "AttemptFinished",
    "AttemptStarted",
    "OperationClaimed",
    "OperationFinished",
    "OperationInterrupted",
    "OperationReleased",
    "Reason",
    "StageFinished",
    "StageStarted",
    "attempt_finished",
    "attempt_started",
    "operation_claimed",
    "operation_finished",
    "operation_interrupted",
    "operation_released",
    "stage_finished",
    "stage_started",
]


class Reason(StrEnum):
    """Why an operation was interrupted."""

    STOPPED = "stopped"
    """The process was told to stop, and the run ended with it."""
    CUT_OFF = "cut_off"
    """The process was told to stop, and ended the run that did not do so in time."""
    REAPED = "reaped"
    """The run was silent for too long: its process is dead, or cut off from the database."""


class _Any(TypedDict):
    signal: Signal
    operation: "LiveOperation"


class _OfRun(_Any):
    run_id: UUID


class OperationClaimed(_OfRun):
    """Arguments of ``operation_claimed``.

    Attributes:
        operation: the instance that runs; ``operation.progress`` speaks to its watchers.
        run_id: the run; a restart or a resume is another one.
    """


class StageStarted(_OfRun):
    """Arguments of ``stage_started``.

    Attributes:
        stage: the name.
    """

    stage: str


class AttemptStarted(StageStarted):
    """Arguments of ``attempt_started``.

    Attributes:
        attempt: its number, from 1.
    """

    attempt: int


class AttemptFinished(AttemptStarted):
    """Arguments of ``attempt_finished``.

    Attributes:
        outcome: the state of the stage after it; ``failed`` also if there is another one.
        seconds: how long it took, by a clock that only goes forward.
    """

    outcome: "StageState"
    seconds: float


class StageFinished(StageStarted):
    """Arguments of ``stage_finished``.

    Attributes:
        outcome: the state that the stage was left in.
        seconds: how long it took, with all attempts and the waits between them.
    """

    outcome: "StageState"
    seconds: float


class OperationFinished(_Any):
    """Arguments of ``operation_finished``.

    Attributes:
        run_id: the run; None if the operation ended before there was one.
        state: FINISHED_OK, FINISHED_ERROR or CANCELLED.
        seconds: how long the run took; 0 if there was none.
        error_text: what watchers read of a failure; "" without one.
    """

    run_id: UUID | None
    state: State
    seconds: float
    error_text: str


class OperationInterrupted(_OfRun):
    """Arguments of ``operation_interrupted``.

    Attributes:
        operation: the instance that ran; a fresh one from the database if the run was elsewhere.
        reason: a :class:`Reason`.
    """

    reason: Reason


class OperationReleased(_OfRun):
    """Arguments of ``operation_released``."""


operation_claimed = Signal()
stage_started = Signal()
attempt_started = Signal()
attempt_finished = Signal()
stage_finished = Signal()
operation_finished = Signal()
operation_interrupted = Signal()
operation_released = Signal()
