"""The output of a command: however it is cut, no line given has half of what is masked."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops.commands.lines import LineSplitter
from liveops.progress.redaction import Redactor, checked_values, compiled
from liveops.progress.text import LOG_LINE_LIMIT

SECRET = "s3cr3t-of-the-shop"


def redactor(*values: str, patterns: tuple[str, ...] = ()) -> Redactor:
    made = Redactor(compiled(patterns))
    made.add(checked_values(values))
    return made


def lines_of(made: Redactor, *chunks: bytes, pause: float = 0.1) -> list[str]:
    """Return what a log has of output that came in chunks, with a pause after each."""
    splitter, now, lines = LineSplitter(made), 0.0, list[str]()
    for chunk in chunks:
        lines += splitter.feed(chunk, now)
        now += pause
        lines += splitter.flush_partial(now)
    return [made.mask(line) for line in [*lines, *splitter.close()]]


@pytest.mark.promise("secrets-in-parts")
@given(st.lists(st.integers(0, 60), max_size=6), st.sampled_from([0.1, 2.0]), st.integers(0, 20))
def test_a_value_in_chunks_is_masked_even_if_they_come_far_apart(
    cuts: list[int], pause: float, length: int
) -> None:
    data = f"{'.' * length}login with {SECRET} and s3cr3t-of\n".encode()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in pairwise(places)]
    lines = lines_of(redactor(SECRET), *chunks, pause=pause)
    assert "".join(lines) == f"{'.' * length}login with *** and s3cr3t-of"


def test_an_unfinished_line_is_given_but_for_the_beginning_of_a_value() -> None:
    splitter = LineSplitter(redactor(SECRET))
    assert splitter.feed(b"Password: s3cr", 0.0) == []
    assert splitter.flush_partial(1.0) == ["Password: "]
    assert splitter.flush_partial(2.0) == []
    assert splitter.feed(b"ew\n", 3.0) == ["s3crew"]


@pytest.mark.parametrize("shift", range(-20, 3, 4))
@pytest.mark.parametrize("size", [1_000, 65_536])
def test_a_value_at_the_cut_of_a_long_line_is_masked(shift: int, size: int) -> None:
    start = LOG_LINE_LIMIT + shift
    data = ("." * start + SECRET + "," * 40_000 + SECRET + ";" * start + "\n").encode()
    chunks = [data[place : place + size] for place in range(0, len(data), size)]
    lines = lines_of(redactor(SECRET), *chunks)
    assert max(map(len, lines)) <= LOG_LINE_LIMIT
    whole = "".join(lines)
    assert whole == "." * start + "***" + "," * 40_000 + "***" + ";" * start


@pytest.mark.parametrize("shift", [-40, -12, -9, -8, -3, 0, 5])
@pytest.mark.parametrize(
    "pattern", [r"password=(\S+)", r"(?<=password=)\S+"], ids=["group", "behind"]
)
def test_a_match_at_the_cut_of_a_long_line_is_masked(shift: int, pattern: str) -> None:
    start = LOG_LINE_LIMIT + shift
    text = "." * (start - 1) + " password=" + "x" * 3_000 + " " + "," * 20_000
    data = text.encode()
    for size in (1_000, 65_536):
        chunks = [data[place : place + size] for place in range(0, len(data), size)]
        lines = lines_of(redactor(patterns=(pattern,)), *chunks, b"\n")
        assert "x" not in "".join(lines)
        assert sum(line.count(",") for line in lines) == 20_000


def test_without_anything_to_mask_pieces_are_as_long_as_lines_may_be() -> None:
    lines = lines_of(Redactor(), b"." * 20_000, b"." * 5_000 + b"\n")
    assert [len(line) for line in lines] == [8_192, 8_192, 8_192, 424]


def test_a_match_that_never_ends_is_not_kept_in_memory() -> None:
    splitter = LineSplitter(redactor(patterns=(r"x+",)))
    given_lines = [line for _ in range(40) for line in splitter.feed(b"x" * 65_536, 0.0)]
    assert {*given_lines} == {"***"}
    assert len(splitter._partial) <= 200_000
