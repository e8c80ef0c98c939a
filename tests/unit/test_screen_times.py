"""When the screen looks at the clock of the page, and when it shows that time has passed."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from liveops.progress.screen import Screen
from liveops.progress.state import Counter, ProgressState
from liveops.progress.update import Region, StageChange, Update
from liveops.progress.view import View
from liveops.sinks.text import TextSink
from tests.testapp.models import Scripted, Typed
from tests.unit.helpers import Clock, update

MARCH = datetime(2026, 3, 5, 7, 8, 9, tzinfo=UTC)
T0 = MARCH.timestamp()
NEVER = float("inf")


class Watch:
    """A screen, its state and two clocks that move together: the run's and that of the page."""

    def __init__(self, operation: Any = None, **view: Any) -> None:
        operation = operation or Scripted()
        operation.started_on = MARCH
        self.clock = Clock(50.0)
        wall = lambda: T0 - 50.0 + self.clock.now  # noqa: E731
        self.screen = Screen(operation, 0, 0, wall)
        self.state = ProgressState(lambda: None, line_bound=100)
        self.screen.begin(View(state="STARTED", **view), self.clock.now)

    def after(self, seconds: float) -> frozenset[Region]:
        """Return the regions that are shown anew so many seconds later."""
        self.clock.advance(seconds)
        update, _ = self.screen.collect(self.state, self.clock.now)
        return frozenset() if update is None else update.regions

    def enter(self, name: str = "Load") -> None:
        """Enter a stage, now."""
        self.state.reset_bar()
        self.screen.change(
            Region.STAGES,
            current_stage=Scripted.stages.index(name),
            stage_states={name: "active"},
            stage_times={name: (self.screen.now(), None)},
        )


def test_the_moment_of_the_view_is_when_its_numbers_were_read() -> None:
    watch = Watch()
    assert watch.screen.view.taken_at == T0
    watch.state.set_percent(10.0)
    watch.after(5.0)
    assert watch.screen.view.taken_at == T0 + 5
    watch.state.set_status("at work", "info")
    assert watch.after(5.0) == {Region.STATUS}
    assert watch.screen.view.taken_at == T0 + 5, "the percentage is that of before"
    watch.enter()
    assert watch.after(5.0) == {Region.STAGES, Region.PROGRESS}
    assert watch.screen.view.taken_at == T0 + 15


def test_moments_are_told_to_the_millisecond() -> None:
    assert Screen(Scripted(), 0, 0, lambda: 1.23456).now() == 1.235


def test_while_nothing_is_known_of_earlier_runs_time_alone_shows_nothing() -> None:
    watch = Watch()
    watch.enter()
    watch.after(0.0)
    assert watch.screen.due_at(0.1, counting=False) == NEVER
    assert watch.after(60.0) == frozenset()


def test_a_stage_that_reports_nothing_moves_with_the_time() -> None:
    watch = Watch(expected={"Load": 100.0, "Validate": 300.0})
    watch.enter()
    watch.after(0.0)
    assert watch.screen.due_at(0.1, counting=False) == watch.clock.now + 3.0
    assert watch.after(2.9) == frozenset()
    assert watch.after(0.1) == {Region.PROGRESS}
    assert watch.screen.view.taken_at == T0 + 3
    assert watch.screen.view.reached == pytest.approx(100 * 3 / 600)
    assert watch.after(200.0) == {Region.PROGRESS}
    assert watch.screen.due_at(0.1, counting=False) == NEVER, "it cannot come any further"


def test_a_whole_without_stages_moves_with_the_time_from_the_start() -> None:
    watch = Watch(Typed(), expected={"": 100.0})
    assert watch.screen.due_at(0.1, counting=False) == watch.clock.now + 1.0
    assert watch.after(1.0) == {Region.PROGRESS}


def test_once_something_is_reported_that_counts() -> None:
    watch = Watch(expected={"Load": 100.0, "Validate": 300.0})
    watch.enter()
    watch.state.set_percent(20.0)
    assert Region.PROGRESS in watch.after(1.0)
    assert watch.screen.due_at(0.1, counting=False) == NEVER
    assert watch.after(10.0) == frozenset()


def test_frames_keep_their_distance() -> None:
    watch = Watch(expected={"Load": 10.0})
    watch.enter()
    watch.after(0.0)
    watch.state.add_line("hello", "info")
    watch.after(0.95)
    assert watch.screen.due_at(0.1, counting=False) == watch.clock.now + 0.1
    assert watch.screen.due_at(0.1, counting=True) == watch.clock.now + 0.1


def test_a_counter_is_looked_at_with_each_frame() -> None:
    watch = Watch()
    watch.state.start_counter(Counter(4, "Reading", "row", watch.clock.now))
    watch.after(0.0)
    assert watch.screen.due_at(0.1, counting=True) == watch.clock.now + 0.1
    assert watch.after(0.1) == frozenset(), "it has not moved"


def test_what_was_reached_is_kept_from_the_start_of_a_resumed_run() -> None:
    watch = Watch(stage_states={"Load": "done", "Validate": "done"})
    assert watch.screen.view.reached == pytest.approx(200 / 3)


def test_in_a_pipe_passing_time_alone_is_no_news() -> None:
    clock, stream = Clock(), io.StringIO()
    sink = TextSink(stream, clock)

    def shown(one: Update) -> str:
        stream.seek(0)
        stream.truncate()
        sink.emit(one)
        return stream.getvalue()

    def progress(taken_at: float) -> Update:
        view = View(state="STARTED", percent=40.0, taken_at=taken_at, reached=taken_at)
        return update(view=view, regions=frozenset({Region.PROGRESS}))

    assert shown(progress(1.0)) == "  40 %\n"
    clock.advance(60.0)
    assert shown(progress(61.0)) == ""
    sink.emit(update(stage=StageChange("Save", 2, "active")))
    assert shown(progress(62.0)) == "  40 %\n", "of another stage"
