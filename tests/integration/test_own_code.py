"""What a class of the project says inside a transaction: a failed statement fails alone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from liveops import own_code
from liveops.redirects import live_url
from liveops.rendering.common import said_of
from tests.testapp.models import Walk

pytestmark = pytest.mark.django_db(transaction=True)


def ask_for_nothing(operation: Walk) -> str:
    """Ask the database for a table that it has not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")
    return "/never/"


@pytest.mark.parametrize(
    ("name", "ask", "instead"),
    [
        ("get_absolute_url", live_url, lambda walk: f"/live/{walk.pk}/"),
        ("__str__", said_of, lambda walk: None),
    ],
)
def test_a_transaction_goes_on_after_a_hook_whose_statement_failed(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    ask: Callable[[Walk], Any],
    instead: Callable[[Walk], Any],
) -> None:
    monkeypatch.setattr(Walk, name, ask_for_nothing)
    with transaction.atomic():
        walk = Walk.objects.create()
        assert ask(walk) == instead(walk)
        assert Walk.objects.count() == 1
    assert Walk.objects.count() == 1, "it was committed"


def test_only_what_is_not_ours_costs_a_savepoint_and_only_inside() -> None:
    walk = Walk.objects.create()

    def theirs() -> str:
        return "theirs"

    def asked(method: Callable[[], Any]) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            own_code.ask(walk, method)
        return [query["sql"].split()[0] for query in queries]

    assert asked(theirs) == []
    with transaction.atomic():
        assert asked(theirs) == ["SAVEPOINT", "RELEASE"]
        assert asked(walk.get_absolute_url) == []


def test_what_a_hook_raises_is_raised() -> None:
    walk = Walk.objects.create()
    with pytest.raises(DatabaseError):
        own_code.ask(walk, lambda: ask_for_nothing(walk))
