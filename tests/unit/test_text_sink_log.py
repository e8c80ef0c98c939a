"""The log in a terminal and in a pipe: its lines printed together, and the gaps between them."""

import datetime as dt
import io
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops.progress.text import LEVELS, clean
from liveops.progress.update import Update
from liveops.progress.view import Line
from liveops.sinks.text import TextSink
from tests.unit.helpers import hostile_text, update

NOW = dt.datetime(2026, 5, 4, tzinfo=dt.UTC)

entries = st.lists(st.tuples(st.sampled_from(LEVELS), hostile_text.map(clean)), max_size=20)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def lines(entries: Sequence[tuple[str, str]], first: int = 1) -> list[Line]:
    """Return lines of these levels and texts."""
    return [Line(n, NOW, level, "", text) for n, (level, text) in enumerate(entries, first)]


def printed(stream: io.StringIO, *updates: Update) -> str:
    """Return what a text sink writes for these updates."""
    sink = TextSink(stream)
    for one in updates:
        sink.emit(one)
    return stream.getvalue()


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
@given(entries=entries)
def test_lines_look_the_same_whether_they_come_together_or_not(
    stream: type[io.StringIO], entries: list[tuple[str, str]]
) -> None:
    together = printed(stream(newline=""), update(lines=lines(entries)))
    one_by_one = [update(lines=[line]) for line in lines(entries)]
    assert together == printed(stream(newline=""), *one_by_one)


def test_what_is_left_out_is_told_where_it_is() -> None:
    shown = [line for n in (3, 5, 6, 1_009) for line in lines([("info", f"line {n}")], n)]
    assert printed(io.StringIO(), update(lines=shown, skipped=2)).split("\n") == [
        "debug: … 2 lines came too fast to be shown",
        "line 3",
        "debug: … 1 line came too fast to be shown",
        "line 5",
        "line 6",
        "debug: … 1,002 lines came too fast to be shown",
        "line 1009",
        "",
    ]


@given(st.lists(st.integers(1, 50), unique=True).map(sorted), st.integers(0, 9))
def test_an_update_counts_what_is_left_out_between_its_lines(
    numbers: list[int], skipped: int
) -> None:
    shown = [Line(n, NOW, "info", "", "") for n in numbers]
    told = list(update(lines=shown, skipped=skipped).log())
    assert [line for _, line in told] == shown
    gaps = [other - one - 1 for one, other in pairwise(numbers)]
    assert [missing for missing, _ in told] == [skipped, *gaps][: len(numbers)]
