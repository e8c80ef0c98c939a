"""``RecordingProgress``: an operation without a database, a socket or a wait."""

import asyncio
from typing import Any

import pytest
from django.test import SimpleTestCase

from liveops import signals
from liveops.commands import CommandFailed, CommandTimedOut
from liveops.exceptions import (
    ConfigurationError,
    InvalidStateError,
    OperationCancelled,
    StageFailedError,
)
from liveops.progress import Progress
from liveops.testing import Answer, RecordingProgress
from liveops.testing.record import Attempted
from tests.testapp.models import Scripted, Walk
from tests.testing.deeds import Shipload, Soundings


def test_it_is_a_progress_and_asks_no_database() -> None:
    op = Walk(items=2)
    p = RecordingProgress(op)
    assert isinstance(p, Progress)
    op.run(p)  # a query would fail: this test has no database
    assert p.stages == {"Load": "done", "Validate": "done", "Save": "done"}
    assert p.stages == op.stage_states
    assert p.lines[:3] == ["Load 0", "Load 1", "Validate 0"]
    assert [line.stage for line in p.lines[:3]] == ["Load", "Load", "Validate"]
    assert p.percents[:4] == [0.0, 50.0, 100.0, 0.0]
    assert p.durations == dict.fromkeys(op.stages, 0.0)
    assert p.result_context == {"items": 2}


def test_waits_are_passed_over_and_count_as_time() -> None:
    op = Shipload(note="xx")
    p = RecordingProgress(op)
    op.run(p)
    assert (p.waits, p.seconds) == ([30.0, 30.0], 60.0)
    assert p.durations == {"Build": 60.0, "Ship": 0.0}
    assert p.attempted == [
        Attempted("Build", 1, "failed", 0.0),
        Attempted("Build", 2, "failed", 0.0),
        Attempted("Build", 3, "done", 0.0),
        Attempted("Ship", 1, "done", 0.0),
    ]
    assert p.returned["Build"] == {"size": 7}
    assert p.statuses == ["Building", "Shipping"]
    assert [line.level for line in p.lines if "locked" in line] == ["warning", "warning"]


def test_the_time_limit_of_retries_counts_simulated_seconds() -> None:
    op = Shipload(note="xxx")
    op.build_retry_attempts, op.build_retry_timeout = 10, 40  # type: ignore[attr-defined]
    p = RecordingProgress(op)
    with pytest.raises(StageFailedError):
        op.build(p)
    assert p.waits == [30.0, 30.0]
    assert p.stages == {"Build": "failed"}


def test_one_stage_method_alone() -> None:
    op = Shipload()
    p = RecordingProgress(op)
    op.ship(p)
    assert p.stages == {"Ship": "done"}
    assert p.lines == ["late", "crate 0", "crate 1", "crate 2", "crate 3"]
    assert p.lines[0].level == "warning"


def test_coroutines() -> None:
    op = Soundings()
    p = RecordingProgress(op)
    asyncio.run(op.run(p))
    assert p.stages == {"Load": "done", "Save": "done"}
    assert p.statuses == ["number 1", "number 2"]
    assert p.waits == [5.0]
    assert p.commands == ["true", "true"]


def test_a_bare_one_for_any_function() -> None:
    p = RecordingProgress()
    with p.stage("Anything"):
        p.status("Busy", level="warning")
        p.percent(40)
    assert p.stages == {"Anything": "done"}
    assert (p.statuses, p.statuses[0].level, p.percents) == (["Busy"], "warning", [0.0, 40.0])


def test_a_name_that_is_no_stage_is_not_among_the_stages() -> None:
    p = RecordingProgress(Walk())
    with p.stage("Laod"):
        p.log("x")
    assert p.stages == {}


def test_stages_to_run_and_checkpoints() -> None:
    op = Shipload()
    p = RecordingProgress(op, stages_to_run=["Ship"])
    op.run(p)
    assert p.stages == {"Build": "skipped", "Ship": "done"}
    with pytest.raises(ConfigurationError):
        RecordingProgress(Shipload(), stages_to_run=["Sink"])
    op = Shipload()
    p = RecordingProgress(op, checkpoints={"Build": {"size": 3}})
    assert p.stages == {"Build": "done"}
    assert op.build(p) == {"size": 3}
    assert p.commands == []
    op.run(p)
    assert p.commands == ["make all"]


def test_commands_are_answered_and_not_run() -> None:
    answers: dict[str, Any] = {
        "git": "ok",
        "git pull": Answer("two\nlines", seconds=3.5),
        "make": 2,
    }
    p = RecordingProgress(commands=answers)
    assert p.run(["git", "pull", "origin"]).output == "two\nlines"
    assert p.run("git status").output == "ok"
    with pytest.raises(CommandFailed) as caught:
        p.run("make all")
    assert caught.value.returncode == 2
    with pytest.raises(AssertionError, match=r"does not say what `ls` does; it says so of `git`"):
        p.run("ls")
    assert p.commands == ["git pull origin", "git status", "make all", "ls"]
    assert [ran.returncode for ran in p.commands] == [0, 0, 2, None]
    assert p.commands[0].seconds == p.seconds == 3.5
    assert p.lines[:3] == ["$ git pull origin", "two", "lines"]


