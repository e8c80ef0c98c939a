"""Stage methods that are coroutines, alone and beside plain ones."""

import asyncio
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from asgiref.sync import sync_to_async

from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.pumps import Pump
from liveops.scripts import RetryStage
from tests.integration.test_stage_methods import PUMPS, carry_out, recorded, shown
from tests.testapp.models import AsyncScripted, Row, Scripted

pytestmark = pytest.mark.django_db(transaction=True)


class Fetching(AsyncScripted):
    """Fetches and saves, both as coroutines."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["fetch", "save"]
    outcomes: ClassVar[list[Any]] = []
    notes: ClassVar[list[Any]] = []
    run = LiveOperation.run

    @LiveOperation.stage("fetch", "Fetching", retry_attempts=2, retry_delay=0.02)
    async def fetch(self, p: Progress) -> Any:
        """Fetch."""
        await asyncio.sleep(0)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    @LiveOperation.stage("save", "Saving")
    async def save_rows(self, p: Progress) -> None:
        """Save."""
        await sync_to_async(Row.objects.create)(name="fetched")


@pytest.fixture(autouse=True)
def outcomes() -> Iterator[list[Any]]:
    """Return what the attempts come to."""
    Fetching.outcomes, Fetching.notes = [], []
    yield Fetching.outcomes
    Fetching.outcomes, Fetching.notes = [], []


@pytest.mark.parametrize("pump", PUMPS)
def test_coroutines_have_the_same_stages(pump: Callable[[], Pump], outcomes: list[Any]) -> None:
    outcomes += [RetryStage("timeout"), RetryStage("timeout")]
    operation, recorder = carry_out(Fetching, pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"fetch": "done", "save": "done"}
    assert recorded(operation) == [
        ("fetch", 1, "failed"),
        ("fetch", 2, "failed"),
        ("fetch", 3, "done"),
        ("save", 1, "done"),
    ]
    assert shown(recorder) == [
        ("fetch", "active", 1, 1),
        ("fetch", "retrying", 1, 3),
        ("fetch", "active", 2, 3),
        ("fetch", "retrying", 2, 3),
        ("fetch", "active", 3, 3),
        ("fetch", "done", 3, 3),
        ("save", "active", 1, 1),
        ("save", "done", 1, 1),
    ]
    assert Row.objects.get().name == "fetched"


@pytest.mark.parametrize("pump", PUMPS)
def test_a_coroutine_whose_attempts_are_used_up_fails_the_operation(
    pump: Callable[[], Pump], outcomes: list[Any]
) -> None:
    outcomes += [RetryStage("timeout")] * 3
    operation, _ = carry_out(Fetching, pump())
    assert operation.get_state() == "FINISHED_ERROR"
    sentence = "The stage 'fetch' failed after 3 attempts: timeout"
    assert operation.live_progress.error_text == sentence
    assert operation.stage_states == {"fetch": "failed"}


@pytest.mark.parametrize("pump", PUMPS)
def test_a_coroutine_that_is_not_selected_is_skipped(pump: Callable[[], Pump]) -> None:
    operation, _ = carry_out(Fetching, pump(), stages_to_run=["fetch"])
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"fetch": "done", "save": "skipped"}
    assert not Row.objects.exists()


class FetchingAndCounting(Fetching):
    """A coroutine, then a plain method that uses the database, then a coroutine."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["fetch", "save", "count", "tell"]
    run = LiveOperation.run

    @LiveOperation.stage("count", "Counting", retry_attempts=1, retry_delay=0.02)
    def count(self, p: Progress) -> None:
        """Use the database as plain code does, in two attempts."""
        self.notes.append((threading.get_ident(), Row.objects.count()))
        Row.objects.create(name="counted")
        if Row.objects.count() < 3:
            raise RetryStage

    @LiveOperation.stage("tell", "Telling")
    async def tell(self, p: Progress) -> None:
        """Tell."""
        self.notes.append((threading.get_ident(), await Row.objects.acount()))


