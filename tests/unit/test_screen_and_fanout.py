"""What was shown so far becomes numbered updates, and every sink gets each of them."""

import errno
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops.progress.fanout import Fanout
from liveops.progress.screen import ROOM, TAIL, Screen
from liveops.progress.state import Counter, ProgressState
from liveops.progress.update import Region, Swap, Update
from liveops.sinks.recording import RecordingSink
from tests.testapp.models import Scripted
from tests.unit.helpers import update

changes = st.sampled_from(["status", "percent", "line", "swap", "cancel", "nothing"])


def fresh(seq: int = 0, log_seq: int = 0) -> tuple[Screen, ProgressState]:
    return Screen(Scripted(), seq, log_seq), ProgressState(lambda: None, line_bound=100_000)


def collected(screen: Screen, state: ProgressState) -> Update:
    result, _ = screen.collect(state, 0.0)
    assert result is not None
    return result


def test_nothing_changed_is_no_update_and_uses_no_number() -> None:
    screen, state = fresh(seq=41)
    assert screen.collect(state, 0.0) == (None, ())
    state.set_status("now", "info")
    assert collected(screen, state).seq == 42
    assert screen.collect(state, 0.0) == (None, ())
    assert screen.seq == 42


@pytest.mark.parametrize("region", ["status", "progress", "log", "controls"])
def test_an_update_names_the_regions_that_changed_and_no_others(region: str) -> None:
    screen, state = fresh()
    if region == "status":
        state.set_status("now", "warning")
    elif region == "progress":
        state.start_counter(Counter(4, "Reading", "row", 0.0))
    elif region == "log":
        state.add_line("hello", "info")
    else:
        screen.change(Region.CONTROLS, cancel_requested=True)
    result = collected(screen, state)
    assert result.regions == {Region(region)}
    assert (result.view.status_text == "now") == (region == "status")
    assert (result.view.total == 4) == (region == "progress")
    assert ([line.text for line in result.lines] == ["hello"]) == (region == "log")
    assert result.view.cancel_requested == (region == "controls")


@given(st.lists(st.lists(changes, max_size=5), max_size=20), st.integers(0, 10**9))
def test_numbers_have_no_gaps_whatever_changes(rounds: list[list[str]], first: int) -> None:
    screen, state = fresh(seq=first, log_seq=first)
    updates: list[Update] = []
    for number, parts in enumerate(rounds):
        for part in parts:
            if part == "status":
                state.set_status(f"status {number}", "info")
            elif part == "percent":
                state.set_percent(float(number))
            elif part == "line":
                state.add_line(f"line {number}", "info")
            elif part == "swap":
                screen.add_swap(Swap("#chart", "innerHTML", str(number)))
            elif part == "cancel":
                screen.change(Region.CONTROLS, cancel_requested=True)
        result, _ = screen.collect(state, 0.0)
        if result is not None:
            updates.append(result)
        assert (result is None) <= (set(parts) <= {"nothing", "percent"})
    assert [u.seq for u in updates] == list(range(first + 1, first + 1 + len(updates)))
    lines = [line for u in updates for line in u.lines]
    assert [line.seq for line in lines] == list(range(first + 1, first + 1 + len(lines)))
    assert len(lines) == sum(parts.count("line") for parts in rounds)


def test_a_view_that_was_handed_out_does_not_change_afterwards() -> None:
    screen, state = fresh()
    state.set_status("one", "info")
    screen.add_swap(Swap("#chart", "innerHTML", "one"))
    first = collected(screen, state)
    state.set_status("two", "info")
    screen.add_swap(Swap("#chart", "innerHTML", "two"))
    second = collected(screen, state)
    assert (first.view.status_text, dict(first.view.swaps)) == ("one", {"#chart": "one"})
    assert (second.view.status_text, dict(second.view.swaps)) == ("two", {"#chart": "two"})


def test_a_flood_of_lines_shows_the_last_and_hands_over_all() -> None:
    screen, state = fresh(log_seq=10)
    for number in range(TAIL + 250):
        state.add_line(str(number), "info")
    result, lines = screen.collect(state, 0.0)
    assert result is not None
    assert len(lines) == TAIL + 250
    assert (len(result.lines), result.skipped) == (TAIL, 250)
    assert result.lines[0].seq == 10 + 251
    assert result.lines[-1].seq == screen.log_seq == 10 + TAIL + 250
    assert list(screen.tail) == list(result.lines)


def test_the_tail_holds_the_last_lines_of_several_updates() -> None:
    screen, state = fresh()
    for number in range(TAIL + 5):
        state.add_line(str(number), "info")
        collected(screen, state)
    assert [line.text for line in screen.tail] == [str(n) for n in range(5, TAIL + 5)]


def test_swaps_go_out_once_and_only_replaced_content_is_kept() -> None:
    screen, state = fresh()
    screen.add_swap(Swap("#chart", "innerHTML", "<i>1</i>"))
    screen.add_swap(Swap("#rows", "beforeend", "<li>x</li>"))
    result = collected(screen, state)
    assert [swap.selector for swap in result.swaps] == ["#chart", "#rows"]
    assert dict(result.view.swaps) == {"#chart": "<i>1</i>"}
    state.set_status("later", "info")
    assert collected(screen, state).swaps == []


