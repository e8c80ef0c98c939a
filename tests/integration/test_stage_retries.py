"""Stages that are retried: what is saved and shown of each attempt."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from liveops import snapshot, store
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.pumps import InlinePump, Pump
from liveops.progress.update import Region
from liveops.runners.executor import execute
from liveops.scripts import RetryStage
from liveops.testing import RecordingProgress, run_operation
from liveops.testing.record import Attempted
from tests.integration.test_stage_methods import PUMPS, carry_out, recorded, shown
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


class Migrating(Scripted):
    """Migrates up to three times, and verifies then; as the test says."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["migrate", "verify"]
    outcomes: ClassVar[list[Any]] = []
    delay: ClassVar[float] = 0.0
    run = LiveOperation.run

    @LiveOperation.stage("migrate", "Migrating", retry_attempts=2)
    def migrate(self, p: Progress) -> Any:
        """Migrate."""
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    @LiveOperation.stage("verify", "Verifying")
    def verify(self, p: Progress) -> None:
        """Verify."""

    @property
    def migrate_retry_delay(self) -> float:
        """Seconds between two attempts."""
        return self.delay


@pytest.fixture(autouse=True)
def outcomes() -> Iterator[list[Any]]:
    """Return what the attempts come to."""
    Migrating.outcomes = []
    yield Migrating.outcomes
    Migrating.delay = 0.0


def locked(number: int) -> list[RetryStage]:
    """Return as many requests to be tried again."""
    return [RetryStage("database is locked") for _ in range(number)]


@pytest.mark.parametrize("pump", PUMPS)
def test_each_attempt_is_shown_and_recorded(pump: Callable[[], Pump], outcomes: list[Any]) -> None:
    outcomes += locked(2)
    operation, recorder = carry_out(Migrating, pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"migrate": "done", "verify": "done"}
    assert shown(recorder) == [
        ("migrate", "active", 1, 1),
        ("migrate", "retrying", 1, 3),
        ("migrate", "active", 2, 3),
        ("migrate", "retrying", 2, 3),
        ("migrate", "active", 3, 3),
        ("migrate", "done", 3, 3),
        ("verify", "active", 1, 1),
        ("verify", "done", 1, 1),
    ]
    assert recorded(operation) == [
        ("migrate", 1, "failed"),
        ("migrate", 2, "failed"),
        ("migrate", 3, "done"),
        ("verify", 1, "done"),
    ]
    boundaries = [update for update in recorder.updates if update.stage]
    assert all(Region.STAGES in update.regions for update in boundaries)
    assert [dict(update.view.stage_attempts) for update in boundaries] == [
        {},
        {"migrate": [1, 3]},
        {"migrate": [2, 3]},
        {"migrate": [2, 3]},
        *[{"migrate": [3, 3]}] * 4,
    ]


def test_the_log_tells_why_and_how_long_it_waits(outcomes: list[Any]) -> None:
    outcomes += [RetryStage("database is locked."), RetryStage(), *locked(1)]
    outcome = run_operation(Migrating.objects.create())
    lines = [(line.level, line) for line in outcome.lines]
    assert lines[:2] == [
        ("warning", "Attempt 1 failed: database is locked. Trying again now."),
        ("warning", "Attempt 2 failed: it asked to be tried again. Trying again now."),
    ]
    assert lines[2] == ("error", "Giving up after 3 attempts in 0:00.")


def test_a_later_attempt_is_not_dated_before_an_earlier_one(outcomes: list[Any]) -> None:
    outcomes += locked(2)
    operation, _ = carry_out(Migrating)
    times = list(operation.stage_runs.values_list("started_on", "finished_on"))
    flat = [time for pair in times for time in pair]
    assert flat == sorted(flat)


