"""A cancel of an operation made of stages: in the body, between attempts, and before."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.db import connections

from liveops import control, registry, store
from liveops.exceptions import OperationInterrupted
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.pumps import Pump, threaded_pump
from liveops.runners.executor import execute
from liveops.scripts import RetryStage
from tests.integration.edge import DEADLINE
from tests.integration.helpers import run_scripted
from tests.integration.test_stage_methods import PUMPS, recorded
from tests.testapp.models import AsyncScripted, Scripted

pytestmark = pytest.mark.django_db(transaction=True)

AGES = 60.0
"""Seconds between two attempts that no test waits for."""


class Telling:
    """A sink that tells when so many stages have come into some state."""

    def __init__(self, state: str, stages: int) -> None:
        self.state = state
        self.stages = stages
        self.reached = threading.Event()

    def emit(self, update: Any) -> None:
        """Look at the state of the stage."""
        if update.stage is not None and update.stage.state == self.state:
            self.stages -= 1
        if not self.stages:
            self.reached.set()

    def close(self) -> None:
        """Do nothing."""


def cancel_while(
    state: str,
    model: type[LiveOperation],
    pump: Pump,
    cancel: Callable[..., Any] = control.cancel,
    *,
    stages: int = 1,
) -> Any:
    """Cancel an operation once so many stages were in a state; return it when it has ended."""
    operation = model._default_manager.create()
    sink = Telling(state, stages)

    def work() -> None:
        try:
            fresh = model._default_manager.get(pk=operation.pk)
            execute(fresh, pump=pump, sinks=[sink], web=False)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert sink.reached.wait(DEADLINE)
    cancel(LiveOperation.objects.get(pk=operation.pk))
    thread.join(DEADLINE)
    assert not thread.is_alive(), "it did not stop in time"
    assert registry.find(operation.pk) is None
    return model._default_manager.get(pk=operation.pk)


CANCELS = [
    pytest.param(control.cancel, id="same-process"),
    pytest.param(store.request_cancel, id="other-process"),
]


class Patient(Scripted):
    """Waits a minute for its second attempt."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["migrate", "verify"]
    run = LiveOperation.run

    @LiveOperation.stage("migrate", "Migrating", retry_attempts=1, retry_delay=AGES)
    def migrate(self, p: Progress) -> None:
        """Ask for another attempt."""
        raise RetryStage("database is locked")

    @LiveOperation.stage("verify", "Verifying")
    def verify(self, p: Progress) -> None:
        """Never begin."""
        pytest.fail("never reached")

    def _run_post_stage_actions(self) -> None:
        pytest.fail("never reached")


class AsyncPatient(AsyncScripted):
    """Does the same as a coroutine."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["migrate"]
    run = LiveOperation.run

    @LiveOperation.stage("migrate", "Migrating", retry_attempts=1, retry_delay=AGES)
    async def migrate(self, p: Progress) -> None:
        """Ask for another attempt."""
        raise RetryStage("database is locked")


class Looping(Scripted):
    """Does the same in a loop of attempts."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["migrate"]

    def run(self, p: Progress) -> None:
        """Ask for another attempt."""
        for attempt in p.attempts("migrate", retry_attempts=1, retry_delay=AGES):
            with attempt:
                raise RetryStage("database is locked")


class AsyncLooping(AsyncScripted):
    """Does the same in an async loop of attempts."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["migrate"]

    async def run(self, p: Progress) -> None:
        """Ask for another attempt."""
        async for attempt in p.attempts("migrate", retry_attempts=1, retry_delay=AGES):
            with attempt:
                raise RetryStage("database is locked")


@pytest.mark.parametrize("cancel", CANCELS)
@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize("model", [Patient, AsyncPatient, Looping, AsyncLooping])
def test_a_cancel_interrupts_the_wait_between_two_attempts(
    model: type[LiveOperation], pump: Callable[[], Pump], cancel: Callable[..., Any]
) -> None:
    operation = cancel_while("retrying", model, pump(), cancel)
    assert operation.get_state() == "CANCELLED"
    assert operation.stage_states == {"migrate": "cancelled"}


@pytest.mark.parametrize("model", [Patient, AsyncPatient, Looping, AsyncLooping])
def test_the_attempt_before_a_cancelled_wait_is_recorded_once(model: type[LiveOperation]) -> None:
    operation = cancel_while("retrying", model, threaded_pump())
    assert recorded(operation) == [("migrate", 1, "failed")]


class Together(AsyncPatient):
    """Has two stages wait at the same time."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["migrate", "index"]

    @LiveOperation.stage("index", "Indexing", retry_attempts=1, retry_delay=AGES)
    async def index(self, p: Progress) -> None:
        """Ask for another attempt as well."""
        raise RetryStage("index is locked")

    async def run(self, p: Progress) -> None:
        """Run both."""
        await asyncio.gather(self.migrate(p), self.index(p))


@pytest.mark.parametrize("pump", PUMPS)
def test_a_cancel_interrupts_all_that_wait(pump: Callable[[], Pump]) -> None:
    operation = cancel_while("retrying", Together, pump(), stages=2)
    assert operation.get_state() == "CANCELLED"
    assert operation.stage_states["migrate"] == "cancelled"


class Working(Scripted):
    """Works in its first stage until it is cancelled, and ends it in order."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["work", "verify"]
    run = LiveOperation.run

    @LiveOperation.stage("work", "Working", retry_attempts=5)
    def work(self, p: Progress) -> None:
        """Take small steps."""
        pause = threading.Event()
        for _ in p.track(iter(int, 1)):
            pause.wait(0.01)
            p.check_cancelled()

    @LiveOperation.stage("verify", "Verifying")
    def verify(self, p: Progress) -> None:
        """Never begin."""
        pytest.fail("never reached")

    def _end_stage(self) -> None:
        self.progress.log("ended")

    def _run_post_stage_actions(self) -> None:
        pytest.fail("never reached")


class AsyncWorking(AsyncScripted):
    """Does the same as a coroutine."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["work"]
    run = LiveOperation.run

    @LiveOperation.stage("work", "Working", retry_attempts=5)
    async def work(self, p: Progress) -> None:
        """Take small steps."""
        while True:
            await asyncio.sleep(0.01)
            p.check_cancelled()

    async def _end_stage(self) -> None:  # type: ignore[override]
        self.progress.log("ended")


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize("model", [Working, AsyncWorking])
def test_a_cancel_in_the_body_ends_the_stage_and_is_not_retried(
    model: type[LiveOperation], pump: Callable[[], Pump]
) -> None:
    operation = cancel_while("active", model, pump())
    assert operation.get_state() == "CANCELLED"
    assert operation.stage_states == {"work": "cancelled"}
    assert recorded(operation) == [("work", 1, "cancelled")]
    assert [line.text for line in operation.log_lines.all()] == ["ended"]


def test_a_coroutine_that_is_cancelled_and_then_torn_away_is_cancelled_with_its_stage() -> None:
    async def body(op: AsyncScripted, p: Progress) -> None:
        with p.stage("Load"):
            p._run.note_cancel()
            p._run.request_stop(OperationInterrupted("The process was told to stop."))
            await asyncio.sleep(AGES)

    operation, _ = run_scripted(body, model=AsyncScripted)
    assert operation.get_state() == "CANCELLED"
    assert operation.stage_states == {"Load": "cancelled"}
    assert [attempt.outcome for attempt in operation.stage_runs.all()] == ["cancelled"]