def test_what_is_added_to_replaced_content_is_kept_as_long_as_there_is_room() -> None:
    screen, _ = fresh()
    for mode, html in (
        ("beforeend", "<i>lost</i>"),
        ("innerHTML", "<i>1</i>"),
        ("beforeend", "<i>2</i>"),
        ("afterbegin", "<i>0</i>"),
        ("outerHTML", "<p id=rows></p>"),
        ("beforeend", "x" * ROOM),
    ):
        screen.add_swap(Swap("#rows", mode, html))
    assert dict(screen.view.swaps) == {"#rows": "<i>0</i><i>1</i><i>2</i>"}


class Broken(RecordingSink):
    """A sink that fails while it is told to."""

    failing = True

    def emit(self, update: Update) -> None:
        """Fail, or keep the update."""
        if self.failing:
            raise OSError("no such terminal")
        super().emit(update)

    def close(self) -> None:
        """Fail, or note the end."""
        if self.failing:
            raise OSError("no such terminal")
        super().close()


def records(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "liveops"]


def test_a_failing_sink_is_logged_once_and_the_others_get_everything(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before, broken, behind = RecordingSink(), Broken(), RecordingSink()
    fanout = Fanout([before, broken, behind])
    updates = [update(seq=number) for number in range(1, 6)]
    with caplog.at_level(logging.INFO, "liveops"):
        for one in updates:
            fanout.emit(one)
    assert before.updates == behind.updates == updates
    assert records(caplog) == [("ERROR", "liveops: Broken failed; the run goes on")]
    assert "no such terminal" in caplog.text


def test_a_sink_that_works_again_gets_the_next_update_and_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = Broken()
    fanout = Fanout([broken])
    with caplog.at_level(logging.INFO, "liveops"):
        for number, failing in enumerate([True, True, False, False, True], start=1):
            broken.failing = failing
            fanout.emit(update(seq=number))
    assert [u.seq for u in broken.updates] == [3, 4]
    assert [level for level, _ in records(caplog)] == ["ERROR", "INFO", "ERROR"]


def test_a_sink_that_fails_and_works_in_turns_is_no_flood_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = Broken()
    fanout = Fanout([broken])
    with caplog.at_level(logging.INFO, "liveops"):
        for number in range(200):
            broken.failing = number % 2 == 0
            fanout.emit(update(seq=number))
    told = [level for level, _ in records(caplog)]
    assert told == ["ERROR", "INFO"] * 7  # the 1st, 2nd, 4th ... 64th time
    assert caplog.text.count("Traceback") == 1
    assert caplog.text.count("Broken failed again (OSError('no such terminal'))") == 6


class Slow(RecordingSink):
    """Takes its time."""

    may_wait = True


def numbers(sink: RecordingSink) -> list[int]:
    return [update.seq for update in sink.updates]


def test_a_slow_sink_gets_everything_in_order_but_not_at_once() -> None:
    slow, quick = Slow(), RecordingSink()
    fanout = Fanout([slow, quick])
    fanout.emit_soon(update(seq=1))
    fanout.emit_soon(update(seq=2))
    assert (numbers(slow), numbers(quick)) == ([], [1, 2])
    waiting = [fanout.has_waiting]
    fanout.emit(update(seq=3))
    assert numbers(slow) == numbers(quick) == [1, 2, 3]
    assert [*waiting, fanout.has_waiting] == [True, False]
    fanout.announce(update(seq=3))
    assert (numbers(slow), numbers(quick)) == ([1, 2, 3], [1, 2, 3, 3])
    fanout.emit_soon(update(seq=4))
    fanout.flush()
    assert numbers(slow) == [1, 2, 3, 4]


def test_what_waits_for_a_slow_sink_is_not_lost_at_the_end() -> None:
    slow = Slow()
    fanout = Fanout([slow])
    fanout.emit_soon(update(seq=1))
    fanout.close()
    assert (numbers(slow), slow.closed) == ([1], True)


def test_nothing_waits_where_no_sink_is_slow() -> None:
    quick = RecordingSink()
    fanout = Fanout([quick])
    fanout.emit_soon(update(seq=1))
    assert not fanout.has_waiting


def test_closing_reaches_every_sink(caplog: pytest.LogCaptureFixture) -> None:
    sinks: list[Any] = [Broken(), RecordingSink()]
    Fanout(sinks).close()
    assert sinks[1].closed
    assert [message for _, message in records(caplog)] == ["liveops: Broken could not be closed"]


def test_a_sink_that_nobody_reads_is_told_of_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    class Unread(RecordingSink):
        def emit(self, update: Update) -> None:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    fanout = Fanout([Unread()])
    for number in range(3):
        fanout.emit(update(seq=number))
    assert [level for level, _ in records(caplog)] == ["WARNING"]
    assert "Traceback" not in caplog.text


def test_no_sink_ends_the_thread_that_serves_it(caplog: pytest.LogCaptureFixture) -> None:
    class Leaving(RecordingSink):
        def emit(self, update: Update) -> None:
            raise SystemExit(1)

        def close(self) -> None:
            raise SystemExit(1)

    behind = RecordingSink()
    fanout = Fanout([Leaving(), behind])
    with ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            pool.submit(fanout.emit, update()).result()
        pool.submit(fanout.close).result()
    assert (len(behind.updates), behind.closed) == (2, True)
    assert [message for _, message in records(caplog)] == [
        "liveops: Leaving failed; the run goes on",
        "liveops: Leaving could not be closed",
    ]


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
def test_a_signal_in_the_main_thread_is_not_swallowed(signal: type[BaseException]) -> None:
    class Interrupting(RecordingSink):
        def emit(self, update: Update) -> None:
            raise signal

    with pytest.raises(signal):
        Fanout([Interrupting()]).emit(update())