def test_commands_are_answered_by_a_function_and_may_take_too_long() -> None:
    asked: list[Any] = []

    def answer(command: Any) -> Answer:
        asked.append(command)
        return Answer(seconds=60)

    p = RecordingProgress(commands=answer)
    with pytest.raises(CommandTimedOut):
        p.run(["sleep", "60"], timeout=5)
    assert (asked, p.seconds) == ([["sleep", "60"]], 5.0)
    with pytest.raises(PermissionError):
        RecordingProgress(commands=PermissionError("no")).run("ls")


def test_commands_are_run_by_choice_and_secrets_are_masked() -> None:
    p = RecordingProgress(commands="real")
    assert p.run("echo really").output == "really"
    p = RecordingProgress(commands="the key is hunter22")
    p.run("login", secrets=["hunter22"])
    assert p.lines == ["$ login", "the key is ***"]


def test_parts_of_the_page_are_not_rendered() -> None:
    p = RecordingProgress(Walk())
    p.swap("chart", "none_such", rows=[1])
    p.html("#note", "<b>x</b>", mode="beforeend")
    shown, html = p.swaps
    assert (shown.selector, shown.template) == ("#chart", "testapp/walk_none_such.html")  # type: ignore[attr-defined]
    assert shown.context["rows"] == [1]  # type: ignore[attr-defined]
    assert (html.selector, html.html, html.mode) == ("#note", "<b>x</b>", "beforeend")
    with pytest.raises(ValueError, match="take an id"):
        p.swap("<x>")


def test_a_chain_ends_it_as_for_real(ann: Any) -> None:
    following = Walk.objects.create(owner=ann)
    op = Scripted()
    p = RecordingProgress(op)
    with pytest.raises(InvalidStateError, match="Save the Walk before"):
        p.chain_to(Walk())
    with p.stage("Load"):
        p.chain_to(following)
    assert p.chained is following
    assert p.stages == {"Load": "done"}
    with pytest.raises(InvalidStateError, match="has ended with chain_to"):
        p.result(x=1)
    with pytest.raises(InvalidStateError):
        p.chain_to(following)


def test_errors_and_results_are_those_of_a_real_one() -> None:
    p = RecordingProgress()
    p.error("no such file")
    p.result({"a": 1})
    assert (p.error_text, p.result_context) == ("no such file", {"a": 1})
    assert p.lines[0].level == "error"
    assert repr(p) == (
        "<RecordingProgress LiveOperation: no stages; 1 line; error 'no such file'; "
        "result {'a': 1}>"
    )


def test_no_signal_is_sent() -> None:
    def fail(**_: Any) -> None:
        raise AssertionError

    signals.stage_started.connect(fail)
    try:
        p = RecordingProgress(Walk(items=1))
        p.operation.run(p)
    finally:
        signals.stage_started.disconnect(fail)
    assert p.lines


def test_the_transcript_tells_all_in_order() -> None:
    op = Shipload(note="x")
    p = RecordingProgress(op, cancel_after_items=1)
    with pytest.raises(OperationCancelled):
        op.run(p)
    assert str(p).splitlines() == [
        "RecordingProgress Shipload: Build done, Ship cancelled; 5 lines",
        "=== Build",
        "status   Building",
        "log      $ make all",
        "=== Build: retrying",
        "warning  Attempt 1 failed: locked. Trying again in 0:30.",
        "wait     30 s, passed over",
        "=== Build, attempt 2 of 3",
        "log      $ make all",
        "=== Build: done (0:30)",
        "=== Ship",
        "status   Shipping",
        "warning  late",
        "log      crate 0",
        "cancel   asked for",
        "=== Ship: cancelled",
    ]


def test_a_long_loop_is_recorded_at_each_percent() -> None:
    p = RecordingProgress()
    for _ in p.track(range(20_000)):
        pass
    assert p.percents == [float(percent) for percent in range(101)]


class PlainTests(SimpleTestCase):
    """It works where Django forbids the database."""

    def test_in_a_simple_test_case(self) -> None:
        op = Walk(items=1)
        p = RecordingProgress(op)
        op.run(p)
        assert p.lines == ["Load 0", "Validate 0", "Save 0"], p

    async def test_in_an_async_one(self) -> None:
        op = Soundings()
        p = RecordingProgress(op)
        await op.run(p)
        assert p.stages == {"Load": "done", "Save": "done"}
