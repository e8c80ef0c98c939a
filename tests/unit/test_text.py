"""Text as watchers see it: nothing that breaks a terminal, a socket or a database."""

import math
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops.progress.text import (
    LOG_LINE_LIMIT,
    clean,
    cut,
    format_counts,
    format_duration,
    format_rate,
    format_took,
    format_usual,
    plural,
    split_lines,
)
from tests.unit.helpers import hostile_text

MEGABYTE = 1_048_576
BREAKS = "\n\r\x0b\x0c\x85\u2028\u2029"
FORCED = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What forces a direction upon the letters that follow."""
units = st.sampled_from(["item", "row", "rows", "", "Datei"])
seconds = st.one_of(st.none(), st.floats())


@given(hostile_text)
def test_clean_text_has_no_control_characters_and_no_surrogates(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert not [c for c in cleaned if unicodedata.category(c) == "Cc" and c != "\t"]
    assert FORCED.isdisjoint(cleaned)


@given(hostile_text)
def test_cleaning_keeps_everything_else_in_its_place(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) == len(text)
    for before, after in zip(text, cleaned, strict=True):
        is_control = before != "\t" and unicodedata.category(before) in ("Cc", "Cs")
        assert (before != after) == (is_control or before in FORCED)
    assert clean(cleaned) == cleaned


@pytest.mark.promise("directions-are-neutral")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("a\x00b", "a␀b"),
        ("bell\x07", "bell␇"),
        ("a\rb", "a␍b"),
        ("rub\x7fout", "rub␡out"),
        ("\x9b31m", "\ufffd31m"),
        ("a\tb", "a\tb"),
        ("safe\u202egpj.exe", "safe\ufffdgpj.exe"),
        ("שלום\u200e (3)", "שלום\u200e (3)"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("Zürich ☃ 😀", "Zürich ☃ 😀"),
    ],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_megabyte_of_control_characters_is_cleaned() -> None:
    assert clean("\x1b" * MEGABYTE) == "␛" * MEGABYTE
    assert clean("x\ud800" * 1000) == "x?" * 1000


@given(hostile_text, st.integers(0, 80))
def test_cutting_keeps_the_beginning_and_says_what_it_left_out(text: str, limit: int) -> None:
    result = cut(text, limit)
    if len(text) <= limit:
        assert result == text
    else:
        assert result == f"{text[:limit]}… [{len(text)} characters, cut at {limit}]"


def test_a_line_of_a_megabyte_is_cut_to_the_limit() -> None:
    result = cut("x" * MEGABYTE, LOG_LINE_LIMIT)
    assert result == "x" * LOG_LINE_LIMIT + "… [1,048,576 characters, cut at 8,192]"


@given(hostile_text)
def test_lines_hold_no_breaks_and_nothing_else_is_lost(text: str) -> None:
    lines = split_lines(text)
    assert lines
    assert not [line for line in lines if set(line) & set(BREAKS)]
    assert "".join(lines) == re.sub(f"[{BREAKS}]", "", text)


@given(hostile_text.map(lambda text: re.sub("[\x1c-\x1e]", "", text)))
def test_lines_are_those_that_python_sees(text: str) -> None:
    assert split_lines(text) == (text.splitlines() or [""])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("one", ["one"]),
        ("one\ntwo\r\nthree\rfour", ["one", "two", "three", "four"]),
        ("ends\n", ["ends"]),
        ("\n", [""]),
        ("a\n\nb", ["a", "", "b"]),
        ("a\n\n", ["a", ""]),
    ],
)
def test_splitting(text: str, lines: list[str]) -> None:
    assert split_lines(text) == lines


@pytest.mark.parametrize(
    ("done", "total", "unit", "shown"),
    [
        (11_200, 28_000, "row", "11,200 / 28,000 rows"),
        (11_200, None, "row", "11,200 rows"),
        (1, None, "row", "1 row"),
        (1, 1, "row", "1 / 1 row"),
        (0, 0, "row", "0 / 0 rows"),
        (3, None, "", "3"),
        (3, 9, "news", "3 / 9 news"),
    ],
)
def test_counts(done: int, total: int | None, unit: str, shown: str) -> None:
    assert format_counts(done, total, unit) == shown


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        (None, ""),
        (0.0, ""),
        (-1.0, ""),
        (5600.4, "5,600 rows/s"),
        (10.0, "10 rows/s"),
        (2.25, "2.2 rows/s"),
        (1.0, "1.0 rows/s"),
        (0.5, "2.0 s/row"),
        (1 / 90, "90.0 s/row"),
        (5e-324, ""),
        (math.inf, ""),
        (math.nan, ""),
    ],
)
def test_rates(rate: float | None, shown: str) -> None:
    assert format_rate(rate, "row") == shown


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        (None, "–"),
        (-1.0, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
        (100 * 86_400, "–"),
        (0, "0:00"),
        (0.4, "0:00"),
        (7, "0:07"),
        (59.6, "1:00"),
        (754, "12:34"),
        (3723, "1:02:03"),
        (3599.7, "1:00:00"),
        (2 * 86_400 + 3723, "2 d 1:02:03"),
    ],
)
def test_durations(duration: float | None, shown: str) -> None:
    assert format_duration(duration) == shown


@pytest.mark.parametrize(
    ("duration", "took", "usual"),
    [
        (None, "", ""),
        (-1.0, "", ""),
        (math.nan, "", ""),
        (math.inf, "", ""),
        (100 * 86_400, "", ""),
        (0, "< 0.1 s", "~1 s"),
        (0.05, "0.1 s", "~1 s"),
        (0.4, "0.4 s", "~1 s"),
        (3.44, "3.4 s", "~3 s"),
        (9.49, "9.5 s", "~9 s"),
        (9.94, "9.9 s", "~0:10"),
        (9.96, "0:10", "~0:10"),
        (3723, "1:02:03", "~1:02:03"),
    ],
)
def test_how_long_something_took_and_usually_takes(
    duration: float | None, took: str, usual: str
) -> None:
    assert (format_took(duration), format_usual(duration)) == (took, usual)


@given(st.integers(0, 2**63), st.one_of(st.none(), st.integers(0, 2**63)), units, seconds)
def test_no_number_is_shown_as_nan_infinite_or_negative(
    done: int, total: int | None, unit: str, number: float | None
) -> None:
    for shown in (
        format_counts(done, total, unit),
        format_rate(number, unit),
        format_duration(number),
        format_took(number),
        format_usual(number),
    ):
        assert not re.search(r"nan|inf|-", shown.replace(unit, "") if unit else shown)


@given(st.floats(0, 98 * 86_400))
def test_a_duration_can_be_read_back(duration: float) -> None:
    shown = format_duration(duration)
    days, _, clock = shown.rpartition(" d ")
    whole = 0
    for part in clock.split(":"):
        whole = whole * 60 + int(part)
    assert int(days or 0) * 86_400 + whole == round(duration)


@pytest.mark.parametrize(
    ("unit", "number", "shown"),
    [("row", 1, "row"), ("row", 2, "rows"), ("row", 0, "rows"), ("news", 2, "news"), ("", 2, "")],
)
def test_plurals(unit: str, number: int, shown: str) -> None:
    assert plural(unit, number) == shown
