"""A script's stages that ask to be tried again: how often, how long, and what comes after."""

import math
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from tenacity import RetryCallState, RetryError, Retrying, TryAgain, stop_after_attempt

from liveops.scripts import RetryStage, StagedScript
from liveops.scripts.host import retry_limits
from liveops.stages import RetryLimits
from tests.unit.test_script_stages import Traced

ATTEMPT = ["begin knock: Knocking", "body knock", "end knock"]


class Door(Traced):
    """A stage that fails a number of times."""

    def __init__(self, failures: int, **retry: float) -> None:
        super().__init__("knock", run=("knock",), **retry)
        self.failures = failures
        self.error: Callable[[], Exception] = lambda: RetryStage("nobody at home")

    @StagedScript.stage("knock", "Knocking")
    def knock(self) -> str:
        """Fail, or answer."""
        self.trace.append("body knock")
        if self.failures:
            self.failures -= 1
            raise self.error()
        return "come in"


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no time pass between attempts; list how long they would have waited."""
    taken: list[float] = []
    monkeypatch.setattr("liveops.scripts.host.time", SimpleNamespace(sleep=taken.append))
    return taken


def test_a_stage_is_tried_again_until_it_works(naps: list[float]) -> None:
    door = Door(2, knock_retry_attempts=5, knock_retry_delay=1.5)
    assert door.knock() == "come in"
    again = ["prepare knock", *ATTEMPT]
    assert door.trace == ["pre knock", *ATTEMPT, *again, *again, "post knock"]
    assert naps == [1.5, 1.5]
    assert door.script_success
    assert [entry.stage for entry in door.durations] == ["knock"] * 3
    assert "attempt 2 failed (nobody at home), the next one begins in 1.5 s." in door.printed


def test_attempts_are_used_up(naps: list[float]) -> None:
    door = Door(9, knock_retry_attempts=2)
    assert door.knock() is None
    again = ["prepare knock", *ATTEMPT]
    assert door.trace == ["pre knock", *ATTEMPT, *again, *again, "handle knock", "post knock"]
    assert naps == [0, 0]
    assert not door.script_success
    assert "Giving up on the 'knock' stage. Attempts: 3, time: 0:00:0" in door.printed


def test_without_attempts_the_first_failure_is_the_last(naps: list[float]) -> None:
    door = Door(1)
    assert door.knock() is None
    assert door.trace == ["pre knock", *ATTEMPT, "handle knock", "post knock"]
    assert naps == []
    assert not door.script_success
    assert "'knock' stage asks to be retried, but has no retry attempts" in door.printed


def test_no_attempt_begins_after_the_timeout(naps: list[float]) -> None:
    door = Door(9, knock_retry_attempts=5, knock_retry_timeout=0)
    assert door.knock() is None
    assert door.trace == ["pre knock", *ATTEMPT, "handle knock", "post knock"]
    assert naps == []


def test_the_script_has_failed_before_the_handler_runs_and_the_handler_may_forgive() -> None:
    class Lenient(Door):
        def _handle_stage_retry_error_knock(self, retry: Retrying) -> None:
            assert not self.script_success
            self.script_success = True
            self.seen = retry.statistics["attempt_number"]

    door = Lenient(9, knock_retry_attempts=1)
    door.knock()
    assert door.script_success
    assert door.seen == 2


def test_preparing_is_told_of_the_attempt() -> None:
    told: list[tuple[int, str]] = []

    class Curious(Door):
        def _prepare_to_retry_stage_knock(self, retry_state: RetryCallState) -> None:
            assert retry_state.outcome is not None
            told.append((retry_state.attempt_number, str(retry_state.outcome.exception())))

    Curious(2, knock_retry_attempts=2).knock()
    assert told == [(1, "nobody at home"), (2, "nobody at home")]


@pytest.mark.parametrize("error", [TryAgain, RetryStage], ids=["TryAgain", "RetryStage"])
def test_a_reason_is_not_needed(error: type[Exception], naps: list[float]) -> None:
    door = Door(1, knock_retry_attempts=1)
    door.error = error
    assert door.knock() == "come in"
    assert "attempt 1 failed, the next one" in door.printed


def test_brackets_in_the_reason_are_shown() -> None:
    door = Door(1, knock_retry_attempts=1)
    door.error = lambda: RetryStage("[bold]no[/red] [a-z]")
    assert door.knock() == "come in"
    assert "failed ([bold]no[/red] [a-z])" in door.printed


def test_a_retry_error_of_the_body_counts_as_attempts_used_up() -> None:
    door = Door(1)

    def exhausted() -> RetryError:
        with pytest.raises(RetryError) as caught:
            Retrying(stop=stop_after_attempt(1))(int, "x")
        return caught.value

    door.error = exhausted
    assert door.knock() is None
    assert door.trace == ["pre knock", *ATTEMPT, "handle knock", "post knock"]
    assert not door.script_success


def test_an_interrupt_between_two_attempts_leaves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("liveops.scripts.host.time", SimpleNamespace(sleep=interrupt))
    door = Door(9, knock_retry_attempts=2)
    with pytest.raises(KeyboardInterrupt):
        door.knock()
    assert door.trace == ["pre knock", *ATTEMPT, "prepare knock"]
    assert door.script_success


def test_limits_may_be_set_until_the_stage_begins(naps: list[float]) -> None:
    class Insisting(Door):
        knock_retry_attempts: int

        def _run_pre_stage_actions_knock(self) -> None:
            self.knock_retry_attempts = 1

    assert Insisting(1).knock() == "come in"


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        ({}, RetryLimits(0, 0, 60)),
        ({"attempts": None, "delay": None, "timeout": None}, RetryLimits(0, 0, 60)),
        ({"attempts": 3, "delay": 0.5, "timeout": 9}, RetryLimits(3, 0.5, 9)),
        ({"attempts": -1, "delay": -0.5, "timeout": -9}, RetryLimits(0, 0, 0)),
        ({"attempts": 1.5}, RetryLimits(2, 0, 60)),
        ({"attempts": math.inf, "timeout": math.inf}, RetryLimits(sys.maxsize - 1, 0, None)),
    ],
    ids=["missing", "none", "given", "negative", "broken", "infinite"],
)
def test_the_limits_come_from_attributes(given: dict[str, Any], limits: RetryLimits) -> None:
    script = SimpleNamespace(**{f"knock_retry_{name}": value for name, value in given.items()})
    assert retry_limits(script, "knock") == limits
