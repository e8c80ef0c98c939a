"""``liveops_reap``: what it prints, how it ends."""

import io
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from liveops import reaping
from liveops.models import LiveOperation
from liveops.reaping import Reaper, Round
from tests.engines.fixtures import MakeEngines
from tests.engines.waiting import until
from tests.integration.reaping import (
    NOTING,
    Homing,
    Noting,
    dead,
    fall_silent,
    fresh_runner,
    started,
    state_of,
)
from tests.integration.resuming import Voyage

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = {"HEARTBEAT_SECONDS": 0.05, "STALE_SECONDS": 1.0}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    monkeypatch.setattr(reaping, "_MARGIN_SECONDS", 0.0)
    settings.LIVEOPS = {"RUNNER": NOTING, **QUICK}
    with fresh_runner():
        yield


def reap(*arguments: str, status: int = 0) -> list[str]:
    """Run the command and return what it printed."""
    printed = io.StringIO()
    code: Any = 0
    try:
        call_command("liveops_reap", *arguments, stdout=printed)
    except SystemExit as leaving:
        code = leaving.code
    assert code == status
    return printed.getvalue().splitlines()


def waiting() -> LiveOperation:
    operation = Voyage.objects.create()
    operation.enqueue()
    Noting.given.clear()
    rows = LiveOperation.objects.filter(pk=operation.pk)
    rows.update(enqueued_on=operation.created_on.replace(year=2020))
    return operation


def test_one_shot_says_what_it_did_for_each_operation() -> None:
    gone, homing, late, alive = dead(), dead(Homing), waiting(), started()
    told = reap()
    assert set(told[:2]) == {
        f"interrupted: {gone.pk} testapp.Voyage",
        f"interrupted: {homing.pk} testapp.Homing",
    }
    assert told[2:] == [
        f"resumed: {homing.pk} testapp.Homing",
        f"handed over again: {late.pk} testapp.Voyage",
        "2 interrupted, 1 resumed, 1 handed over again.",
    ]
    assert sorted(Noting.given) == sorted([homing.pk, late.pk])
    assert [state_of(one) for one in (gone, homing, alive)] == [
        "INTERRUPTED",
        "NOT_STARTED",
        "STARTED",
    ]


def test_without_suspects_it_does_not_wait(settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": NOTING, "HEARTBEAT_SECONDS": 600.0, "STALE_SECONDS": 1_200.0}
    started()
    assert reap() == ["0 interrupted, 0 resumed, 0 handed over again."]


def test_what_the_thread_runner_would_run_here_it_leaves_to_the_servers(settings: Any) -> None:
    homing, late = dead(Homing), waiting()
    settings.LIVEOPS = {"RUNNER": "thread", **QUICK}
    before = threading.enumerate()
    told = reap()
    assert told[-1] == "1 interrupted, 0 resumed, 0 handed over again."
    assert [state_of(one) for one in (homing, late)] == ["INTERRUPTED", "NOT_STARTED"]
    new = [one.name for one in threading.enumerate() if one not in before]
    assert not [name for name in new if name.startswith("liveops-runner")]


def test_a_database_that_is_away_is_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> Any:
        raise OperationalError("no connection")

    monkeypatch.setattr(Reaper, "round", away)
    with pytest.raises(CommandError, match="cannot be reached: no connection") as refused:
        reap()
    assert refused.value.returncode == 1


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_the_loop_and_handlers_are_as_before(
    number: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []

    def look(self: Reaper, *, hands_over: bool) -> Round:
        rounds.append(1)
        os.kill(os.getpid(), number)
        return Round()

    monkeypatch.setattr(Reaper, "round", look)
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert reap("--loop", "--every", "600", status=status) == []
    assert len(rounds) == 1
    assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))


def test_a_second_signal_ends_it_where_it_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(self: Reaper, *, hands_over: bool) -> Round:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("it went on")

    monkeypatch.setattr(Reaper, "round", hang)
    reap("--loop", status=128 + signal.SIGTERM)


def test_the_loop_goes_on_through_trouble(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away = OperationalError("away")
    outcomes: list[Round | Exception] = [away, away, Round()]

    def look(self: Reaper, *, hands_over: bool) -> Round:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        os.kill(os.getpid(), signal.SIGTERM)
        return outcome

    monkeypatch.setattr(Reaper, "round", look)
    assert reap("--loop", "--every", "0.01") == []
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--every", "5"], "--every goes with --loop"),
        (["--loop", "--every", "0"], "write seconds above 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        reap(*arguments)


def test_a_process_that_loops_ends_dead_runs_and_stops_when_told(engines: MakeEngines) -> None:
    site = engines(liveops={"HEARTBEAT_SECONDS": 0.1, "STALE_SECONDS": 0.5, "REAP_SECONDS": 0})
    with site.here():
        operation = dead(Homing)
        loop = site.start("python", "-m", "django", "liveops_reap", "--loop", "--every", "0.2")
        until(lambda: f"interrupted: {operation.pk}" in loop.log, 30, lambda: loop.log)
        second = started()
        fall_silent(second)
        until(lambda: f"interrupted: {second.pk}" in loop.log, 30, lambda: loop.log)
        assert "resumed" not in loop.log, "the site has the thread runner"
        loop.terminate()
        assert loop.wait(20) == 0, loop.log
