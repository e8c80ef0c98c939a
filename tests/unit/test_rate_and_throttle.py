"""The two small machines of time: how fast a counter moves, and when the next frame may go out."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops.progress.rate import RateMeter
from liveops.progress.throttle import Allowance, Throttle

pauses = st.floats(0, 1e6)
readings = st.lists(st.tuples(pauses, st.integers(0, 2**63)), min_size=1, max_size=40)


def steady(meter: RateMeter, seconds_an_item: float, until: float, every: float = 0.1) -> float:
    """Read a counter that moves evenly, ten times a second; return the last rate."""
    rate: float | None = None
    for tick in range(1, round(until / every) + 1):
        now = tick * every
        rate = meter.read(math.floor(now / seconds_an_item + 1e-9), now)
    assert rate is not None
    return rate


@given(readings)
def test_a_rate_is_never_negative_nor_nan_nor_infinite(steps: list[tuple[float, int]]) -> None:
    meter, now = RateMeter(100.0), 100.0
    for pause, count in steps:
        now += pause
        rate = meter.read(count, now)
        assert rate is None or (math.isfinite(rate) and rate >= 0)


@given(st.lists(st.tuples(pauses, st.integers(0, 1000)), min_size=1, max_size=40))
def test_a_rate_lies_between_the_slowest_and_the_fastest_there_was(
    steps: list[tuple[float, int]],
) -> None:
    meter, now, count = RateMeter(0.0), 0.0, 0
    seen: list[float] = []
    read_at, read_count = 0.0, 0
    for pause, moved in steps:
        now, count = now + pause + 0.05, count + moved
        rate = meter.read(count, now)
        # Until something moves, the next item may come at any moment.
        seen.append(max(count - read_count, 1) / (now - read_at))
        if count > read_count:
            read_at, read_count = now, count
        if rate is not None:
            assert min(seen) * 0.999 <= rate <= max(seen) * 1.001


def test_there_is_no_rate_before_the_first_items() -> None:
    meter = RateMeter(0.0)
    assert meter.read(0, 0.0) is None
    assert meter.read(0, 30.0) is None


def test_the_first_rate_is_the_average_since_the_start() -> None:
    meter = RateMeter(10.0)
    meter.read(0, 11.0)
    assert meter.read(50, 15.0) == 10.0


def test_readings_in_quick_succession_change_nothing() -> None:
    meter = RateMeter(0.0)
    assert meter.read(1000, 0.01) is None
    assert meter.read(1000, 1.0) == 1000.0
    assert meter.read(9000, 1.01) == 1000.0
    assert meter.read(9000, 1.01) == 1000.0


def test_a_clock_or_a_counter_that_goes_back_does_no_harm() -> None:
    meter = RateMeter(100.0)
    assert meter.read(100, 101.0) == 100.0
    assert meter.read(200, 50.0) == 100.0
    rate = meter.read(0, 102.0)
    assert rate is not None
    assert 0 <= rate <= 100.0


def test_the_rate_follows_a_change_within_a_few_seconds() -> None:
    meter, count = RateMeter(0.0), 10_000
    steady(meter, 0.001, until=10.0)
    rates = [meter.read(count := count + 10, 10.0 + tick / 10) for tick in range(1, 101)]
    known = [rate for rate in rates if rate is not None]
    assert known == sorted(known, reverse=True), "it moves towards the new rate, without jumps"
    assert known[0] > 900
    left = (known[29] - 100) / 900  # of the old rate, after the time constant of 3 seconds
    assert 0.25 < left < 0.45
    assert known[-1] < 150


@pytest.mark.parametrize("seconds_an_item", [0.0001, 0.01, 0.5, 2.0, 10.0, 60.0, 600.0])
def test_a_steady_loop_shows_its_rate_however_long_one_item_takes(seconds_an_item: float) -> None:
    rate = steady(RateMeter(0.0), seconds_an_item, until=max(seconds_an_item * 4.0, 20.0))
    assert rate == pytest.approx(1 / seconds_an_item, rel=0.1)


@pytest.mark.parametrize("rate", [0.3, 1.9, 3.1, 9.9, 10.1, 19.9, 21.0, 99.0, 5_000.0])
def test_a_short_run_shows_its_rate_from_the_first_items_on(rate: float) -> None:
    """A first look at whole items may count one where nearly two are done."""
    meter, total = RateMeter(0.0), 100
    for tick in range(1, math.ceil(total / rate * 10)):
        now = tick * 0.1
        count = math.floor(now * rate + 1e-9)
        shown = meter.read(count, now)
        if count >= total * 0.1:
            assert shown == pytest.approx(rate, rel=0.12), (count, now)


def test_a_loop_that_stands_still_slows_down_and_recovers() -> None:
    meter = RateMeter(0.0)
    before = steady(meter, 0.01, until=10.0)
    stalled = [meter.read(1000, 10.0 + tick / 10) for tick in range(1, 36_000)]
    known = [rate for rate in stalled if rate is not None]
    assert len(known) == len(stalled)
    assert known == sorted(known, reverse=True)
    assert known[0] > 0.9 * before, "a short pause is no fall"
    assert 0 < known[-1] < before / 100
    rate = meter.read(1001, 3610.0)
    assert rate is not None
    assert 1 / 3600 < rate < 0.1, "one item in an hour weighs more than the old rate"


def test_the_first_event_is_due_at_once_and_the_next_after_the_interval() -> None:
    throttle = Throttle(0.1)
    assert throttle.due(0.0)
    throttle.mark(5.0)
    assert not throttle.due(5.0)
    assert not throttle.due(5.0999)
    assert throttle.due(5.1)


def test_hurry_makes_the_next_event_due() -> None:
    throttle = Throttle(10.0)
    throttle.mark(5.0)
    throttle.hurry()
    assert throttle.due(5.0)
    throttle.mark(5.0)
    assert not throttle.due(14.9)


def test_hurry_may_leave_a_distance_and_never_makes_it_later() -> None:
    throttle = Throttle(10.0)
    throttle.mark(5.0)
    throttle.hurry(0.5)
    assert not throttle.due(5.4)
    assert throttle.due(5.5)
    throttle.hurry(30.0)
    assert throttle.due(5.5)


def test_an_allowance_is_used_up_and_comes_back_with_time() -> None:
    allowance = Allowance(3, per_second=10.0)
    assert [allowance.take(7.0) for _ in range(5)] == [True, True, True, False, False]
    assert not allowance.allows(7.09)
    assert allowance.allows(7.11)
    assert allowance.take(7.11)
    assert not allowance.take(7.12)
    assert [allowance.take(99.0) for _ in range(5)] == [True, True, True, False, False]


def test_what_costs_more_uses_more_of_an_allowance_up() -> None:
    allowance = Allowance(6, per_second=1.0)
    assert [allowance.take(7.0, 2.5) for _ in range(3)] == [True, True, False]
    assert allowance.take(7.0)
    assert not allowance.take(8.0, 100.0)
    assert allowance.take(99.0, 100.0), "it is all that there is, so no more is asked for"
    assert not allowance.take(99.0)


@given(st.lists(st.floats(0, 0.5), max_size=200))
def test_an_allowance_is_never_exceeded(steps: list[float]) -> None:
    allowance, now, taken = Allowance(5, per_second=10.0), 1000.0, 0
    for step in steps:
        now += step
        taken += allowance.take(now)
        assert taken <= 5 + (now - 1000.0) * 10.0 + 1e-6


@given(st.sampled_from([0.01, 0.1, 1.0, 7.5]), st.lists(st.floats(0, 3.0), max_size=200))
def test_events_keep_their_distance_and_none_is_held_back_longer(
    interval: float, steps: list[float]
) -> None:
    throttle, now = Throttle(interval), 1000.0
    events: list[float] = []
    for step in steps:
        now += step
        if throttle.due(now):
            throttle.mark(now)
            events.append(now)
        else:
            assert now < events[-1] + interval
    assert all(b - a >= interval * 0.999_999 for a, b in pairwise(events))
    if steps:
        assert events[0] == 1000.0 + steps[0]
