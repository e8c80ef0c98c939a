"""A script's stages that call each other, those that are ``async``, and their durations."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from liveops.scripts import RetryStage, StagedScript, StageDuration
from tests.unit.test_script_stages import Traced


class Nested(Traced):
    """A stage that calls another one."""

    def __init__(self, **retry: float) -> None:
        super().__init__("outer", "inner", run=("outer", "inner"), **retry)
        self.between = ""
        self.problem: Exception | None = None

    @StagedScript.stage("inner", "Inside")
    def inside(self) -> None:
        """Do what the test asks for."""
        if self.problem:
            raise self.problem

    @StagedScript.stage("outer", "Outside")
    def outside(self) -> None:
        """Call the other one."""
        began = self.stage_start_time
        try:
            self.inside()
        finally:
            self.between = self.current_stage
            assert self.stage_start_time == began


def test_a_stage_that_called_another_one_is_the_current_stage_again() -> None:
    script = Nested()
    script.outside()
    assert script.between == "outer"
    assert script.trace == [
        "pre outer",
        "begin outer: Outside",
        "pre inner",
        "begin inner: Inside",
        "end inner",
        "post inner",
        "end outer",
        "post outer",
    ]
    assert [entry.stage for entry in script.durations] == ["inner", "outer"]
    assert script.durations[1].duration >= script.durations[0].duration
    assert script.current_stage == "outer"


def test_it_is_so_too_when_the_inner_stage_raised() -> None:
    script = Nested()
    script.problem = OSError("gone")
    with pytest.raises(OSError, match="gone"):
        script.outside()
    assert script.between == "outer"
    assert script.trace[-2:] == ["end inner", "end outer"]
    script.problem = None
    script.inside()
    assert script.current_stage == "inner"


class Waiting(Traced):
    """Stages that are ``async``."""

    tries = 0

    @StagedScript.stage("call", "Calling")
    async def call(self, number: int) -> int:
        """Answer at the second attempt."""
        await asyncio.sleep(0)
        self.trace.append("body call")
        self.tries += 1
        if self.tries < 2:
            raise RetryStage("engaged")
        return number

    async def _run_post_stage_actions_call(self) -> None:
        await asyncio.sleep(0)
        self.trace.append("async post")


def test_async_stages_have_the_same_phases_and_may_have_async_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    monkeypatch.setattr("liveops.scripts.host.asyncio", SimpleNamespace(sleep=nap))
    script = Waiting("call", run=("call",), call_retry_attempts=1, call_retry_delay=60)
    assert asyncio.run(script.call(7)) == 7
    assert script.trace == [
        "pre call",
        "begin call: Calling",
        "body call",
        "end call",
        "prepare call",
        "begin call: Calling",
        "body call",
        "end call",
        "async post",
    ]
    assert naps == [60]


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every look at the clock find it one second later."""
    start = datetime(2026, 5, 4, tzinfo=UTC)
    seconds = itertools.count()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return start + timedelta(seconds=next(seconds))

    monkeypatch.setattr("liveops.scripts.phases.datetime", Clock)


@pytest.mark.usefixtures("ticks")
def test_each_attempt_has_its_duration() -> None:
    script = Waiting("call", run=("call",), call_retry_attempts=1)
    asyncio.run(script.call(7))
    assert script.durations == [StageDuration("call", timedelta(seconds=1))] * 2
