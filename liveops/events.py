"""Telling of what happens to operations: observers, log records and signals, in this order.

Observers are called where the operation's code runs, in its context, so that they can make a span
the current one there. Signals go out where the database may be used.

The start of a run is remembered here, not on the run, so that whoever ends it can say how long it
took.
"""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError
from django.dispatch import Signal

from liveops import signals
from liveops.exceptions import UnknownOperationTypeError
from liveops.models import LiveOperation
from liveops.progress.bridge import call_at_home
from liveops.signals import Reason
from liveops.stages import StageState
from liveops.states import State

logger = logging.getLogger("liveops")
records = logging.getLogger("liveops.events")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an operation; what does not apply is None.

    Attributes:
        name: such as ``"stage.started"``; these names stay.
        operation: the operation.
        run_id: its run.
        error_text: what watchers read of a failure.
    """

    name: str
    operation: LiveOperation
    run_id: uuid.UUID | None
    stage: str | None = None
    attempt: int | None = None
    state: State | None = None
    outcome: StageState | None = None
    reason: Reason | None = None
    seconds: float | None = None
    error_text: str | None = None


Observer = Callable[[Event], None]

_observers: list[Observer] = []
_began: dict[uuid.UUID, float] = {}
_ARGUMENTS: dict[Signal, frozenset[str]] = {
    signal: kind.__required_keys__ - {"signal"}
    for signal, kind in (
        (signals.operation_claimed, signals.OperationClaimed),
        (signals.stage_started, signals.StageStarted),
        (signals.attempt_started, signals.AttemptStarted),
        (signals.attempt_finished, signals.AttemptFinished),
        (signals.stage_finished, signals.StageFinished),
        (signals.operation_finished, signals.OperationFinished),
        (signals.operation_interrupted, signals.OperationInterrupted),
        (signals.operation_released, signals.OperationReleased),
    )
}


def observe(observer: Observer) -> None:
    """Have a function called with each event, in the context of the operation's code; once."""
    if observer not in _observers:
        _observers.append(observer)


def ignore(observer: Observer) -> None:
    """Call a function no more that :func:`observe` was given."""
    if observer in _observers:
        _observers.remove(observer)


def claimed(operation: LiveOperation, run_id: uuid.UUID) -> None:
    """Tell that a run has begun."""
    _began[run_id] = time.monotonic()
    _tell(signals.operation_claimed, "operation.claimed", operation, run_id)


def finished(
    operation: LiveOperation, run_id: uuid.UUID | None, state: State, error_text: str = ""
) -> None:
    """Tell that an operation succeeded, failed or was cancelled.

    Args:
        operation: the operation.
        run_id: the run that ended with it; None if there was none.
        state: what it ended in.
        error_text: what watchers read of a failure.
    """
    _tell(
        signals.operation_finished,
        "operation.finished",
        operation,
        run_id,
        state=state,
        seconds=_seconds(run_id) or 0.0,
        error_text=error_text,
    )


def interrupted(operation: LiveOperation, run_id: uuid.UUID, reason: Reason) -> None:
    """Tell that an operation was interrupted; only whoever saved that may call this."""
    _tell(
        signals.operation_interrupted,
        "operation.interrupted",
        operation,
        run_id,
        state=State.INTERRUPTED,
        seconds=_seconds(run_id),
        reason=reason,
    )


def ended(operation: LiveOperation, run_id: uuid.UUID, state: State, error_text: str = "") -> None:
    """Tell that a run ended by itself, whatever its operation's state is now."""
    if state is State.INTERRUPTED:
        interrupted(operation, run_id, Reason.STOPPED)
    else:
        finished(operation, run_id, state, error_text)


def released(operation: LiveOperation, run_id: uuid.UUID) -> None:
    """Tell that a run is over in this process, if it was told that it began."""
    if run_id in _began:
        seconds = _seconds(run_id)
        _tell(signals.operation_released, "operation.released", operation, run_id, seconds=seconds)
        del _began[run_id]


