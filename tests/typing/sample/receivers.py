"""Receivers that know by their types what a signal hands them; and a runner of the project."""

import uuid
from typing import Unpack, assert_type

from django.dispatch import receiver

from liveops.models import LiveOperation
from liveops.progress.pumps import threaded_pump
from liveops.runners.base import Runner
from liveops.runners.executor import execute
from liveops.signals import (
    OperationFinished,
    OperationInterrupted,
    Reason,
    StageFinished,
    operation_finished,
    operation_interrupted,
    stage_finished,
)
from liveops.stages import StageState
from liveops.states import State
from tests.typing.sample.models import ImportAirports


@receiver(operation_finished, sender=ImportAirports)
def tell(sender: type[ImportAirports], **event: Unpack[OperationFinished]) -> None:
    assert_type(event["operation"], LiveOperation)
    assert_type(event["run_id"], uuid.UUID | None)
    assert_type(event["state"], State)
    assert_type(event["seconds"], float)
    assert_type(event["error_text"], str)


@receiver(stage_finished)
def measure(sender: type[LiveOperation], **event: Unpack[StageFinished]) -> None:
    assert_type(event["stage"], str)
    assert_type(event["outcome"], StageState)
    assert_type(event["run_id"], uuid.UUID)


@receiver(operation_interrupted)
def worry(sender: type[LiveOperation], **event: Unpack[OperationInterrupted]) -> None:
    assert_type(event["reason"], Reason)


class Overnight(Runner):
    spans_processes = True

    def enqueue(self, operation: LiveOperation) -> None:
        work(operation)


def work(operation: LiveOperation) -> None:
    execute(operation, pump=threaded_pump())
