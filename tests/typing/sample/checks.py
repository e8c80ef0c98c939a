"""Tests of a project whose types are checked."""

from typing import assert_type

from liveops.models import LiveOperation
from liveops.testing import Outcome, RecordingProgress, arun_operation, run_operation
from tests.typing.sample.models import ImportAirports, start


def check_import() -> None:
    outcome = run_operation(start(None))
    assert_type(outcome, Outcome)
    assert_type(outcome.operation, LiveOperation)
    assert_type(outcome.state, str)
    assert_type(outcome.stages, dict[str, str])
    assert outcome.chained is None


async def check_import_in_a_coroutine() -> None:
    assert_type(await arun_operation(start(None)), Outcome)


def check_a_method() -> None:
    recorded = RecordingProgress()
    ImportAirports().save_all(recorded)