class StageTeller:
    """Tells of one passage through a stage; whatever begins ends, too.

    A stage that is skipped has no attempt, unless a phase has it run after all.

    Args:
        operation: the operation that runs.
        run_id: its run.
        name: the stage; None for a block that is no stage of the operation, of which nothing is
            told: any number of names may stand there.
    """

    def __init__(self, operation: LiveOperation, run_id: uuid.UUID, name: str | None) -> None:
        self._of = (operation, run_id)
        self._name = name
        self._attempt: int | None = None
        self._is_skipped = False

    def entered(self, *, is_skipped: bool) -> None:
        """Tell that the stage was entered, perhaps only to be skipped."""
        self._is_skipped = is_skipped
        self._tell(signals.stage_started, "stage.started")

    def attempt_began(self, number: int, *, after_all: bool = False) -> None:
        """Tell that an attempt began; in a stage to be skipped only one that runs after all."""
        self._is_skipped = self._is_skipped and not after_all
        if not self._is_skipped:
            self._attempt = number
            self._tell(signals.attempt_started, "attempt.started", attempt=number)

    def attempt_ended(self, outcome: StageState, seconds: float) -> None:
        """Tell that the attempt ended that is under way, if one is."""
        if (number := self._attempt) is not None:
            self._attempt = None
            values = {"attempt": number, "outcome": outcome, "seconds": seconds}
            self._tell(signals.attempt_finished, "attempt.finished", **values)

    def left(self, outcome: StageState, seconds: float) -> None:
        """Tell that the stage was left."""
        self._tell(signals.stage_finished, "stage.finished", outcome=outcome, seconds=seconds)

    def _tell(self, signal: Signal, name: str, **values: Any) -> None:
        if self._name is not None and _is_heard(signal):
            _tell(signal, name, *self._of, stage=self._name, **values)


def _seconds(run_id: uuid.UUID | None) -> float | None:
    """Return how long a run of this process has been going on; None for any other."""
    began = _began.get(run_id) if run_id is not None else None
    return None if began is None else time.monotonic() - began


def _is_heard(signal: Signal) -> bool:
    """Return whether anybody wants to know."""
    return bool(_observers or signal.receivers) or records.isEnabledFor(logging.INFO)


def _tell(
    signal: Signal, name: str, operation: LiveOperation, run_id: uuid.UUID | None, **values: Any
) -> None:
    if not _is_heard(signal):
        return
    event = Event(name, _own_class(operation), run_id, **values)
    for observer in tuple(_observers):
        try:
            observer(event)
        except Exception:
            logger.exception("liveops: %s of operation %s was not noted", name, operation.pk)
    if records.isEnabledFor(logging.INFO):
        records.info(name, extra=_fields(event))
    if signal.receivers:
        # In a coroutine that is another thread: receivers may use the database.
        call_at_home(lambda: _send(signal, event))


def _own_class(operation: LiveOperation) -> LiveOperation:
    """Return an instance of the operation's own class; the one given where there is none."""
    try:
        model = operation.specific_class()
        if isinstance(operation, model):
            return operation
        return model._base_manager.using(operation._state.db).get(pk=operation.pk)
    except (UnknownOperationTypeError, ObjectDoesNotExist, DatabaseError) as error:
        logger.debug("liveops: operation %s is told of as it is (%s)", operation.pk, error)
        return operation


def _fields(event: Event) -> dict[str, Any]:
    """Return the extra fields of a log record: always all of them, for plain formats to name."""
    run_id = event.run_id
    return {
        "liveops_event": event.name,
        "liveops_operation": str(event.operation.pk),
        "liveops_type": event.operation._meta.label,
        "liveops_run": None if run_id is None else str(run_id),
        "liveops_stage": event.stage,
        "liveops_attempt": event.attempt,
        "liveops_state": _text(event.state),
        "liveops_outcome": _text(event.outcome),
        "liveops_reason": _text(event.reason),
        "liveops_seconds": None if event.seconds is None else round(event.seconds, 6),
    }


def _text(value: State | StageState | Reason | None) -> str | None:
    return None if value is None else value.value


def _send(signal: Signal, event: Event) -> None:
    arguments = {name: getattr(event, name) for name in _ARGUMENTS[signal]}
    sender = type(event.operation)
    for receiver, answer in signal.send_robust(sender=sender, **arguments):
        if isinstance(answer, Exception):  # its traceback is in Django's own record
            logger.error(
                "liveops: the receiver %r of %s failed for operation %s: %r",
                getattr(receiver, "__qualname__", receiver),
                event.name,
                event.operation.pk,
                answer,
            )
