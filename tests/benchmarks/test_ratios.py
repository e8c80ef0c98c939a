"""The ratios that must not be lost, with slack for a shared machine."""

import time
from typing import Any

import pytest

from liveops.conf import get_settings
from liveops.progress import Progress
from liveops.progress.pumps import threaded_pump
from tests.benchmarks.calls import measure_in
from tests.benchmarks.operations import CountingSink, counted_writes, inside

pytestmark = [pytest.mark.timing, pytest.mark.django_db(transaction=True)]

SLACK = 1.25


def test_each_call_costs_at_most_its_goal_times_the_usual_way() -> None:
    def body(p: Progress, frames: CountingSink) -> None:
        for ratio in measure_in(p):
            if ratio.goal is not None:
                assert ratio.ratio <= ratio.goal * SLACK, ratio

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


def test_log_costs_the_same_where_every_line_pushes_out_another(settings: Any) -> None:
    settings.LIVEOPS = {**settings.LIVEOPS, "LOG_LINES": 1_000}
    calls, costs = 50_000, []

    def body(p: Progress, frames: CountingSink) -> None:
        for _ in range(3):
            began = time.thread_time_ns()
            for _ in range(calls):
                p.log("a line of the log")
            costs.append((time.thread_time_ns() - began) / calls)

    inside(body, threaded_pump())
    assert min(costs) <= 2_000 * SLACK, costs
