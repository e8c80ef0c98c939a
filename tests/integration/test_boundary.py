"""A boundary inside a transaction that holds the operation's row: asked for once, then kept."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction

from liveops.progress.boundary import Boundary

pytestmark = pytest.mark.django_db(transaction=True)


class Beside:
    """Stands for a pump with a connection of its own, which waits for a lock in vain."""

    own_connection = True

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = OperationalError("lock timeout")

    def call(self, function: Callable[[], None]) -> None:
        """Refuse, or do nothing."""
        self.calls += 1
        if self.error is not None:
            raise self.error


class TakeBack(Exception):
    """Ends a block that is to be rolled back."""


@pytest.fixture
def pump() -> Beside:
    """Return the pump."""
    return Beside()


@pytest.fixture
def boundary(pump: Beside) -> Boundary:
    """Return a boundary of a database that has room for two writers."""
    fake: Any = pump
    boundary = Boundary("default", fake, "run")
    boundary.pump_may_write_beside = True
    return boundary


def save(boundary: Boundary) -> bool:
    return boundary.save(lambda: None, lambda: None)


@pytest.mark.parametrize("rolls_back", [False, True], ids=["commit", "rollback"])
def test_it_is_asked_once_a_transaction(boundary: Boundary, pump: Beside, rolls_back: bool) -> None:
    for transactions in (1, 2):
        try:
            with transaction.atomic():
                assert boundary.stages_may_be_saved()
                assert [save(boundary) for _ in range(5)] == [False] * 5
                assert not boundary.stages_may_be_saved(), "nor by the pump"
                assert boundary.rows_may_be_saved()
                with transaction.atomic():
                    assert not save(boundary)
                if rolls_back:
                    raise TakeBack
        except TakeBack:
            assert rolls_back
        assert pump.calls == transactions
        assert boundary.stages_may_be_saved()


def refused_in_savepoint(boundary: Boundary) -> None:
    """Have the pump refuse inside a savepoint, and roll that back."""
    with transaction.atomic():
        assert not save(boundary)
        assert not boundary.stages_may_be_saved()
        raise TakeBack


def test_what_was_locked_in_a_savepoint_is_free_after_its_rollback(
    boundary: Boundary, pump: Beside
) -> None:
    with transaction.atomic():
        with pytest.raises(TakeBack):
            refused_in_savepoint(boundary)
        pump.error = None
        assert save(boundary)
        assert save(boundary)
    assert pump.calls == 3


def test_what_is_wrong_in_itself_is_raised(boundary: Boundary, pump: Beside) -> None:
    pump.error = IntegrityError("null")
    with transaction.atomic(), pytest.raises(IntegrityError):
        save(boundary)


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
def test_a_database_that_is_away_is_no_error_of_the_run(
    boundary: Boundary, error: Exception
) -> None:
    shown: list[int] = []

    def away() -> None:
        raise error

    assert boundary.save(away, lambda: shown.append(1)) is False
    assert boundary.save(lambda: None, lambda: shown.append(2)) is True
    assert shown == [2]


def test_user_code_gets_a_connection_that_works_after_an_outage(
    boundary: Boundary, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.ensure_connection()
    before = connection.connection
    boundary.heal()
    assert connection.connection is before, "there was no outage"
    monkeypatch.setattr(connection, "is_usable", lambda: False)
    boundary.note_outage()
    with transaction.atomic():
        boundary.heal()
        assert connection.connection is before, "a transaction is not taken away"
    boundary.heal()
    assert connection.connection is None
