"""Receivers that name the arguments of a signal: a type checker knows them, and they are there."""

from collections.abc import Iterator
from typing import Unpack, assert_type
from uuid import UUID, uuid4

import pytest
from django.dispatch import Signal

from liveops import events, signals
from liveops.models import LiveOperation
from liveops.signals import OperationFinished, OperationInterrupted, Reason, StageFinished
from liveops.stages import StageState
from liveops.states import State
from tests.testapp.models import Walk

TOLD: list[tuple[object, ...]] = []


def note_stage(sender: type[LiveOperation], **event: Unpack[StageFinished]) -> None:
    """Note a stage that was left."""
    assert_type(event["stage"], str)
    assert_type(event["outcome"], StageState)
    assert_type(event["seconds"], float)
    assert_type(event["run_id"], UUID)
    TOLD.append((sender, event["stage"], event["outcome"], event["seconds"]))


def note_end(sender: type[LiveOperation], **event: Unpack[OperationFinished]) -> None:
    """Note an end."""
    assert_type(event["operation"], LiveOperation)
    assert_type(event["run_id"], UUID | None)
    assert_type(event["state"], State)
    assert_type(event["error_text"], str)
    TOLD.append((event["operation"], event["run_id"], event["state"], event["error_text"]))


def note_interrupt(sender: type[LiveOperation], **event: Unpack[OperationInterrupted]) -> None:
    """Note an interrupt."""
    assert_type(event["reason"], Reason)
    TOLD.append((event["operation"], event["run_id"], event["reason"]))


@pytest.fixture(autouse=True)
def connected() -> Iterator[None]:
    """Connect the receivers to operations of one class."""
    pairs = (
        (signals.stage_finished, note_stage),
        (signals.operation_finished, note_end),
        (signals.operation_interrupted, note_interrupt),
    )
    for signal, receiver in pairs:
        signal.connect(receiver, sender=Walk)
    yield
    TOLD.clear()
    for signal, receiver in pairs:
        signal.disconnect(receiver, sender=Walk)


def test_what_the_types_promise_is_there() -> None:
    operation, run_id = Walk(), uuid4()
    events.StageTeller(operation, run_id, "Load").left(StageState.DONE, 1.5)
    events.finished(operation, run_id, State.CANCELLED)
    events.interrupted(operation, run_id, Reason.CUT_OFF)
    assert [
        (Walk, "Load", StageState.DONE, 1.5),
        (operation, run_id, State.CANCELLED, ""),
        (operation, run_id, Reason.CUT_OFF),
    ] == TOLD


def test_operations_of_other_classes_are_not_heard() -> None:
    events.finished(LiveOperation(), None, State.CANCELLED)
    assert TOLD == []


def test_every_signal_has_the_types_of_its_arguments() -> None:
    assert set(events._ARGUMENTS) == {
        value for value in vars(signals).values() if isinstance(value, Signal)
    }
