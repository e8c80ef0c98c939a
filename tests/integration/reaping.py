"""Tools for the tests of reaping: dead runs, a hand clock, and a runner that only notes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db.models.functions import Now

from liveops import store
from liveops.models import LiveOperation, LiveProgress
from liveops.reaping import Reaper, Round
from liveops.runners.base import Runner
from tests.integration.resuming import Voyage, stored

LONG_AGO = 3_600.0


class HandClock:
    """Goes on only when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now


class Homing(Voyage):
    """Is resumed by itself up to three times."""

    resume_on_interrupt: ClassVar[int] = 3

    class Meta:
        proxy = True
        app_label = "testapp"


class Noting(Runner):
    """Notes what it is given; refuses it if the test says so."""

    given: ClassVar[list[UUID]] = []
    refusal: ClassVar[Exception | None] = None

    def enqueue(self, operation: LiveOperation) -> None:
        """Note the operation."""
        self.given.append(operation.pk)
        if (refusal := type(self).refusal) is not None:
            raise refusal


NOTING = f"{__name__}.Noting"


@contextmanager
def fresh_runner() -> Iterator[None]:
    """Begin without notes, and leave none."""
    Noting.given, Noting.refusal = [], None
    yield
    Noting.given, Noting.refusal = [], None


def started(model: type[LiveOperation] = Voyage, **states: str) -> Any:
    """Return an operation whose run is in another process; with the states of its stages."""
    operation: Any = model._default_manager.create()
    assert store.claim(operation) is not None
    operation.stage_states, operation.current_stage = states or {"Pack": "active"}, 0
    operation.save(update_fields=["stage_states", "current_stage"])
    return operation


def fall_silent(operation: LiveOperation, seconds: float = LONG_AGO) -> None:
    """Let the last sign of life of a run be so many seconds ago, by the database's clock."""
    rows = LiveProgress.objects.filter(pk=operation.pk)
    rows.update(heartbeat_on=Now() - timedelta(seconds=seconds))


def dead(model: type[LiveOperation] = Voyage, **states: str) -> Any:
    """Return an operation whose run died an hour ago."""
    operation = started(model, **states)
    fall_silent(operation)
    return operation


def look_twice(reaper: Reaper, clock: HandClock, *, wait: float | None = None) -> Round:
    """Let a reaper look, and again when it says that it is time; return the second round."""
    first = reaper.round()
    assert first.interrupted == []
    clock.now += (first.look_again_in or reaper.confirm_seconds) if wait is None else wait
    return reaper.round()


def state_of(operation: LiveOperation) -> str:
    """Return the state as it is stored."""
    state: str = stored(operation).get_state()
    return state


def ids(operations: list[LiveOperation]) -> list[UUID]:
    """Return the ids of operations."""
    return [operation.pk for operation in operations]
