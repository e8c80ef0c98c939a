"""The ratios that must not be lost, with slack for a shared machine."""

import time
from collections import defaultdict
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


def _assert_goals(figures: list[Measured], slack: float) -> None:
    for figure in figures:
        if figure.goal is not None and figure.against != LIMIT:  # how fast a machine is, varies
            assert figure.ratio <= figure.goal * (1 if figure.is_count else slack), figure


def test_each_call_costs_at_most_its_goal_times_the_usual_way() -> None:
    def body(p: Progress, frames: CountingSink) -> None:
        _assert_goals(measure_in(p), SLACK)

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
        lambda p: _assert_goals(stages.measure_in(p, passages=100, rounds=5), 2 * SLACK)
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
