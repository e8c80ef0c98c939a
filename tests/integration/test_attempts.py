"""`p.attempts()`: a stage that is retried without being a method."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from liveops.exceptions import StageFailedError
from liveops.progress import Progress
from liveops.progress.pumps import Pump
from liveops.scripts import RetryStage
from tests.integration.helpers import run_scripted
from tests.integration.test_stage_methods import PUMPS, recorded, shown
from tests.testapp.models import AsyncScripted, Scripted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("pump", PUMPS)
def test_without_a_failure_it_is_a_stage_like_a_block(pump: Callable[[], Pump]) -> None:
    def body(op: Scripted, p: Progress) -> None:
        for attempt in p.attempts("Validate", retry_attempts=3):
            with attempt as entered:
                assert entered is attempt
                assert attempt.number == 1
                assert op.stage_states == {"Validate": "active"}
                assert op.current_stage == 1
                p.log("inside")
        p.log("outside")

    operation, recorder = run_scripted(body, pump=pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"Validate": "done"}
    assert recorded(operation) == [("Validate", 1, "done")]
    assert shown(recorder) == [("Validate", "active", 1, 4), ("Validate", "done", 1, 4)]
    assert list(operation.log_lines.values_list("stage", "text")) == [
        ("Validate", "inside"),
        ("", "outside"),
    ]


@pytest.mark.parametrize("pump", PUMPS)
def test_a_block_that_asks_for_it_is_run_again(pump: Callable[[], Pump]) -> None:
    numbers: list[int] = []

    def body(op: Scripted, p: Progress) -> None:
        for attempt in p.attempts("Save", retry_attempts=3):
            with attempt:
                numbers.append(attempt.number)
                if attempt.number < 3:
                    raise RetryStage("database is locked")

    operation, recorder = run_scripted(body, pump=pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert numbers == [1, 2, 3]
    assert operation.stage_states == {"Save": "done"}
    assert recorded(operation) == [
        ("Save", 1, "failed"),
        ("Save", 2, "failed"),
        ("Save", 3, "done"),
    ]
    assert shown(recorder) == [
        ("Save", "active", 1, 4),
        ("Save", "retrying", 1, 4),
        ("Save", "active", 2, 4),
        ("Save", "retrying", 2, 4),
        ("Save", "active", 3, 4),
        ("Save", "done", 3, 4),
    ]
    assert operation.live_progress.stage_attempts == {"Save": [3, 4]}


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize("more", [0, 2])
def test_attempts_that_are_used_up_fail_the_operation(pump: Callable[[], Pump], more: int) -> None:
    numbers: list[int] = []

    def body(op: Scripted, p: Progress) -> None:
        for attempt in p.attempts("Save", retry_attempts=more):
            with attempt:
                numbers.append(attempt.number)
                raise RetryStage("database is locked")
        pytest.fail("never reached")

    operation, _ = run_scripted(body, pump=pump())
    assert operation.get_state() == "FINISHED_ERROR"
    assert numbers == list(range(1, more + 2))
    times = f"{more + 1} attempts" if more else "1 attempt"
    sentence = f"The stage 'Save' failed after {times}: database is locked"
    assert operation.live_progress.error_text == sentence
    assert operation.stage_states == {"Save": "failed"}
    assert [outcome for *_, outcome in recorded(operation)] == ["failed"] * (more + 1)


def test_user_code_may_deal_with_a_stage_that_failed() -> None:
    def body(op: Scripted, p: Progress) -> None:
        last = RetryStage("no")
        caught: list[StageFailedError] = []
        try:
            for attempt in p.attempts("Load"):
                with attempt:
                    raise last
        except StageFailedError as error:
            caught.append(error)
        assert [error.__cause__ for error in caught] == [last]
        with p.stage("Save"):
            pass

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"Load": "failed", "Save": "done"}


def test_another_error_ends_the_loop() -> None:
    def body(op: Scripted, p: Progress) -> None:
        for attempt in p.attempts("Load", retry_attempts=5):
            with attempt:
                if attempt.number == 2:
                    raise ZeroDivisionError
                raise RetryStage

    operation, _ = run_scripted(body)
    assert "ZeroDivisionError" in operation.live_progress.error_text
    assert recorded(operation) == [("Load", 1, "failed"), ("Load", 2, "failed")]


def test_the_instance_says_how_often() -> None:
    def body(op: Any, p: Progress) -> None:
        op.save_retry_attempts = 4
        for attempt in p.attempts("Save"):
            with attempt:
                if attempt.number < 5:
                    raise RetryStage

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert recorded(operation)[-1] == ("Save", 5, "done")


@pytest.mark.parametrize(
    ("limits", "error"),
    [({"retry_attempts": -1}, ValueError), ({"retry_delay": "1"}, TypeError)],
    ids=["value", "type"],
)
def test_limits_that_cannot_be_are_refused_before_the_stage(
    limits: Any, error: type[Exception]
) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with pytest.raises(error):
            p.attempts("Save", **limits)
        assert op.stage_states == {}

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback


def test_an_attempt_that_is_not_entered_is_told() -> None:
    def body(op: Scripted, p: Progress) -> None:
        for _ in p.attempts("Load", retry_attempts=2):
            p.log("no with here")

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_ERROR"
    assert "Write 'with attempt:' in the loop over p.attempts()." in operation.traceback
    assert operation.stage_states == {}
    assert operation.log_lines.count() == 1


@pytest.mark.parametrize("failures", [0, 1, 2], ids=["success", "retried", "exhausted"])
def test_attempts_are_looped_over_once(failures: int) -> None:
    def body(op: Scripted, p: Progress) -> None:
        attempts = p.attempts("Load", retry_attempts=1, continue_on_failure=True)
        for attempt in attempts:
            with attempt:
                if attempt.number <= failures:
                    raise RetryStage
        before = dict(op.stage_states)
        with pytest.raises(RuntimeError, match="looped over once"):
            next(iter(attempts))
        assert op.stage_states == before

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert len(recorded(operation)) == min(failures + 1, 2)


def test_a_break_in_an_attempt_ends_the_stage() -> None:
    def body(op: Scripted, p: Progress) -> None:
        for attempt in p.attempts("Load", retry_attempts=3):
            with attempt:
                break
        assert op.stage_states == {"Load": "done"}
        p.log("after")

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.log_lines.get().stage == ""


def test_a_break_after_an_attempt_that_failed_leaves_the_stage_failed() -> None:
    def body(op: Scripted, p: Progress) -> None:
        for attempt in p.attempts("Load", retry_attempts=3):
            with attempt:
                raise RetryStage
            break
        p.log("after")
        with p.stage("Save"):
            assert op.stage_states == {"Load": "failed", "Save": "active"}

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"Load": "failed", "Save": "done"}
    assert recorded(operation) == [("Load", 1, "failed"), ("Save", 1, "done")]
    assert operation.log_lines.get(text="after").stage == ""


def test_a_name_that_is_not_in_stages_is_retried_untracked() -> None:
    def body(op: Scripted, p: Progress) -> None:
        for attempt in p.attempts("Warm up", retry_attempts=1):
            with attempt:
                p.log("inside")
                if attempt.number == 1:
                    raise RetryStage

    operation, recorder = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {}
    assert operation.current_stage == -1
    assert recorded(operation) == []
    assert [line.stage for line in operation.log_lines.all()] == ["Warm up"] * 3
    assert [state for _, state, *_ in shown(recorder)] == ["active", "retrying", "active", "done"]


@pytest.mark.parametrize("pump", PUMPS)
def test_a_coroutine_loops_with_async_for(pump: Callable[[], Pump]) -> None:
    beats: list[int] = []

    async def beat() -> None:
        for number in range(1000):
            beats.append(number)
            await asyncio.sleep(0.001)

    async def body(op: AsyncScripted, p: Progress) -> None:
        task = asyncio.create_task(beat())
        async for attempt in p.attempts("Load", retry_attempts=2, retry_delay=0.05):
            with attempt:
                await asyncio.sleep(0)
                beats.clear()
                if attempt.number < 3:
                    raise RetryStage
            assert attempt.number == 3 or not beats
        task.cancel()
        async for attempt in p.attempts("Save", continue_on_failure=True):
            with attempt:
                raise RetryStage

    operation, _ = run_scripted(body, pump=pump(), model=AsyncScripted)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"Load": "done", "Save": "failed"}
    assert [attempt for stage, attempt, _ in recorded(operation) if stage == "Load"] == [1, 2, 3]


def test_the_loop_of_events_goes_on_while_a_coroutine_waits() -> None:
    waiting = asyncio.Event()

    async def body(op: AsyncScripted, p: Progress) -> None:
        async def work() -> None:
            async for attempt in p.attempts("Load", retry_attempts=1, retry_delay=3600):
                with attempt:
                    waiting.set()
                    raise RetryStage

        task = asyncio.create_task(work())
        await waiting.wait()
        while op.stage_states != {"Load": "retrying"}:  # noqa: ASYNC110
            await asyncio.sleep(0)
        p.log("meanwhile")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    operation, _ = run_scripted(body, model=AsyncScripted)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"Load": "failed"}
