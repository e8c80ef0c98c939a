"""What a run shows, in memory: written without a lock, taken by a pump, never lost."""

import itertools
import math
import threading
import time
from datetime import UTC, datetime
from itertools import compress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops.progress.state import Counter, ProgressState
from liveops.progress.text import LOG_LINE_LIMIT, STATUS_LIMIT
from liveops.progress.view import View
from liveops.stages.names import MAX_NAME_LENGTH
from tests.unit.helpers import hostile_text

counts = st.integers(0, 2**63)
totals = st.one_of(st.none(), counts)
rates = st.one_of(st.none(), st.floats(0, allow_infinity=False))


class Wakes:
    """Counts the calls of ``wake``, and announces like the threaded pump if asked to."""

    def __init__(self, *, announce: bool = False, bound: int = 1000) -> None:
        self.count = 0
        self._announce = announce
        self.state = ProgressState(self.wake, line_bound=bound)

    def wake(self) -> None:
        self.count += 1
        if self._announce:
            self.state.announced = True


def fresh(bound: int = 1000) -> ProgressState:
    return Wakes(bound=bound).state


@given(counts, totals)
def test_the_percentage_of_a_counter_stays_within_its_bounds(n: int, total: int | None) -> None:
    counter = Counter(total, "", "item", 0.0)
    counter.n = n
    percent = counter.percent()
    if total is None:
        assert percent is None
    else:
        assert percent is not None
        assert 0.0 <= percent <= 100.0
        assert (percent == 100.0) == (n >= total) or abs(total - n) / total < 1e-12


@pytest.mark.parametrize(
    ("taken", "is_done", "finished"), [(3, True, 3), (3, False, 2), (0, True, 0), (0, False, 0)]
)
def test_ticks_tell_how_many_items_are_finished(taken: int, is_done: bool, finished: int) -> None:
    counter = Counter(None, "", "item", 0.0)
    items = compress(itertools.count(), counter.ticks())
    seen = [counter.n for _ in range(taken) if next(items) is not None]
    assert seen == list(range(taken)), "the one that was taken last is not finished"
    counter.end(is_done=is_done)
    assert (counter.n, counter.active) == (finished, False)


@given(counts, totals, rates, st.sampled_from(["STARTED", "FINISHED_OK", "CANCELLED"]))
def test_the_time_left_is_never_negative_nor_nan(
    done: int, total: int | None, rate: float | None, state: str
) -> None:
    eta = View(state=state, done=done, total=total, rate=rate).eta
    if total is None or not rate or state != "STARTED":
        assert eta is None
    elif eta is not None:
        assert math.isfinite(eta)
        assert eta >= 0
        assert (eta == 0) == (done >= total) or eta < 1e-9


def test_the_time_left_is_what_is_left_at_the_present_rate() -> None:
    assert View(state="STARTED", done=100, total=400, rate=50.0).eta == 6.0
    assert View(state="STARTED", done=500, total=400, rate=50.0).eta == 0.0
    assert View(state="STARTED", done=None, total=400, rate=50.0).eta is None
    assert View(state="STARTED", done=100, total=400, rate=None).eta is None


def test_a_counter_shows_its_numbers_and_a_plain_percentage_takes_its_place() -> None:
    state = fresh()
    counter = Counter(8, "Reading", "row", 0.0)
    state.start_counter(counter)
    counter.n = 2
    moved, values = state.take_progress(1.0)
    assert moved
    assert values == {
        "percent": 25.0,
        "done": 2,
        "total": 8,
        "unit": "row",
        "label": "Reading",
        "rate": 2.0,
    }
    state.set_percent(60.0)
    moved, values = state.take_progress(2.0)
    assert moved
    assert (values["percent"], values["done"], values["total"]) == (60.0, None, None)
    assert (values["label"], values["rate"]) == ("", None)


def test_a_counter_takes_the_place_of_a_plain_percentage() -> None:
    state = fresh()
    state.set_percent(60.0)
    state.start_counter(Counter(None, "", "item", 0.0))
    assert state.take_progress(1.0)[1]["percent"] is None


def test_resetting_the_bar_ends_the_counter_at_zero() -> None:
    state = fresh()
    state.start_counter(Counter(8, "Reading", "row", 0.0))
    state.reset_bar()
    moved, values = state.take_progress(1.0)
    assert moved
    assert (values["percent"], values["done"], values["label"]) == (0.0, None, "")


def test_progress_is_reported_as_moved_only_when_it_moved() -> None:
    state = fresh()
    assert not state.take_progress(0.0)[0], "an untouched bar is no news"
    counter = Counter(10, "", "item", 0.0)
    state.start_counter(counter)
    assert state.take_progress(0.1)[0]
    assert not state.take_progress(0.2)[0]
    counter.n = 1
    assert state.take_progress(0.3)[0]
    assert not state.take_progress(60.0)[0]
    state.set_percent(50.0)
    assert state.take_progress(61.0)[0]
    state.set_percent(50.0)
    assert not state.take_progress(62.0)[0]


@given(hostile_text)
def test_a_status_is_one_clean_line_of_limited_length(text: str) -> None:
    state = fresh()
    state.set_status(text, "warning")
    shown, level = state.take_status()
    shown.encode("utf-8")
    assert level == "warning"
    assert len(shown) == len(text)
    assert not set(shown) & set(map(chr, [*range(9), *range(10, 32), *range(127, 160)]))


