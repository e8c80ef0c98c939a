"""Outages are told once, and waited for; what is wrong in itself is not."""

import sqlite3
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)

from liveops import lock_waits, outages
from liveops.outages import Outage


def lines(log: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in log.records if record.name == "liveops"]


def test_an_outage_is_told_once_when_it_begins_and_once_when_all_are_over_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outage = Outage("away (%s)", "back")
    for _ in range(3):
        outage.begins("a", OperationalError("refused\n  by it"))
        outage.begins("b", OperationalError("refused too"))
    outage.ends("nobody")
    outage.ends("a")
    outage.ends("a")
    assert outage.is_told
    outage.ends("b")
    outage.ends("b")
    assert lines(caplog) == ["away (OperationalError: refused by it)", "back"]
    outage.begins("a", OperationalError())
    assert lines(caplog)[2:] == ["away (OperationalError)"]


def test_who_gives_up_does_not_say_that_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage("away (%s)", "back")
    outage.begins("a", OperationalError("refused"))
    outage.forget("a")
    assert lines(caplog) == ["away (OperationalError: refused)"]
    outage.begins("b", OperationalError("refused"))
    outage.forget("b")
    assert outage.is_told
    outage.ends("c")
    assert lines(caplog) == ["away (OperationalError: refused)", "back"]
    outage.over()
    assert len(lines(caplog)) == 2


def test_what_does_not_last_is_not_worth_a_line(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage("away (%s)", "back")
    outage.begins("a", OperationalError("locked"), patience=1000.0)
    outage.ends("a")
    assert lines(caplog) == []
    outage.begins("a", OperationalError("locked"), patience=0.0)
    assert lines(caplog) == ["away (OperationalError: locked)"]


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OperationalError(), True),
        (InterfaceError(), True),
        (DatabaseError(), True),
        (IntegrityError(), False),
        (DataError(), False),
        (ProgrammingError(), False),
        (ValueError(), False),
    ],
)
def test_what_may_succeed_later(error: Exception, passes: bool) -> None:
    assert outages.is_passing(error) is passes


def caused_by(cause: BaseException, **values: Any) -> OperationalError:
    for name, value in values.items():
        setattr(cause, name, value)
    error = OperationalError(*cause.args)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "is_lock"),
    [
        (caused_by(Exception("lock"), sqlstate="55P03"), True),
        (caused_by(Exception("shutdown"), sqlstate="57P01"), False),
        (caused_by(sqlite3.OperationalError("locked"), sqlite_errorcode=5), True),
        (caused_by(sqlite3.OperationalError("snapshot"), sqlite_errorcode=517), True),
        (caused_by(sqlite3.OperationalError("full"), sqlite_errorcode=13), False),
        (caused_by(Exception(1205, "lock wait")), True),
        (caused_by(Exception(1205, "lock wait"), sqlstate="HY000"), True),
        (caused_by(Exception(2013, "lost")), False),
        (OperationalError(), False),
    ],
    ids=[
        *("postgres", "shutdown", "sqlite", "sqlite more", "full", "mysql", "pymysql"),
        *("mysql lost", "bare"),
    ],
)
def test_what_is_a_lock(error: Exception, is_lock: bool) -> None:
    assert lock_waits.is_lock(error) is is_lock


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return the connection of a database that is asked in no time."""
    fake = SimpleNamespace(in_atomic_block=False, closed=0, connection=1, errors_occurred=True)
    fake.is_usable = lambda: False
    fake.close = lambda: setattr(fake, "closed", fake.closed + 1)
    monkeypatch.setattr(outages, "connections", {"insisted": fake})
    monkeypatch.setattr(outages, "_FIRST_PAUSE", 0.0)
    monkeypatch.setattr(outages, "longest_pause", lambda: 0.0)
    return fake


class Flaky:
    """Fails a number of times."""

    def __init__(self, times: int, error: Exception) -> None:
        self.times, self.error, self.calls = times, error, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return "done"


def test_insisting_goes_on_until_the_database_takes_it(
    connection: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    assert outages.insist("insisted", Flaky(20, OperationalError("away")), "me") == "done"
    assert connection.closed == 20
    assert [line.split(" (")[0] for line in lines(caplog)] == [
        "liveops: the database 'insisted' takes nothing",
        "liveops: the database 'insisted' is back",
    ]


@pytest.mark.parametrize(
    ("values", "is_closed"),
    [
        ({"errors_occurred": True, "usable": False}, True),
        ({"errors_occurred": True, "usable": True}, False),
        ({"errors_occurred": False, "usable": False}, False),
        ({"errors_occurred": True, "usable": False, "in_atomic_block": True}, False),
    ],
    ids=["broken", "usable", "no error", "in a transaction"],
)
def test_only_what_is_broken_is_dropped(values: dict[str, bool], is_closed: bool) -> None:
    fake: Any = SimpleNamespace(**{"in_atomic_block": False, "connection": object(), **values})
    fake.is_usable = lambda: fake.usable
    fake.close = lambda: setattr(fake, "connection", None)
    assert outages.drop_if_broken(fake) is is_closed
    assert (fake.connection is None) is is_closed


def test_insisting_ends_with_what_is_raised_meanwhile(connection: SimpleNamespace) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    flaky = Flaky(20, OperationalError("away"))
    with pytest.raises(KeyboardInterrupt):
        outages.insist("insisted", flaky, "me", meanwhile=stop)
    assert flaky.calls == 1
    outages.database("insisted").over()


@pytest.mark.parametrize("error", [IntegrityError("twice"), ValueError("odd")])
def test_what_is_wrong_in_itself_is_not_tried_again(
    connection: SimpleNamespace, error: Exception
) -> None:
    flaky = Flaky(1, error)
    with pytest.raises(type(error)):
        outages.insist("insisted", flaky, "me")
    assert flaky.calls == 1


def test_nobody_insists_for_ever_nor_inside_a_transaction(connection: SimpleNamespace) -> None:
    outages.database("insisted").over()
    with pytest.raises(OperationalError):
        outages.insist("insisted", Flaky(9, OperationalError("away")), "me", seconds=-1.0)
    connection.in_atomic_block = True
    with pytest.raises(OperationalError):
        outages.insist("insisted", Flaky(9, OperationalError("away")), "me")


def test_two_tries_are_closer_than_two_looks_of_a_reaper(settings: Any) -> None:
    for heartbeat in (0.2, 5.0, 60.0):
        settings.LIVEOPS = {"HEARTBEAT_SECONDS": heartbeat, "STALE_SECONDS": heartbeat * 3}
        assert outages.longest_pause() <= min(heartbeat / 2, 5.0)


def test_a_forked_child_knows_of_no_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "_databases", dict(outages._databases))
    monkeypatch.setattr(outages, "_layer", outages._layer)
    monkeypatch.setattr(outages, "_databases_lock", outages._databases_lock)
    before = outages.layer()
    outages.database("of the parent")
    outages._after_fork()
    assert outages._databases == {}
    assert outages.layer() is not before
