"""The numbers of log lines: places in the log, whoever writes and whatever gives way."""

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops.progress import state as state_module
from liveops.progress.screen import Screen
from liveops.progress.state import ProgressState
from liveops.progress.text import split_lines
from liveops.progress.view import Line
from tests.testapp.models import Scripted

BOUND = 5

texts = st.sampled_from(["short", "", "two\nlines", "a\nb\r\nc\n", "\n\n\n\n", "x" * 300])
actions = st.one_of(texts, st.lists(texts, max_size=8), st.none())


def fresh(bound: int = BOUND) -> ProgressState:
    return ProgressState(lambda: None, line_bound=bound)


@contextmanager
def hasty_threads() -> Iterator[None]:
    """Have threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def taken_while(state: ProgressState, writers: list[Callable[[], None]]) -> list[Line]:
    """Return what is taken while the writers write, each in a thread of its own, and after that."""
    threads = [threading.Thread(target=writer) for writer in writers]
    lines: list[Line] = []
    with hasty_threads():
        for thread in threads:
            thread.start()
        over = False
        while not over:
            over = not any(thread.is_alive() for thread in threads)  # asked first: one more round
            lines += state.take_lines(lines[-1].seq + 1 if lines else 1)
        for thread in threads:
            thread.join()
    return lines


@given(st.lists(actions, max_size=40))
def test_a_number_is_the_place_among_all_that_was_written(sequence: list[object]) -> None:
    state, written, more, last = fresh(), 0, 0, 0
    waiting: deque[tuple[int, str]] = deque(maxlen=BOUND)
    for action in [*sequence, None]:
        if action is not None:
            added = [action] if isinstance(action, str) else action
            assert isinstance(added, list)
            if isinstance(action, str):
                state.add_line(action, "info")
            else:
                state.add_lines(added, "info")
            for text in added:
                written += 1
                waiting.append((written, text))
            continue
        expected = []
        for place, text in waiting:
            parts = split_lines(text)
            expected += [(place + more + at, part) for at, part in enumerate(parts)]
            more += len(parts) - 1  # lines that nobody could know of before
        waiting.clear()
        lines = state.take_lines(last + 1)
        assert [(line.seq, line.text) for line in lines] == expected
        last = lines[-1].seq if lines else last
    assert last == (written + more if written else 0)


def test_lines_keep_their_numbers_while_others_give_way_in_the_same_take() -> None:
    total, state = 20_000, fresh(50)

    def write() -> None:
        for number in range(1, total + 1):
            state.add_line(str(number), "info")

    lines = taken_while(state, [write])
    assert [str(line.seq) for line in lines] == [line.text for line in lines]
    assert lines[-1].seq == total
    assert len(lines) < total, "some gave way"


def test_threads_that_write_at_the_same_time_share_one_count() -> None:
    each, state = 4_000, fresh(50)

    def write(name: int) -> None:
        for number in range(0, each, 2):
            state.add_line(f"{name} {number}", "info")
            state.add_lines([f"{name} {number + 1}"], "info")

    lines = taken_while(state, [lambda name=name: write(name) for name in range(4)])  # type: ignore[misc]
    numbers = [line.seq for line in lines]
    assert all(one < other for one, other in pairwise(numbers))
    assert numbers[-1] == 4 * each, "lines that gave way count"
    for name in range(4):
        own = [int(line.text.split()[1]) for line in lines if line.text.startswith(f"{name} ")]
        assert own == sorted(own)


def test_room_for_long_texts_is_the_same_after_a_race_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state_module, "CHARACTERS", 10_000)
    state = fresh(30)

    def write() -> None:
        for _ in range(3_000):
            state.add_line("x" * 1_000, "info")

    lines = taken_while(state, [write] * 3)
    assert lines[-1].seq == 9_000
    for number in range(20):
        state.add_line(f"{number:1000}", "info")
    assert [line.text.strip() for line in state.take_lines(1)] == [str(n) for n in range(10, 20)]


def test_a_gap_within_an_update_is_told_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    state = fresh()
    screen = Screen(Scripted(), 0, 100)
    for number in range(1, 9):
        state.add_line(f"{number}", "info")

    def meanwhile(text: str) -> list[str]:
        # The first text has been taken, so that there is room for one, but not for five.
        if text == "4":
            state.add_lines([f"{number}" for number in range(9, 14)], "info")
        return split_lines(text)

    monkeypatch.setattr(state_module, "split_lines", meanwhile)
    update, lines = screen.collect(state, 0.0)
    assert update is not None
    assert [(line.seq - 100, line.text) for line in lines] == [
        (4, "4"),
        *((number, str(number)) for number in range(9, 14)),
    ]
    assert [(missing, line.text) for missing, line in update.log()] == [
        (3, "4"),
        (4, "9"),
        *((0, str(number)) for number in range(10, 14)),
    ]
    assert screen.log_seq == 113
