"""Bytes become lines: however they are cut, whatever they hold, and while they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops.commands.lines import LineSplitter
from liveops.progress.text import LOG_LINE_LIMIT


def split(*chunks: bytes, now: float = 0.0) -> list[str]:
    """Return all the lines of these chunks, which come at one time."""
    splitter = LineSplitter()
    lines = [line for chunk in chunks for line in splitter.feed(chunk, now)]
    return lines + splitter.close()


def split_calmly(*chunks: bytes) -> list[str]:
    """Return the lines where none that is being rewritten is given before its end."""
    splitter = LineSplitter()
    splitter._next_rewrite = 1.0
    return [line for chunk in chunks for line in splitter.feed(chunk, 0)] + splitter.close()


def cuts(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """Return ways to cut the data into chunks."""
    places = st.lists(st.integers(0, len(data)), max_size=6).map(sorted)
    return places.map(
        lambda at: [data[start:end] for start, end in zip([0, *at], [*at, len(data)], strict=True)]
    )


plain_bytes = st.binary(max_size=40) | st.lists(
    st.sampled_from([b"\n", b"a", b" ", "☃".encode(), "😀".encode()[:2], b"\xff", b"\0"]),
    max_size=20,
).map(b"".join)

awkward_bytes = st.lists(
    st.one_of(
        st.sampled_from([bytes([byte]) for byte in b"\n\r\x1b[]P(0;m\\\a ab\x9b"]),
        st.sampled_from([b"\r\n", "é".encode(), b"\x1b[31m", b"\x1b]0;t\x07", b"\x1b(B"]),
    ),
    max_size=25,
).map(b"".join)


@given(data=st.data(), output=plain_bytes)
def test_plain_output_is_what_the_decoded_text_says(data: st.DataObject, output: bytes) -> None:
    output = output.replace(b"\r", b"").replace(b"\x1b", b"")
    expected = output.decode(errors="replace").split("\n")
    if not expected[-1]:
        expected.pop()
    assert split(*data.draw(cuts(output))) == expected


@given(data=st.data(), output=awkward_bytes)
def test_lines_do_not_depend_on_how_output_is_cut(data: st.DataObject, output: bytes) -> None:
    assert split_calmly(*data.draw(cuts(output))) == split_calmly(output)


@given(data=st.data(), output=awkward_bytes | st.binary(max_size=60))
def test_nothing_makes_it_stumble(data: st.DataObject, output: bytes) -> None:
    splitter = LineSplitter()
    lines: list[str] = []
    now = 0.0
    for chunk in data.draw(cuts(output)):
        lines += splitter.feed(chunk, now)
        now += data.draw(st.sampled_from([0.0, 0.6, 1.1]))
        lines += splitter.flush_partial(now)
    lines += splitter.close()
    assert not any("\n" in line or "\r" in line for line in lines)
    assert splitter.close() == splitter.flush_partial(now + 10) == []


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([], []),
        ([b""], []),
        ([b"\n"], [""]),
        ([b"a\n\nb"], ["a", "", "b"]),
        ([b"a", b"b\nc", b"\n"], ["ab", "c"]),
        ([b"a\r\nb\r", b"\n\r\n"], ["a", "b", ""]),
        ([b"caf\xc3", b"\xa9\n"], ["café"]),
        ([b"\xf0\x9f", b"\x98", b"\x80"], ["😀"]),
        ([b"caf\xc3"], ["caf�"]),
        ([b"\xff\xfe\0a\n"], ["��\0a"]),
        (["a\u2028b\x85c\x0bd\n".encode()], ["a\u2028b\x85c\x0bd"]),
    ],
)
def test_lines_end_at_line_feeds_only(chunks: list[bytes], lines: list[str]) -> None:
    assert split(*chunks) == lines


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([b"\x1b[1;31mred\x1b[0m\n"], ["red"]),
        ([b"\x1b", b"[", b"3", b"1m", b"red\n"], ["red"]),
        ([b"\x1b]0;title\x07a\n"], ["a"]),
        ([b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n"], ["link"]),
        ([b"\x1b]0;ti", b"tle\x1b", b"\\a\n"], ["a"]),
        ([b"\x1bP1$r\x1b\\a\x1b(Bb\x1b7c\x1bMd\n"], ["abcd"]),
        ([b"\x1b(", b"Ba\n"], ["a"]),
        # A string that nothing ends goes as far as its line, a wrong sequence not even so far.
        ([b"\x1b]0;never\nends\n"], ["", "ends"]),
        ([b"\x1b[31\nm\n"], ["31", "m"]),
        ([b"\x1b[" + b"1" * 65 + b"m\n"], ["1" * 65 + "m"]),
        ([b"a\x1b\x1b[0m\n"], ["a\x1b"]),
        ([b"a\x1b"], ["a"]),
        ([b"a\x1b[3"], ["a"]),
    ],
)
def test_escape_sequences_are_removed(chunks: list[bytes], lines: list[str]) -> None:
    assert split(*chunks) == lines


def test_an_endless_escape_sequence_is_not_kept() -> None:
    splitter = LineSplitter()
    for _ in range(100):
        assert splitter.feed(b"\x1b]" + b"x" * 10_000, 0) == []
        assert splitter.feed(b"x" * 10_000, 0) == []
    assert len(splitter._escape) + len(splitter._partial) < 10
    assert splitter.feed(b"\x07shown\n", 0) == ["shown"]


@pytest.mark.parametrize(
    ("output", "lines"),
    [
        (b"1%\r50%\r100%\n", ["100%"]),
        (b"\r1%\r50%\r100%\nnext\n", ["100%", "next"]),
        (b"1%\r100%\r\n", ["100%"]),
        (b"1%\r100%\r\r\r\n", ["100%"]),
        (b"99%\r      \rdone\n", ["done"]),
        (b"99%\r      \r\n", ["99%"]),
        (b"99%\r   \r   \r\n", ["99%"]),
        (b"\r\r\n", [""]),
        (b"\r  \n", [""]),
        (b"  \r\n", ["  "]),
        (b"a\nb\rc\nd\n", ["a", "c", "d"]),
    ],
)
def test_of_a_rewritten_line_the_last_version_is_given(output: bytes, lines: list[str]) -> None:
    assert split(output) == lines
    assert split_calmly(*(bytes([byte]) for byte in output)) == lines


def test_a_bar_without_end_is_seen_once_a_second() -> None:
    splitter = LineSplitter()
    seen = [
        (tenth, line)
        for tenth in range(31)
        for line in (
            *splitter.feed(b"\r%d%%" % tenth, tenth / 10),
            *splitter.flush_partial(tenth / 10),
        )
    ]
    # What is given is complete, so it is that of the round before.
    assert seen == [(1, "0%"), (11, "10%"), (21, "20%")]
    assert splitter.feed(b"\r100%\n", 3.05) == ["100%"]


def test_a_bar_that_stands_still_shows_where() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"1%\r2%\r", 0.0) == ["1%"]
    assert splitter.feed(b"3%\r", 0.1) == []
    assert splitter.flush_partial(0.9) == []
    assert splitter.flush_partial(1.0) == ["3%"]
    assert splitter.flush_partial(9.0) == []
    assert splitter.feed(b"3%\r3%", 9.5) == []
    assert splitter.feed(b"\n", 9.6) == []
    assert splitter.feed(b"\n", 9.7) == [""]


def test_a_slow_bar_is_seen_once_a_second_too() -> None:
    splitter = LineSplitter()
    seen = []
    for now in (quarter / 4 for quarter in range(21)):
        lines = splitter.feed(b"%g\r" % now, now) if now % 0.75 == 0 else []
        seen += [(now, line) for line in (*lines, *splitter.flush_partial(now))]
    assert [now for now, _ in seen] == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert [line for _, line in seen] == ["0", "0.75", "1.5", "3", "3.75"]


def test_a_prompt_is_seen_when_nothing_follows_it() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"first\nContinue? ", 0.0) == ["first"]
    assert splitter.flush_partial(0.4) == []
    assert splitter.feed(b"[y/n] ", 0.4) == []
    assert splitter.flush_partial(0.8) == []
    assert splitter.flush_partial(0.9) == ["Continue? [y/n] "]
    assert splitter.flush_partial(9.9) == []
    assert splitter.feed(b"yes\n", 10.0) == ["yes"]


def test_a_line_break_after_a_partial_line_only_ends_it() -> None:
    splitter = LineSplitter()
    splitter.feed(b"...", 0.0)
    assert splitter.flush_partial(0.5) == ["..."]
    assert splitter.feed(b"\r\n\nx\n", 1.0) == ["", "x"]
    splitter.feed(b"...", 2.0)
    assert splitter.flush_partial(2.5) == ["..."]
    assert splitter.close() == []


def test_the_same_once_more_is_no_news() -> None:
    splitter = LineSplitter()
    splitter.feed(b"5%", 0.0)
    assert splitter.flush_partial(0.5) == ["5%"]
    assert splitter.feed(b"\r5%\n5%\n", 0.6) == ["5%"]


def test_an_indentation_waits_for_its_line() -> None:
    splitter = LineSplitter()
    splitter.feed(b"   ", 0.0)
    assert splitter.flush_partial(5.0) == []
    assert splitter.feed(b"text\n  ", 6.0) == ["   text"]
    assert splitter.close() == ["  "]


@pytest.mark.parametrize("extra", [-1, 0, 1, LOG_LINE_LIMIT, LOG_LINE_LIMIT + 1, 50_000])
@pytest.mark.parametrize("size", [1_000, 100_000])
def test_a_long_line_comes_in_pieces(extra: int, size: int) -> None:
    line = "é" * (LOG_LINE_LIMIT + extra)
    output = f"before\n{line}\nafter\n".encode()
    before, *pieces, after = split(
        *(output[start : start + size] for start in range(0, len(output), size))
    )
    assert (before, "".join(pieces), after) == ("before", line, "after")
    assert [len(piece) for piece in pieces[:-1]] == [LOG_LINE_LIMIT] * (len(pieces) - 1)
    assert 0 < len(pieces[-1]) <= LOG_LINE_LIMIT


@pytest.mark.parametrize("output", [b"x" * 30_000, b"x" * 30_000 + b"\r", b"\rx" + b"x" * 30_000])
def test_text_without_end_is_given_at_once_and_not_kept(output: bytes) -> None:
    splitter = LineSplitter()
    given = sum(map(len, splitter.feed(output, 0.0)))
    assert given >= 30_000 - LOG_LINE_LIMIT
    assert len(splitter._partial) + len(splitter._rewrite) <= LOG_LINE_LIMIT