def test_a_long_status_is_cut_and_says_so() -> None:
    state = fresh()
    state.set_status("x" * 1_000_000, "info")
    shown, _ = state.take_status()
    assert shown == "x" * STATUS_LIMIT + "… [1,000,000 characters, cut at 1,000]"


def test_the_last_status_wins() -> None:
    state = fresh()
    state.set_status("first", "info")
    state.set_status("second\nline", "error")
    assert state.changed
    assert state.take_status() == ("second line", "error")


@given(st.lists(hostile_text, max_size=20), st.integers(1, 10**12))
def test_log_lines_are_numbered_without_a_gap_and_clean(texts: list[str], first: int) -> None:
    state = fresh()
    for text in texts:
        state.add_line(text, "info")
    lines = state.take_lines(first)
    assert [line.seq for line in lines] == list(range(first, first + len(lines)))
    assert len(lines) >= len(texts)
    for line in lines:
        line.text.encode("utf-8")
        assert "\n" not in line.text
        assert "\x1b" not in line.text
        assert len(line.text) <= LOG_LINE_LIMIT + 60
    assert not state.changed
    assert state.take_lines(first) == []


def test_a_line_keeps_its_level_stage_and_moment() -> None:
    state = fresh()
    before = time.time()
    state.add_line("outside", "info")
    state.stage = "Load"
    state.add_line("one\ntwo", "error")
    state.stage = "Save"
    after = time.time()
    outside, one, two = state.take_lines(7)
    assert (outside.seq, outside.level, outside.stage, outside.text) == (7, "info", "", "outside")
    assert (one.seq, one.level, one.stage, one.text) == (8, "error", "Load", "one")
    assert (two.seq, two.level, two.stage, two.text) == (9, "error", "Load", "two")
    assert datetime.fromtimestamp(before, UTC) <= outside.time <= one.time
    assert one.time == two.time <= datetime.fromtimestamp(after, UTC)


def test_a_line_of_a_megabyte_is_cut_and_says_so() -> None:
    state = fresh()
    state.add_line("x" * 1_048_576, "info")
    (line,) = state.take_lines(1)
    assert line.text == "x" * LOG_LINE_LIMIT + "… [1,048,576 characters, cut at 8,192]"


@given(hostile_text)
def test_a_line_of_any_untracked_stage_can_be_stored(name: str) -> None:
    state = fresh()
    state.stage = name * 10
    state.add_line("inside", "info")
    (line,) = state.take_lines(1)
    line.stage.encode("utf-8")
    assert "\x00" not in line.stage
    assert len(line.stage) == min(len(name) * 10, MAX_NAME_LENGTH)


def test_the_oldest_lines_give_way_when_too_many_wait() -> None:
    state = fresh(bound=3)
    for number in range(10):
        state.add_line(str(number), "info")
    assert [(line.seq, line.text) for line in state.take_lines(1)] == [
        (8, "7"),
        (9, "8"),
        (10, "9"),
    ]


@pytest.mark.parametrize("announce", [True, False])
def test_each_kind_of_change_wakes_the_pump(announce: bool) -> None:
    for change in (
        lambda state: state.set_status("a", "info"),
        lambda state: state.set_percent(1.0),
        lambda state: state.add_line("a", "info"),
        lambda state: state.start_counter(Counter(1, "", "item", 0.0)),
    ):
        wakes = Wakes(announce=announce)
        before = wakes.state.changed
        change(wakes.state)
        assert (before, wakes.state.changed) == (False, True)
        assert wakes.count == 1


def test_a_pump_that_knows_is_not_woken_again_until_it_took_the_changes() -> None:
    wakes = Wakes(announce=True)
    for number in range(100):
        wakes.state.set_percent(number)
        wakes.state.add_line("x", "info")
    assert wakes.count == 1
    wakes.state.announced = False
    wakes.state.set_percent(100.0)
    assert wakes.count == 2


def test_the_value_is_there_when_the_pump_is_woken() -> None:
    seen: list[tuple[object, ...]] = []
    state = ProgressState(
        lambda: seen.append((state.status[0], state.explicit_percent, len(state.pending))),
        line_bound=10,
    )
    state.set_status("now", "info")
    state.set_percent(5.0)
    state.add_line("x", "info")
    assert seen == [("now", None, 0), ("now", 5.0, 0), ("now", 5.0, 1)]


def test_nothing_is_lost_between_a_writing_thread_and_a_taking_one() -> None:
    total = 5_000
    state = ProgressState(lambda: None, line_bound=total)

    def write() -> None:
        for number in range(total):
            state.add_line(str(number), "info")
            state.set_status(str(number), "info")
            state.set_percent(number * 100.0 / (total - 1))

    writer = threading.Thread(target=write)
    writer.start()
    texts: list[str] = []
    status, percent, over = "", 0.0, False
    while not over:
        over = not writer.is_alive()  # asked first: then one more round takes what is left
        texts += [line.text for line in state.take_lines(len(texts) + 1)]
        if state.status_changed:
            state.status_changed = False
            assert int(status or 0) <= int(state.take_status()[0])
            status = state.take_status()[0]
        _, values = state.take_progress(0.0)
        assert (values["percent"] or 0.0) >= percent
        percent = values["percent"] or 0.0
    assert texts == [str(number) for number in range(total)]
    assert (status, percent) == (str(total - 1), 100.0)
    assert not state.changed
