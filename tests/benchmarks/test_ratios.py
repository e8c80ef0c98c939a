"""The ratios that must not be lost, with slack for a shared machine."""

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from liveops.conf import get_settings
from liveops.progress import Progress
from liveops.progress.pumps import threaded_pump
from tests.benchmarks import stages
from tests.benchmarks.calls import LIMIT, measure_in
from tests.benchmarks.measured import Measured
from tests.benchmarks.operations import CountingSink, counted_writes, inside

pytestmark = [pytest.mark.timing, pytest.mark.django_db(transaction=True)]

SLACK = 1.25


def _assert_goals(measure: Callable[[], list[Measured]], slack: float) -> None:
    """Assert that what is measured meets its goals: what misses one is looked at a second time.

    A neighbour of this machine may slow one side of a ratio for as long as a measurement takes.
    """
    if missed := _missed(measure(), slack):
        again = _missed(measure(), slack)
        assert not missed.keys() & again.keys(), [missed, again]


def _missed(figures: list[Measured], slack: float) -> dict[tuple[str, str], Measured]:
    return {
        (figure.name, figure.against): figure
        for figure in figures
        # How fast a machine is, varies.
        if figure.goal is not None
        and figure.against != LIMIT
        and figure.ratio > figure.goal * (1 if figure.is_count else slack)
    }


def _slow(ratio: float) -> Measured:
    return Measured("calls", "a call", ratio, "ns", "another", 1.0, 1.0)


@pytest.mark.parametrize(
    ("ratios", "is_met"), [([1.2], True), ([1.3, 1.2], True), ([1.3, 1.3], False)]
)
def test_a_goal_is_missed_if_two_looks_miss_it(ratios: list[float], *, is_met: bool) -> None:
    looks = iter(ratios)
    with nullcontext() if is_met else pytest.raises(AssertionError, match="a call"):
        _assert_goals(lambda: [_slow(next(looks))], SLACK)
    assert list(looks) == []


def test_each_call_costs_at_most_its_goal_times_the_usual_way() -> None:
    def body(p: Progress, frames: CountingSink) -> None:
        _assert_goals(lambda: measure_in(p), SLACK)

    inside(body, threaded_pump())


def test_a_million_items_send_few_frames_and_write_seldom() -> None:
    def body(p: Progress, frames: CountingSink) -> None:
        frames_before, began = frames.count, time.monotonic()
        with counted_writes() as writes:
            for _ in range(10):
                for _ in p.track(range(1_000_000), label="Counting"):
                    pass
        seconds = time.monotonic() - began
        assert frames.count - frames_before <= get_settings().THROTTLE_HZ * seconds + 2
        assert len(writes) <= 2 * seconds + 1, writes

    inside(body, threaded_pump())


def test_a_stage_costs_about_what_its_statements_cost() -> None:
    stages.carry_out(
        lambda p: _assert_goals(lambda: stages.measure_in(p, passages=100, rounds=5), 2 * SLACK)
    )


def test_log_costs_the_same_where_every_line_pushes_out_another(settings: Any) -> None:
    calls, costs = 30_000, defaultdict[int, list[float]](list)

    def body(p: Progress, frames: CountingSink) -> None:
        began = time.thread_time_ns()
        for _ in range(calls):
            p.log("a line of the log")
        costs[get_settings().LOG_LINES].append((time.thread_time_ns() - began) / calls)

    for bound in [1_000, 100_000] * 4:
        settings.LIVEOPS = {**settings.LIVEOPS, "LOG_LINES": bound}
        inside(body, threaded_pump())
    pushing, keeping = (min(costs[bound]) for bound in (1_000, 100_000))
    assert pushing <= keeping * 2 * SLACK, costs
