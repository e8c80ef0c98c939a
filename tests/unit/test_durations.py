"""Lengths of time on a command line."""

from argparse import ArgumentTypeError
from datetime import timedelta

import pytest

from liveops.management.durations import duration, seconds_above_0


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("2w", timedelta(weeks=2)),
        ("90m", timedelta(minutes=90)),
        ("0d", timedelta()),
        (" 7d ", timedelta(days=7)),
    ],
)
def test_a_number_and_a_unit(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize("text", ["", "30", "d", "30 d", "-3d", "1.5h", "3y", "30D", "1d2h", "٣d"])
def test_anything_else_is_answered_with_an_example(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="such as 30d or 12h"):
        duration(text)


@pytest.mark.parametrize("text", ["36501d", "999999999w"])
def test_what_is_longer_than_any_project_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="longer than 100 years"):
        duration(text)


@pytest.mark.parametrize(("text", "seconds"), [("5", 5.0), ("0.2", 0.2)])
def test_seconds(text: str, seconds: float) -> None:
    assert seconds_above_0(text) == seconds


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon", ""])
def test_what_are_no_seconds(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="seconds above 0"):
        seconds_above_0(text)
