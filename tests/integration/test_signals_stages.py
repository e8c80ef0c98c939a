"""Signals about stages and attempts: blocks, loops, methods, plain and as coroutines."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction

from liveops import signals
from liveops.exceptions import OperationCancelled
from liveops.models import StageRun
from liveops.progress import Progress
from liveops.progress.pumps import InlinePump, threaded_pump
from liveops.runners.executor import execute
from liveops.scripts import RetryStage
from tests.integration.helpers import run_scripted
from tests.integration.observing import Heard, briefly, listening
from tests.integration.test_stage_async import Fetching
from tests.integration.test_stage_methods import Release, carry_out
from tests.testapp.models import AsyncScripted, Row, Scripted

pytestmark = pytest.mark.django_db(transaction=True)

BEGAN = ("operation_claimed",)
OVER = [("operation_finished", "FINISHED_OK", ""), ("operation_released",)]


class TriesEach(Scripted):
    """Loops over the attempts at both of its stages."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["Load", "Save"]

    def run(self, p: Progress) -> None:
        """Do nothing in each."""
        for attempt in p.attempts("Load"):
            with attempt:
                p.log("loaded")
        for attempt in p.attempts("Save"):
            with attempt:
                p.log("saved")


@pytest.fixture
def heard() -> Iterator[list[Heard]]:
    """Return the signals that are sent."""
    with listening() as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Put the stage methods back that a test gave acts."""
    yield
    Release.acts, Fetching.outcomes = {}, []


def passed(stage: str, *outcomes: str, left: str | None = None) -> list[tuple[Any, ...]]:
    """Return what is heard of one passage through a stage, attempt after attempt."""
    told: list[tuple[Any, ...]] = [("stage_started", stage)]
    for number, outcome in enumerate(outcomes, 1):
        told.append(("attempt_started", stage, str(number)))
        told.append(("attempt_finished", stage, str(number), outcome))
    return [*told, ("stage_finished", stage, left or outcomes[-1])]


def test_a_block_is_a_stage_with_one_attempt(heard: list[Heard]) -> None:
    def body(_: Any, p: Progress) -> None:
        with p.stage("Load"):
            heard.append(heard[-1])  # marks where the block runs
        with p.stage("Save"):
            pass

    run_scripted(body)
    load = passed("Load", "done")
    load.insert(2, load[1])
    assert briefly(heard) == [BEGAN, *load, *passed("Save", "done"), *OVER]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ValueError("no"), "failed"),
        (OperationCancelled("no"), "cancelled"),
        (SystemExit(1), "interrupted"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value,
)
def test_a_block_that_raises_has_an_end_too(
    heard: list[Heard], error: BaseException, outcome: str
) -> None:
    def body(_: Any, p: Progress) -> None:
        with p.stage("Load"):
            raise error

    if isinstance(error, SystemExit):
        with pytest.raises(SystemExit):
            run_scripted(body)
    else:
        run_scripted(body)
    assert briefly(heard)[1:5] == passed("Load", outcome)


def test_stages_in_stages_end_from_the_inside(heard: list[Heard]) -> None:
    def body(_: Any, p: Progress) -> None:
        with p.stage("Load"), p.stage("Validate"):
            pass

    run_scripted(body)
    load = passed("Load", "done")
    assert briefly(heard)[1:-2] == [*load[:2], *passed("Validate", "done"), *load[2:]]


def test_nothing_is_told_of_a_block_that_is_no_stage(heard: list[Heard]) -> None:
    def body(_: Any, p: Progress) -> None:
        for number in range(3):
            with p.stage(f"Row {number}"):
                pass

    run_scripted(body)
    assert briefly(heard) == [BEGAN, *OVER]


def test_each_attempt_of_a_loop_is_told(heard: list[Heard]) -> None:
    def body(_: Any, p: Progress) -> None:
        for attempt in p.attempts("Save", retry_attempts=2):
            with attempt:
                if attempt.number < 3:
                    raise RetryStage("again")

    operation, _ = run_scripted(body)
    assert briefly(heard)[1:-2] == passed("Save", "failed", "failed", "done")
    rows = StageRun.objects.filter(operation=operation).order_by("attempt")
    assert [row.outcome for row in rows] == ["failed", "failed", "done"]


def test_attempts_that_are_used_up_fail_the_stage(heard: list[Heard]) -> None:
    def body(_: Any, p: Progress) -> None:
        for attempt in p.attempts("Save", retry_attempts=1, continue_on_failure=True):
            with attempt:
                raise RetryStage("again")

    run_scripted(body)
    assert briefly(heard)[1:-2] == passed("Save", "failed", "failed")


def test_a_wait_between_attempts_that_is_cancelled_ends_the_stage(heard: list[Heard]) -> None:
    def body(operation: Any, p: Progress) -> None:
        for attempt in p.attempts("Save", retry_attempts=1, retry_delay=60):
            with attempt:
                p._run.request_stop(OperationCancelled("enough"))
                raise RetryStage("again")

    run_scripted(body)
    assert briefly(heard)[1:-2] == passed("Save", "failed", left="cancelled")


def test_a_loop_that_is_skipped_has_no_attempt(heard: list[Heard]) -> None:
    carry_out(TriesEach, stages_to_run=["Load"])
    assert briefly(heard)[1:-2] == [*passed("Load", "done"), *passed("Save", left="skipped")]


def test_stage_methods_are_told_of(heard: list[Heard]) -> None:
    Release.acts = {"Run tests": lambda _, p: p.log("tested")}
    carry_out(Release, stages_to_run=["build", "Run tests"])
    publish = passed("publish", left="skipped")
    expected = [*passed("build", "done"), *passed("Run tests", "done"), *publish]
    assert briefly(heard) == [BEGAN, *expected, *OVER]
    assert {one.sender for one in heard} == {Release}


def test_a_stage_method_is_told_of_with_its_retries(heard: list[Heard]) -> None:
    tries = iter([RetryStage("no"), None])

    def build(operation: Any, p: Progress) -> None:
        if error := next(tries):
            raise error

    Release.acts = {"build": build}
    operation = Release._default_manager.create(stages_to_run=["build"])
    operation.given_limits = {"build_retry_attempts": 2}
    execute(operation, pump=InlinePump(), web=False)
    assert briefly(heard)[1:7] == passed("build", "failed", "done")


def test_a_stage_that_a_phase_has_run_after_all_has_its_attempt(
    heard: list[Heard], monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(self: Any, heading: str) -> None:
        self.stages_to_run = ["build"]

    monkeypatch.setattr(Release, "_begin_stage_build", begin, raising=False)
    carry_out(Release, stages_to_run=["publish"])
    assert briefly(heard)[1:5] == passed("build", "done")


def test_a_result_that_cannot_be_stored_fails_the_attempt(heard: list[Heard]) -> None:
    Release.acts = {"build": object()}
    carry_out(Release)
    assert briefly(heard)[1:5] == passed("build", "failed")


def test_coroutines_are_told_of_where_the_database_may_be_used(heard: list[Heard]) -> None:
    Fetching.outcomes = [RetryStage("timeout")]
    rows: list[Any] = []

    def save(sender: Any, stage: str, **_: Any) -> None:
        rows.append(Row.objects.create(name=stage))

    signals.stage_started.connect(save)
    try:
        carry_out(Fetching)
    finally:
        signals.stage_started.disconnect(save)
    assert briefly(heard)[1:-2] == [*passed("fetch", "failed", "done"), *passed("save", "done")]
    assert [row.name for row in rows] == ["fetch", "save"]
    assert {one.thread for one in heard} == {threading.get_ident()}


def test_receivers_may_be_coroutines(heard: list[Heard]) -> None:
    told: list[str] = []

    async def note(sender: Any, stage: str, **_: Any) -> None:
        await asyncio.sleep(0)
        await sync_to_async(Row.objects.create)(name=stage)
        told.append(stage)

    async def body(_: Any, p: Progress) -> None:
        with p.stage("Load"):
            assert told == ["Load"]

    signals.stage_started.connect(note)
    try:
        operation, _ = run_scripted(body, model=AsyncScripted)
    finally:
        signals.stage_started.disconnect(note)
    assert operation.get_state() == "FINISHED_OK"
    assert Row.objects.get().name == "Load"


@pytest.mark.parametrize("pump", [None, threaded_pump], ids=["inline", "threaded"])
def test_what_is_told_is_committed(pump: Any) -> None:
    seen: list[tuple[str, str]] = []

    def look(sender: Any, operation: Any, stage: str, outcome: str = "active", **_: Any) -> None:
        row = sender.objects.get(pk=operation.pk)
        seen.append((outcome, row.stage_states[stage]))

    def body(_: Any, p: Progress) -> None:
        with p.stage("Load"):
            pass

    signals.stage_started.connect(look)
    signals.stage_finished.connect(look)
    try:
        run_scripted(body, pump=pump() if pump else None)
    finally:
        signals.stage_started.disconnect(look)
        signals.stage_finished.disconnect(look)
    assert seen == [("active", "active"), ("done", "done")]


def test_a_transaction_that_is_rolled_back_takes_back_no_signal(heard: list[Heard]) -> None:
    def body(_: Any, p: Progress) -> None:
        with transaction.atomic():
            with p.stage("Load"):
                pass
            transaction.set_rollback(True)

    run_scripted(body)
    assert briefly(heard)[1:-2] == passed("Load", "done")
    assert {one.in_transaction for one in heard if one.values.get("stage")} == {True}


def test_seconds_tell_of_the_attempt_and_of_the_whole_stage(heard: list[Heard]) -> None:
    def body(_: Any, p: Progress) -> None:
        now = [0.0]
        p._run.clock = lambda: now[0]
        for attempt in p.attempts("Save", retry_attempts=1):
            with attempt:
                now[0] += 2.0
                if attempt.number == 1:
                    raise RetryStage("again")
            now[0] += 5.0

    run_scripted(body)
    times = {one.brief[:3]: one.values["seconds"] for one in heard if "outcome" in one.values}
    assert times == {
        ("attempt_finished", "Save", "1"): 2.0,
        ("attempt_finished", "Save", "2"): 2.0,
        ("stage_finished", "Save", "done"): 9.0,
    }
