"""A test says when somebody cancels; what it could not mean is refused."""

from typing import Any

import pytest

from liveops.exceptions import OperationCancelled
from liveops.testing import RecordingProgress
from tests.testapp.models import Walk
from tests.testing.deeds import Shipload


@pytest.mark.parametrize(
    ("options", "lines", "stages"),
    [
        ({"cancel_at": "Validate"}, 3, {"Load": "done", "Validate": "cancelled"}),
        ({"cancel_after_items": 4}, 4, {"Load": "done", "Validate": "cancelled"}),
        ({"cancel_after_lines": 2}, 2, {"Load": "cancelled"}),
    ],
    ids=["stage", "items", "lines"],
)
def test_a_cancel_comes_when_it_is_due(
    options: dict[str, Any], lines: int, stages: dict[str, str]
) -> None:
    op = Walk(items=3)
    p = RecordingProgress(op, **options)
    with pytest.raises(OperationCancelled):
        op.run(p)
    assert len(p.lines) == lines
    assert p.stages == stages


def test_a_cancel_after_the_last_item_is_heard_by_whatever_asks_next() -> None:
    op = Walk(items=3)
    p = RecordingProgress(op, cancel_after_items=3)
    with pytest.raises(OperationCancelled):
        op.run(p)
    assert (len(p.lines), p.stages) == (3, {"Load": "done"})
    p = RecordingProgress(cancel_after_items=2)
    for _ in p.track("a"):
        for _ in p.track("b"):
            p.check_cancelled()
        p.check_cancelled()
    with pytest.raises(OperationCancelled):
        p.check_cancelled()


@pytest.mark.parametrize("option", ["cancel_after_items", "cancel_after_lines"])
@pytest.mark.parametrize(
    ("given", "kind"), [(1.5, TypeError), (True, TypeError), ("2", TypeError), (-1, ValueError)]
)
def test_a_number_that_cannot_be_counted_to_is_refused(
    option: str, given: Any, kind: type[Exception]
) -> None:
    with pytest.raises(kind, match=f"{option} has to be"):
        RecordingProgress(Walk(), **{option: given})


def test_what_is_no_operation_is_refused() -> None:
    with pytest.raises(TypeError, match=r"such as Walk\(\)\."):
        RecordingProgress(Walk)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not 'walk'"):
        RecordingProgress("walk")  # type: ignore[arg-type]


def test_a_cancel_by_hand_ends_a_wait() -> None:
    p = RecordingProgress(Shipload(note="x"))
    p.check_cancelled()
    p.cancel()
    with pytest.raises(OperationCancelled):
        p.check_cancelled()
    assert p.operation.cancel_requested


def test_cancelling_at_a_stage_that_there_is_none_of_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Walk has no stage 'Vaildate'; its stages: Load, Valid"):
        RecordingProgress(Walk(), cancel_at="Vaildate")
