"""``liveops_prune``: its options, what it refuses, and how it finds what is old."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import DatabaseError, connection
from django.db.models import F
from django.utils import timezone

from liveops.management import pruning
from liveops.models import LiveOperation
from liveops.states import State
from tests.benchmarks import rows
from tests.integration.pruning import ended, left, prune
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_class_alone() -> None:
    kept, _ = ended(40), ended(40, model=Scripted)
    assert prune("--older-than", "30d", "--type", "testapp.Scripted") == [
        "Deleted 1 operation (1 FINISHED_OK)."
    ]
    assert left() == {kept.pk}


def test_a_dry_run_deletes_nothing() -> None:
    ended(40)
    ended(100, State.CANCELLED)
    ended(40, State.CANCELLED)
    assert prune("--older-than", "30d", "--keep-failed", "90d", "--dry-run") == [
        "Would delete 2 operations (1 FINISHED_OK, 1 CANCELLED)."
    ]
    assert LiveOperation.objects.count() == 3


def test_an_age_of_nothing_is_an_age() -> None:
    for state in pruning.FAILED_STATES:
        ended(0.01, state)
    prune("--older-than", "0d", "--keep-failed", "0d")
    assert left() == set()


def test_nothing_to_do_is_said() -> None:
    assert prune("--older-than", "2w") == ["Deleted 0 operations."]


@pytest.mark.parametrize("days", [-1, 1])
def test_ages_are_told_by_the_clock_of_the_database(
    days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, _ = ended(29.5), ended(30.5)
    wrong = timezone.now() + timedelta(days=days)
    monkeypatch.setattr(timezone, "now", lambda: wrong)
    prune("--older-than", "30d")
    assert left() == {kept.pk}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "--older-than"),
        (["--older-than", "30"], "such as 30d or 12h"),
        (["--older-than", "30d", "--keep-failed", "7d"], "--keep-failed is shorter"),
        (["--older-than", "30d", "--keep-failed", "0d"], "--keep-failed is shorter"),
        (["--older-than", "30d", "--batch", "0"], "from 1 on"),
        (["--older-than", "30d", "--batch", "9" * 20], "--batch takes .* up to 10000"),
        (["--older-than", "30d", "--type", "auth.User"], "is not an operation"),
        (["--older-than", "30d", "--type", ""], "is not an operation"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], problem: str) -> None:
    operation = ended(400)
    with pytest.raises(CommandError, match=problem):
        prune(*arguments)
    assert left() == {operation.pk}


def test_the_oldest_are_found_by_an_index() -> None:
    operation = ended(40)
    if connection.vendor == "postgresql":  # where nothing is stored, any index will do
        rows.multiply(operation, 2_000)
        LiveOperation.objects.update(finished_on=F("created_on"))
        rows.analyze()
    found = pruning.Plan(timedelta(days=30), timedelta(days=90)).rows("default", State.FINISHED_OK)
    for last in (None, LiveOperation.objects.get(pk=operation.pk)):
        plan = pruning._in_order(found, last)[:500].explain()
        assert "liveops_state_ended" in plan, plan


def test_a_database_that_is_away_is_an_error_with_status_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_: object) -> Any:
        raise DatabaseError("no connection")

    monkeypatch.setattr(pruning, "_delete", away)
    with pytest.raises(CommandError, match="no connection") as refused:
        prune("--older-than", "30d")
    assert refused.value.returncode == 1