@pytest.mark.parametrize("pump", PUMPS)
def test_a_stage_whose_attempts_are_used_up_fails_the_operation(
    pump: Callable[[], Pump], outcomes: list[Any]
) -> None:
    outcomes += locked(3)
    operation, recorder = carry_out(Migrating, pump())
    assert operation.get_state() == "FINISHED_ERROR"
    assert operation.stage_states == {"migrate": "failed"}
    sentence = "The stage 'migrate' failed after 3 attempts: database is locked"
    assert operation.live_progress.error_text == sentence
    assert recorder.updates[-1].view.error_text == sentence
    assert recorded(operation) == [("migrate", number, "failed") for number in (1, 2, 3)]
    assert shown(recorder)[-1] == ("migrate", "failed", 3, 3)
    assert "RetryStage: database is locked" in operation.traceback


def test_without_attempts_a_request_for_another_one_fails_the_operation() -> None:
    class Impatient(Migrating):
        class Meta:
            proxy = True
            app_label = "testapp"

        run = LiveOperation.run
        migrate_retry_attempts = 0

    Impatient.outcomes += [RetryStage()]
    outcome = run_operation(Impatient.objects.create())
    assert outcome.state == "FINISHED_ERROR"
    assert outcome.error == "The stage 'migrate' failed after 1 attempt."
    assert recorded(outcome.operation) == [("migrate", 1, "failed")]


def test_the_instance_says_how_often(outcomes: list[Any]) -> None:
    outcomes += locked(5)
    operation = Migrating()
    operation.migrate_retry_attempts = 5  # type: ignore[attr-defined]
    p = RecordingProgress(operation)
    operation.run(p)
    assert p.attempted[5] == Attempted("migrate", 6, "done", 0.0)


def test_an_attribute_that_is_no_limit_fails_the_stage_before_its_body(
    outcomes: list[Any],
) -> None:
    outcomes += locked(1)
    operation = Migrating()
    operation.migrate_retry_attempts = "many"  # type: ignore[attr-defined]
    p = RecordingProgress(operation)
    with pytest.raises(Exception, match="retry_attempts must be a whole number; got 'many'"):
        operation.run(p)
    assert p.stages == {"migrate": "failed"}
    assert len(outcomes) == 1


def test_another_error_is_not_retried(outcomes: list[Any]) -> None:
    outcomes += [*locked(1), ValueError("no")]
    operation, _ = carry_out(Migrating)
    assert operation.get_state() == "FINISHED_ERROR"
    assert "ValueError" in operation.live_progress.error_text
    assert recorded(operation) == [("migrate", 1, "failed"), ("migrate", 2, "failed")]
    assert operation.live_progress.stage_attempts == {"migrate": [2, 3]}


class Unprepared(Migrating):
    """Fails while it prepares for another attempt."""

    class Meta:
        proxy = True
        app_label = "testapp"

    run = LiveOperation.run

    def _prepare_to_retry_stage_migrate(self, retry_state: Any) -> None:
        raise LookupError(retry_state.attempt_number)


def test_an_attempt_is_recorded_once_also_if_there_is_no_other(outcomes: list[Any]) -> None:
    outcomes += locked(1)
    outcome = run_operation(Unprepared.objects.create())
    assert outcome.state == "FINISHED_ERROR"
    assert outcome.stages == {"migrate": "failed"}
    assert recorded(outcome.operation) == [("migrate", 1, "failed")]


@pytest.mark.parametrize("more", [1, 3], ids=["success", "failure"])
def test_a_snapshot_after_the_run_shows_the_attempts(more: int, outcomes: list[Any]) -> None:
    outcomes += locked(more)
    operation, _ = carry_out(Migrating)
    found = snapshot.find(operation.pk)
    assert found is not None
    view = snapshot.take(found).view
    assert view.stage_attempts == {"migrate": [min(more + 1, 3), 3]}
    assert view.stage_states == operation.stage_states


def test_a_restart_forgets_the_attempts_of_the_run_before(outcomes: list[Any]) -> None:
    outcomes += locked(3)
    operation, _ = carry_out(Migrating)
    assert operation.get_state() == "FINISHED_ERROR"
    store.restart(operation)
    again = Migrating.objects.get()
    assert again.live_progress.stage_attempts == {}
    execute(again, pump=InlinePump(), web=False)
    assert again.get_state() == "FINISHED_OK", again.traceback
    assert recorded(again) == [("migrate", 1, "done"), ("verify", 1, "done")]
    assert Migrating.objects.get().live_progress.stage_attempts == {}
