"""Handing operations over: the time it takes of a reaper, and what a runner's trouble costs."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from liveops import hub
from liveops.models import LiveOperation
from liveops.reaping import Reaper, reap_once
from liveops.reaping_thread import Watchman
from liveops.states import State
from tests.integration.edge import asynchronous
from tests.integration.reaping import (
    NOTING,
    HandClock,
    Homing,
    Noting,
    dead,
    fresh_runner,
    ids,
    look_twice,
    state_of,
)
from tests.integration.resuming import Voyage, break_off, stored

pytestmark = pytest.mark.django_db(transaction=True)

MakeSlow = Callable[[float], None]


@pytest.fixture(autouse=True)
def runner(settings: Any) -> Iterator[None]:
    settings.LIVEOPS = {"RUNNER": NOTING}
    with fresh_runner():
        yield


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def slow(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> MakeSlow:
    """Let the runner take so many seconds for each operation from now on."""
    real = Noting.enqueue

    def make(seconds: float) -> None:
        def enqueue(self: Noting, operation: LiveOperation) -> None:
            clock.now += seconds
            real(self, operation)

        monkeypatch.setattr(Noting, "enqueue", enqueue)

    return make


def late(count: int) -> list[LiveOperation]:
    """Return operations that wait too long for the runner, the one that waits longest first."""
    operations: list[LiveOperation] = [Voyage.objects.create() for _ in range(count)]
    for number, operation in enumerate(operations):
        operation.enqueue()
        earlier = F("enqueued_on") - timedelta(seconds=100 - number)
        LiveOperation.objects.filter(pk=operation.pk).update(enqueued_on=earlier)
    Noting.given.clear()
    return operations


def seconds_to_end(operation: LiveOperation, clock: HandClock) -> float:
    """Look again and again, as a reaping process does, until a dead run has ended."""
    loop, began = Watchman(Reaper(clock)), clock.now
    for _ in range(20):
        pause = loop.step()
        if state_of(operation) != "STARTED":
            return clock.now - began
        clock.now += pause
    pytest.fail("it is not reaped")


@pytest.mark.parametrize(("each", "most"), [(5.0, 12.0), (60.0, 73.0)])
def test_a_runner_that_hangs_keeps_no_dead_run_from_its_end(
    each: float, most: float, clock: HandClock, slow: MakeSlow
) -> None:
    late(8)
    slow(each)
    Noting.refusal = TimeoutError("no answer")
    assert seconds_to_end(dead(), clock) <= most


def test_dead_runs_end_in_time_while_operation_after_operation_hangs(
    clock: HandClock, slow: MakeSlow
) -> None:
    late(20)
    slow(60.0)
    loop, began = Watchman(Reaper(clock)), clock.now

    def step() -> None:
        pause = loop.step()
        clock.now += pause

    for _ in range(3):
        operation, since = dead(), clock.now
        while state_of(operation) == "STARTED":
            step()
            assert clock.now - since < 100, Noting.given
    while len(Noting.given) < 20:
        step()
        assert clock.now - began < 20 * 200, "and all are handed over, one by one"


def test_handing_over_has_a_few_seconds_a_round(clock: HandClock, slow: MakeSlow) -> None:
    slow(1.0)
    operations = late(7)
    reaper = Reaper(clock)
    assert ids(reaper.round().handed_over) == ids(operations[:3])
    assert [stored(one).hand_overs for one in operations] == [1] * 3 + [0] * 4
    assert not reaper.round(), "looks have most of the time"
    clock.now += 6
    assert ids(reaper.round().handed_over) == ids(operations[3:6])
    clock.now += 6
    assert ids(reaper.round().handed_over) == ids(operations[6:])
    assert Noting.given == ids(operations)


def test_the_first_refusal_ends_it_for_this_round(
    clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    operations = late(3)
    reaper = Reaper(clock)
    Noting.refusal = ConnectionError("the broker is away")
    for number in (1, 2):
        assert ids(reaper.round().handed_over) == [operations[number - 1].pk]
        assert [stored(one).hand_overs for one in operations] == [1] * number + [0] * (3 - number)
        assert caplog.text.count("did not take operation") == number
    Noting.refusal = None
    assert ids(reaper.round().handed_over) == [operations[2].pk]


def test_the_first_refusal_leaves_the_others_interrupted_and_with_all_their_times() -> None:
    first, second = (break_off(State.INTERRUPTED, model=Homing) for _ in range(2))
    (waiting,) = late(1)
    Noting.refusal = ConnectionError("the broker is away")
    found = Reaper().round()
    assert (ids(found.resumed), found.handed_over) == ([first.pk], [])
    assert (state_of(first), state_of(second)) == ("NOT_STARTED", "INTERRUPTED")
    assert (stored(second).resumes_left, stored(waiting).hand_overs) == (3, 0)
    Noting.refusal = None
    found = Reaper().round()
    assert (ids(found.resumed), ids(found.handed_over)) == ([second.pk], [waiting.pk])


@pytest.fixture(params=["not built", "not found"])
def broken(
    request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Break the runner in the way of the parameter."""

    def build(self: Noting) -> None:
        raise ConnectionError("the queue is away")

    def make() -> None:
        if request.param == "not built":
            monkeypatch.setattr(Noting, "__init__", build)
        else:
            settings.LIVEOPS = {"RUNNER": "gone.away.Runner"}

    return make


def test_a_runner_that_cannot_be_had_leaves_the_looks_alone(
    broken: Callable[[], None], clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    late(4)
    homing, operation = break_off(State.INTERRUPTED, model=Homing), dead()
    broken()
    assert ids(look_twice(Reaper(clock), clock).interrupted) == [operation.pk]
    assert caplog.text.count("did not take operation") == 2
    assert state_of(homing) == "NOT_STARTED"


def test_it_is_no_trouble_for_those_who_show_pages(broken: Callable[[], None]) -> None:
    late(2)
    broken()

    @asynchronous
    async def look() -> None:
        ours = hub.Hub()
        await ours._reap()
        assert not ours._watchman._failing

    look()


def test_reaping_once_hands_over_after_its_looks(clock: HandClock, slow: MakeSlow) -> None:
    slow(60.0)
    operation, operations = dead(), late(3)

    def wait(seconds: float) -> None:
        assert Noting.given == []
        clock.now += seconds

    found = reap_once(Reaper(clock), wait)
    assert ids(found.interrupted) == [operation.pk]
    assert ids(found.handed_over) == [operations[0].pk]


@pytest.mark.parametrize("model", [Voyage, Homing])
def test_a_class_that_raises_keeps_nobody_from_the_others(
    model: type[Voyage], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if model is Homing:
        bad, good = (break_off(State.INTERRUPTED, model=Homing) for _ in range(2))
    else:
        bad, good = late(2)
    real = LiveOperation.specific_class

    def specific_class(self: LiveOperation) -> type[LiveOperation]:
        if self.pk == bad.pk:
            raise ZeroDivisionError("a mistake in the project")
        return real(self)

    monkeypatch.setattr(LiveOperation, "specific_class", specific_class)
    found = Reaper().round()
    assert ids(found.resumed + found.handed_over) == [good.pk]
    assert Noting.given == [good.pk]
    assert "a mistake in the project" in caplog.text
    assert not Reaper().round()