@pytest.mark.parametrize("pump", PUMPS)
def test_plain_stages_between_coroutines_use_the_database(pump: Callable[[], Pump]) -> None:
    operation, _ = carry_out(FetchingAndCounting, pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == dict.fromkeys(FetchingAndCounting.stages, "done")
    assert [rows for _, rows in FetchingAndCounting.notes] == [1, 2, 3]
    here = threading.get_ident()
    assert [thread == here for thread, _ in FetchingAndCounting.notes] == [True, True, False]


class Phased(Fetching):
    """Has plain and async phases; the plain ones use the database."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["fetch", "save"]
    run = LiveOperation.run

    def _run_pre_stage_actions(self) -> None:
        Row.objects.create(name="pre")
        self.progress.log(f"pre with {Row.objects.count()}")

    async def _begin_stage(self, heading: str) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self.progress.log(heading)

    def _prepare_to_retry_stage(self, retry_state: Any) -> None:
        super()._prepare_to_retry_stage(retry_state)
        Row.objects.create(name="prepare")

    async def _end_stage_fetch(self) -> None:
        self.progress.log(f"end with {await Row.objects.acount()}")


@pytest.mark.parametrize("pump", PUMPS)
def test_phases_of_coroutines_may_be_plain_or_async(
    pump: Callable[[], Pump], outcomes: list[Any]
) -> None:
    outcomes += [RetryStage("timeout")]
    operation, _ = carry_out(Phased, pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert [(line.stage, line.text) for line in operation.log_lines.all()] == [
        ("fetch", "pre with 1"),
        ("fetch", "Fetching"),
        ("fetch", "end with 1"),
        ("fetch", "Attempt 1 failed: timeout. Trying again now."),
        ("fetch", "Fetching"),
        ("fetch", "end with 2"),
        ("save", "pre with 3"),
        ("save", "Saving"),
    ]


class Conducting(FetchingAndCounting):
    """Calls its stages in a coroutine of its own."""

    class Meta:
        proxy = True
        app_label = "testapp"

    async def run(self, p: Progress) -> None:
        """Take what a stage returns, and call a plain stage as plain code would."""
        self.notes.append(await self.fetch(p))
        await sync_to_async(self.count)(p)


@pytest.mark.parametrize("pump", PUMPS)
def test_a_coroutine_calls_the_stages_itself(pump: Callable[[], Pump], outcomes: list[Any]) -> None:
    outcomes += [RetryStage(), "fetched"]
    Row.objects.create(name="there already")
    operation, _ = carry_out(Conducting, pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert Fetching.notes == Conducting.notes
    assert Fetching.notes[0] == "fetched"
    assert operation.stage_states == {"fetch": "done", "count": "done"}


class Direct(Fetching):
    """Calls a plain stage in a coroutine, without a thread."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["fetch", "save", "shaky"]

    @LiveOperation.stage("shaky", "Trying", retry_attempts=1, retry_delay=0.02)
    def shaky(self, p: Progress) -> str:
        """Ask for a second attempt."""
        self.notes.append("tried")
        if len(self.notes) == 1:
            raise RetryStage
        return "done"

    async def run(self, p: Progress) -> None:
        """Call it."""
        self.notes.append(self.shaky(p))


@pytest.mark.parametrize("pump", PUMPS)
def test_a_plain_stage_that_a_coroutine_calls_is_retried_as_well(pump: Callable[[], Pump]) -> None:
    operation, _ = carry_out(Direct, pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert Direct.notes == ["tried", "tried", "done"]
    assert operation.stage_states == {"shaky": "done"}


class Misfit(Fetching):
    """Has a plain stage."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["fetch", "save", "plain"]

    @LiveOperation.stage("plain", "Plain")
    def plain(self, p: Progress) -> None:
        """Never begin."""
        pytest.fail("never reached")

    def run(self, p: Progress) -> None:  # type: ignore[override]
        """Call it."""
        self.plain(p)


def test_an_async_phase_of_a_plain_stage_fails_the_operation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def _begin_stage_plain(self: Any, heading: str) -> None:
        pytest.fail("never reached")

    monkeypatch.setattr(Misfit, "_begin_stage_plain", _begin_stage_plain, raising=False)
    operation, _ = carry_out(Misfit)
    assert operation.get_state() == "FINISHED_ERROR"
    assert "_begin_stage_plain() is an async method, but the stage 'plain'" in operation.traceback
    assert operation.stage_states == {"plain": "failed"}


@pytest.mark.parametrize("pump", PUMPS)
def test_what_a_coroutine_raises_ends_its_stage(
    pump: Callable[[], Pump], outcomes: list[Any]
) -> None:
    outcomes += [ValueError("no")]
    operation, _ = carry_out(Fetching, pump())
    assert operation.get_state() == "FINISHED_ERROR"
    assert "ValueError" in operation.live_progress.error_text
    assert recorded(operation) == [("fetch", 1, "failed")]


def hiding(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a plain method around another one."""

    @functools.wraps(method)
    def around(self: Any, p: Progress) -> Any:
        return method(self, p)

    return around


class Hidden(Scripted):
    """Has an async stage that a decorator makes look plain."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["fetch"]
    run = LiveOperation.run

    @hiding
    @LiveOperation.stage("fetch", "Fetching")
    async def fetch(self, p: Progress) -> None:
        """Is never awaited."""


def test_a_decorator_that_hides_a_coroutine_is_told() -> None:
    operation, _ = carry_out(Hidden)
    assert operation.get_state() == "FINISHED_ERROR"
    assert "fetch() is a stage, but returned coroutine" in operation.traceback
