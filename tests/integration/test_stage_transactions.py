"""Stage methods and transactions: around a stage, and around each attempt."""

from collections.abc import Callable
from typing import ClassVar

import pytest
from django.db import transaction

from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.pumps import Pump
from liveops.scripts import RetryStage
from tests.integration.test_stage_methods import PUMPS, carry_out, recorded
from tests.testapp.models import Row, Scripted

pytestmark = pytest.mark.django_db(transaction=True)


class TakeBack(Exception):
    """Ends a block whose rows are to be taken back."""


class Booking(Scripted):
    """Books in one transaction what two stages come to; each is retried."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["debit", "credit"]
    rolls_back: ClassVar[bool] = False
    failures: ClassVar[list[BaseException]] = []

    @LiveOperation.stage("debit", "Debiting", retry_attempts=2)
    def debit(self, p: Progress) -> None:
        """Write a row."""
        Row.objects.create(name="debit")
        if self.failures:
            raise self.failures.pop()

    @LiveOperation.stage("credit", "Crediting")
    def credit(self, p: Progress) -> None:
        """Write another."""
        Row.objects.create(name="credit")

    def run(self, p: Progress) -> None:
        """Book."""
        try:
            with transaction.atomic():
                self.debit(p)
                self.credit(p)
                if self.rolls_back:
                    raise TakeBack
        except TakeBack:
            p.log("taken back")


class Atomic(Scripted):
    """Has a transaction for each attempt."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["migrate"]
    run = LiveOperation.run

    @LiveOperation.stage("migrate", "Migrating", retry_attempts=2)
    @transaction.atomic
    def migrate(self, p: Progress) -> None:
        """Write a row in each attempt."""
        Row.objects.create(name=f"with {len(Booking.failures)} failures to come")
        if Booking.failures:
            raise Booking.failures.pop()


@pytest.fixture(autouse=True)
def failures() -> list[BaseException]:
    """Return what the next attempts raise."""
    Booking.failures = []
    return Booking.failures


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize("rolls_back", [False, True], ids=["commit", "rollback"])
def test_stages_inside_a_transaction(
    pump: Callable[[], Pump],
    rolls_back: bool,
    failures: list[BaseException],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Booking, "rolls_back", rolls_back)
    failures += [RetryStage()]
    operation, recorder = carry_out(Booking, pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert Row.objects.count() == (0 if rolls_back else 3), "a rollback takes the user's rows"
    assert operation.stage_states == {"debit": "done", "credit": "done"}
    assert recorded(operation) == [
        ("debit", 1, "failed"),
        ("debit", 2, "done"),
        ("credit", 1, "done"),
    ]
    assert operation.live_progress.stage_attempts == {"debit": [2, 3]}
    changes = [update.stage for update in recorder.updates if update.stage]
    assert [(c.name, str(c.state)) for c in changes] == [
        ("debit", "active"),
        ("debit", "retrying"),
        ("debit", "active"),
        ("debit", "done"),
        ("credit", "active"),
        ("credit", "done"),
    ]


@pytest.mark.parametrize("pump", PUMPS)
def test_each_attempt_may_be_a_transaction(
    pump: Callable[[], Pump], failures: list[BaseException]
) -> None:
    failures += [RetryStage(), RetryStage()]
    operation, _ = carry_out(Atomic, pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert [row.name for row in Row.objects.all()] == ["with 0 failures to come"]
    assert recorded(operation) == [
        ("migrate", 1, "failed"),
        ("migrate", 2, "failed"),
        ("migrate", 3, "done"),
    ]


def test_an_attempt_that_failed_in_the_database_leaves_no_broken_transaction(
    failures: list[BaseException],
) -> None:
    failures += [RetryStage(), RetryStage(), RetryStage()]
    operation, _ = carry_out(Atomic)
    assert operation.get_state() == "FINISHED_ERROR"
    assert not Row.objects.exists()
    assert operation.stage_states == {"migrate": "failed"}
    assert [outcome for *_, outcome in recorded(operation)] == ["failed"] * 3
