"""What a passage through a stage writes, and what many running operations ask of the pump."""

from collections.abc import Callable
from typing import Any

import pytest

from liveops.progress import Progress
from liveops.progress.pumps import threaded_pump
from liveops.progress.update import Region, Update
from liveops.progress.view import View
from tests.benchmarks import logs, many, stages
from tests.integration.running import wait_for
from tests.testapp.models import Scripted
from tests.unit.helpers import Clock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("way", [stages.by_blocks, stages.by_methods], ids=["block", "method"])
def test_a_passage_writes_two_updates_and_one_record(way: Callable[[Progress, int], None]) -> None:
    written: list[tuple[int, int]] = []

    def body(p: Progress) -> None:
        written.extend(stages.writes_of(p, lambda count: way(p, count)) for _ in range(3))

    stages.carry_out(body)
    assert written == [(2, 1)] * 3


def test_one_pump_serves_a_crowd_and_each_operation_is_shown() -> None:
    crowd = many.run_crowd(8, 0.5)
    assert crowd.pumps == 1
    assert len(crowd.late) >= 8
    assert wait_for(lambda: not threaded_pump()._runs)


def test_of_a_flood_all_lines_are_stored_up_to_the_bound(settings: Any) -> None:
    settings.LIVEOPS = {**settings.LIVEOPS, "LOG_LINES": 2_000}
    flood = logs.flood(20_000)
    assert flood.accepting > 0
    assert (flood.kept, flood.told) == (2_000, 20_000)


def test_lateness_counts_from_the_moment_a_frame_was_due() -> None:
    clock, operation = Clock(), Scripted()
    sink = many.LatenessSink(0.1, clock)
    sink.is_noting = True

    def show(said_at: float) -> None:
        view = View(status_text=repr(said_at))
        sink.emit(Update(operation, 1, view, frozenset({Region.STATUS})))

    show(sink.note_call(operation.pk))  # at once
    said_at = sink.note_call(operation.pk)
    clock.now += 0.1
    show(said_at)  # a tick after the last one
    show(said_at)  # nothing new
    said_at = sink.note_call(operation.pk)
    clock.now += 0.15
    show(said_at)  # half a tick too late
    assert sink.late == pytest.approx([0.0, 0.0, 0.5])


def test_a_share_of_frames_is_looked_up_from_below() -> None:
    crowd = many.Crowd(1.0, 10.0, 1, [float(number) for number in range(100, 0, -1)])
    assert [crowd.late_at(share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
