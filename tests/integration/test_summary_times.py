"""What ``run_liveop`` says at its end of how long stages took, from the attempts as recorded."""

import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from liveops.management.summary import print_closing
from liveops.models import StageRun
from liveops.states import State
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def durations(*attempts: tuple[str, int, float, float]) -> dict[str, str]:
    """Return the durations that are printed, by the name of the stage.

    Args:
        attempts: stage, number, begin and end in seconds since the start.
    """
    run_id = uuid.uuid4()
    operation = Scripted.objects.create(
        run_id=run_id, started_on=NOON, finished_on=at(60), stage_states={"Load": "done"}
    )
    for stage, number, began, ended in attempts:
        StageRun.objects.create(
            operation=operation,
            run_id=run_id,
            stage=stage,
            attempt=number,
            started_on=at(began),
            finished_on=at(ended),
            outcome="done",
        )
    stream = io.StringIO()
    print_closing(stream, [operation], State.FINISHED_OK, {})
    table = stream.getvalue().split("Time per stage:")[1].split("Result:")[0]
    rows = [line.strip().partition("  ") for line in table.splitlines() if "  " in line.strip()]
    return {name: took.strip() for name, _, took in rows}


def test_the_waits_between_attempts_count_as_they_do_on_the_page() -> None:
    shown = durations(("Load", 1, 0, 1), ("Load", 2, 3, 3.5), ("Load", 3, 5, 6), ("Save", 1, 6, 8))
    assert shown["Load (3 attempts)"] == "6.0 s"
    assert shown["Save"] == "2.0 s"
    assert shown["Total"] == "1:00"


def test_what_lies_between_two_passages_through_a_stage_does_not_count() -> None:
    shown = durations(("Load", 1, 0, 1), ("Save", 1, 1, 8), ("Load", 1, 8, 9), ("Load", 2, 10, 11))
    assert shown["Load (2 attempts)"] == "4.0 s"
    assert shown["Save"] == "7.0 s"
