"""A stage after which the operation goes on although its attempts were used up."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from tenacity import Retrying

from liveops import snapshot
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.pumps import Pump
from liveops.scripts import RetryStage
from liveops.testing import RecordingProgress, run_operation
from tests.integration.helpers import run_scripted
from tests.integration.test_stage_methods import PUMPS, carry_out, recorded, shown
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


class Tolerant(Scripted):
    """Warms a cache if that can be done, and serves then."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["warm", "serve"]
    error: ClassVar[BaseException | None] = None
    returned: ClassVar[list[Any]] = []
    run = LiveOperation.run

    @LiveOperation.stage("warm", "Warming", retry_attempts=1, continue_on_failure=True)
    def warm(self, p: Progress) -> str:
        """Warm the cache."""
        if self.error is not None:
            raise self.error
        return "warm"

    @LiveOperation.stage("serve", "Serving")
    def serve(self, p: Progress) -> None:
        """Serve."""
        self.returned.append(dict(self.stage_states))


@pytest.fixture(autouse=True)
def returned() -> Iterator[list[Any]]:
    """Return what the stage after it saw."""
    Tolerant.returned = []
    yield Tolerant.returned
    Tolerant.error = None


@pytest.mark.parametrize("pump", PUMPS)
def test_the_stage_has_failed_and_the_operation_goes_on(
    pump: Callable[[], Pump], returned: list[Any]
) -> None:
    Tolerant.error = RetryStage("cold")
    operation, recorder = carry_out(Tolerant, pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"warm": "failed", "serve": "done"}
    assert returned == [{"warm": "failed", "serve": "active"}]
    assert recorded(operation) == [
        ("warm", 1, "failed"),
        ("warm", 2, "failed"),
        ("serve", 1, "done"),
    ]
    assert shown(recorder)[3] == ("warm", "failed", 2, 2)
    assert operation.live_progress.error_text == ""
    found = snapshot.find(operation.pk)
    assert found is not None
    assert snapshot.take(found).view.stage_attempts == {"warm": [2, 2]}


def test_without_a_failure_it_is_a_stage_like_another(returned: list[Any]) -> None:
    operation = Tolerant()
    p = RecordingProgress(operation)
    operation.run(p)
    assert p.stages == {"warm": "done", "serve": "done"}


def test_an_error_that_asks_for_no_retry_fails_the_operation(returned: list[Any]) -> None:
    Tolerant.error = ValueError("no")
    outcome = run_operation(Tolerant.objects.create())
    assert outcome.state == "FINISHED_ERROR"
    assert outcome.stages == {"warm": "failed"}
    assert returned == []


class Demanding(Tolerant):
    """Does not go on, although the stage says so: its handler raises."""

    class Meta:
        proxy = True
        app_label = "testapp"

    run = LiveOperation.run

    def _handle_stage_retry_error_warm(self, retry: Retrying) -> None:
        raise LookupError(f"gave up after {retry.statistics['attempt_number']}")


def test_the_handler_may_still_fail_the_operation(returned: list[Any]) -> None:
    Demanding.error = RetryStage("cold")
    outcome = run_operation(Demanding.objects.create())
    assert outcome.state == "FINISHED_ERROR"
    assert "gave up after 2" in outcome.traceback
    assert outcome.stages == {"warm": "failed"}
    assert recorded(outcome.operation) == [("warm", 1, "failed"), ("warm", 2, "failed")]


class TolerantCaller(Tolerant):
    """Calls its stages itself."""

    class Meta:
        proxy = True
        app_label = "testapp"

    def run(self, p: Progress) -> None:
        """Keep what the stage returns."""
        self.returned.append(self.warm(p))


@pytest.mark.parametrize(
    ("error", "value"), [(None, "warm"), (RetryStage(), None)], ids=["success", "failure"]
)
def test_a_stage_that_failed_returns_none(
    error: BaseException | None, value: Any, returned: list[Any]
) -> None:
    TolerantCaller.error = error
    try:
        operation = TolerantCaller()
        operation.run(RecordingProgress(operation))
    finally:
        TolerantCaller.error = None
    assert returned == [value]


@pytest.mark.parametrize("pump", PUMPS)
def test_a_loop_of_attempts_may_go_on_as_well(pump: Callable[[], Pump]) -> None:
    def body(op: Scripted, p: Progress) -> None:
        for attempt in p.attempts("Load", retry_attempts=1, continue_on_failure=True):
            with attempt:
                raise RetryStage("cold")
        with p.stage("Save"):
            p.log(op.stage_states["Load"])

    operation, _ = run_scripted(body, pump=pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"Load": "failed", "Save": "done"}
    assert operation.log_lines.order_by("seq").last().text == "failed"
    assert recorded(operation) == [
        ("Load", 1, "failed"),
        ("Load", 2, "failed"),
        ("Save", 1, "done"),
    ]
