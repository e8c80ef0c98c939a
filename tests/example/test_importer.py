"""Reading a CSV file: what is accepted, and the sentence for everything that is not."""

import csv
import io
import re
import tracemalloc
from pathlib import Path

import airportsdata
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airports import importer
from airports.importer import ImportFileError, Row, batches, read_rows, shown
from tests.example.csv_files import HAMBURG, HEADER, TOKYO, Endless, csv_bytes, stream

MEGABYTE = 1_000_000


def read(content: bytes) -> list[Row]:
    return list(read_rows(stream(content)))


def problem(content: bytes) -> str:
    with pytest.raises(ImportFileError) as caught:
        read(content)
    return str(caught.value)


def test_rows_come_with_their_line_and_the_values_of_the_known_columns() -> None:
    first, second = read(csv_bytes(HAMBURG, TOKYO))
    assert first == Row(2, tuple(HAMBURG.split(",")))
    assert second.line == 3
    assert second.values[0] == "RJTT"


def test_columns_may_stand_in_any_order_and_case_with_others_between() -> None:
    (row,) = read(b"LON,note, Lat ,country,NAME,icao\n9.9,x,53.6,DE,Hamburg,EDDH\n")
    assert row.values == ("EDDH", "", "Hamburg", "", "", "DE", "", "53.6", "9.9", "")


def test_a_byte_order_mark_is_not_part_of_the_first_name() -> None:
    assert read(b"\xef\xbb\xbf" + csv_bytes(HAMBURG)) == read(csv_bytes(HAMBURG))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_line_ends_are_read_and_the_last_may_be_missing(end: str) -> None:
    content = end.join([HEADER, HAMBURG, TOKYO]).encode()
    assert read(content) == read(csv_bytes(HAMBURG, TOKYO))


def test_blank_lines_are_passed_over_and_still_counted() -> None:
    rows = read(f"\n{HEADER}\n\n  \n{HAMBURG}\n\n{TOKYO}\n".encode())
    assert [row.line for row in rows] == [5, 7]


def test_a_quoted_field_may_hold_commas_quotation_marks_and_line_breaks() -> None:
    name = '"Hamburg, ""Helmut\nSchmidt"" Airport"'
    rows = read(csv_bytes(HAMBURG.replace("Hamburg Airport", name), TOKYO))
    assert rows[0].values[2] == 'Hamburg, "Helmut Schmidt" Airport'
    assert [row.line for row in rows] == [2, 4]


@pytest.mark.parametrize(
    ("row", "reason"),
    [("EDDH,HAM,Hamburg", "3 fields instead of 10"), ("EDDH", "1 field instead of 10")],
)
def test_a_row_of_another_width_says_so_and_reading_goes_on(row: str, reason: str) -> None:
    bad, good = read(csv_bytes(row, TOKYO))
    assert bad == Row(2, (), reason)
    assert good.line == 3


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "line 1: the file is empty"),
        (b"\n\n \n", "line 1: the file is empty"),
        (b"\xef\xbb\xbf", "line 1: the file is empty"),
        (csv_bytes(), "line 2: there are no rows below the header"),
        (csv_bytes("", ""), "line 4: there are no rows below the header"),
        (
            b"icao,name,country,lon\n",
            "line 1: the column “lat” is missing; found: icao, name, country, lon",
        ),
        (
            b"icao;name;country;lat;lon\n",
            (
                "line 1: the columns “icao”, “name”, “country”, “lat” and “lon” are missing; "
                "found: icao;name;country;lat;lon"
            ),
        ),
        (
            b"\n\nicao,name,country,lat,Lat,lon\n",
            "line 3: the column “lat” is there twice",
        ),
        (
            csv_bytes(HAMBURG, "LOWW,VIE,Fl\xfcghafen".replace("\xfc", "{}")).replace(
                b"{}", b"\xfc"
            ),
            "line 3, column 12: byte 0xFC is not UTF-8; save the file as CSV in UTF-8",
        ),
        (
            b"\xef\xbb\xbf\xe9",
            "line 1, column 1: byte 0xE9 is not UTF-8; save the file as CSV in UTF-8",
        ),
        (
            HEADER.encode("utf-16"),
            "line 1, column 1: byte 0xFF is not UTF-8; save the file as CSV in UTF-8",
        ),
        (
            csv_bytes("ÄÖ\0,"),
            "line 2, column 3: there is a NUL byte; this is not a text file",
        ),
        (
            csv_bytes(HAMBURG, "x" * 9_000),
            "line 3, column 8193: the line goes on beyond 8,192 bytes; this is no list of airports",
        ),
        (
            csv_bytes(HAMBURG.replace("Hamburg Airport", "x" * 1_001)),
            "line 2: field 3 has 1,001 characters; at most 1,000 are allowed",
        ),
        (
            csv_bytes(HAMBURG, '"EDDH', *["x"] * 20),
            "line 3: a quotation mark opened here is not closed within 10 lines",
        ),
        (
            csv_bytes(HAMBURG, '"EDDH', "x"),
            "line 3: a quotation mark opened here is never closed",
        ),
        (
            csv_bytes(HAMBURG, '"EDDH"x,HAM'),
            "line 3: a quotation mark or line end stands where CSV allows none",
        ),
        (
            csv_bytes(HAMBURG, "EDDH,\rHAM"),
            "line 3: a quotation mark or line end stands where CSV allows none",
        ),
    ],
)
def test_a_file_at_fault_is_explained_in_a_sentence(content: bytes, sentence: str) -> None:
    assert problem(content) == sentence


def test_a_character_that_a_too_long_line_cuts_in_two_is_not_called_wrong() -> None:
    line = "ä" * 5_000
    assert problem(line.encode()).startswith("line 1, column 4096: the line goes on beyond")


def test_a_header_of_rubbish_is_shown_short_and_printable() -> None:
    sentence = problem(",".join(["\x1b[31m" + "x" * 50] * 30).encode())
    assert "\x1b" not in sentence
    assert "�[31mxxx" in sentence
    assert sentence.endswith("x…, …")
    assert len(sentence) < 1_000


def test_a_file_of_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "MAX_ROWS", 2)
    assert len(read(csv_bytes(HAMBURG, TOKYO))) == 2
    assert problem(csv_bytes(HAMBURG, TOKYO, TOKYO)) == "line 4: there are more than 2 rows"


@pytest.mark.parametrize(
    ("piece", "start", "sentence"),
    [
        (b"A" * 65_536, b"", "line 1, column 8193: the line goes on beyond 8,192 bytes"),
        (bytes(65_536), b"", "line 1, column 1: there is a NUL byte"),
        (bytes(range(256)) * 256, b"", "line 1, column 1: there is a NUL byte"),
        (b"\xa5" * 65_536, b"", "line 1, column 1: byte 0xA5 is not UTF-8"),
        (b"rubbish\n" * 8_192, b"", "line 1: the columns “icao”,"),
        (b'"' + b"\n" * 65_535, HEADER.encode() + b"\n", "line 2: a quotation mark opened here"),
        (b"A" * 65_536, csv_bytes(HAMBURG), "line 3, column 8193: the line goes on beyond"),
    ],
)
def test_200_megabytes_of_rubbish_fail_at_once(piece: bytes, start: bytes, sentence: str) -> None:
    raw = Endless(piece, 200 * MEGABYTE, start)
    with io.BufferedReader(raw) as file, pytest.raises(ImportFileError) as caught:
        list(read_rows(file))
    assert str(caught.value).startswith(sentence)
    assert raw.taken < 100_000


def test_lines_without_end_are_read_one_at_a_time() -> None:
    size = 4 * MEGABYTE
    row = (HAMBURG + "\n").encode()
    raw = Endless(row * 500, size, (HEADER + "\n").encode())
    tracemalloc.start()
    try:
        with io.BufferedReader(raw) as file:
            count = sum(1 for _ in read_rows(file))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count >= size // len(row)
    assert raw.taken >= size
    assert peak < 500_000


def test_rubbish_in_short_lines_ends_at_the_most_rows() -> None:
    raw = Endless(b"rubbish\n" * 8_192, 200 * MEGABYTE, (HEADER + "\n").encode())
    with io.BufferedReader(raw) as file, pytest.raises(ImportFileError) as caught:
        for _ in read_rows(file):
            pass
    assert str(caught.value) == "line 250002: there are more than 250,000 rows"
    assert raw.taken < 3 * MEGABYTE


@settings(deadline=None)
@given(st.binary(max_size=2_000))
def test_any_bytes_are_read_or_explained(content: bytes) -> None:
    try:
        sentence = "" if read(content) else "nothing"
    except ImportFileError as error:
        sentence = str(error)
    assert sentence == "" or re.fullmatch(r"line \d+(, column \d+)?: .+", sentence)


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["C"]), min_size=1), min_size=5))
def test_what_the_csv_module_writes_is_read_back(values: list[str]) -> None:
    text = io.StringIO()
    names = ["icao", "name", "country", "lat", "lon", *[f"x{n}" for n in range(len(values) - 5)]]
    csv.writer(text).writerows([names, values])
    (row,) = read(text.getvalue().encode())
    assert [row.values[at] for at in (0, 2, 5, 7, 8)] == [" ".join(v.split()) for v in values[:5]]


def test_the_public_list_is_read_whole() -> None:
    path = Path(airportsdata.__file__).with_name("airports.csv")
    with path.open("rb") as file:
        rows = list(read_rows(file))
    with path.open(encoding="utf-8", newline="") as text:
        expected = list(csv.DictReader(text))
    assert len(rows) == len(expected) > 28_000
    assert [row.values for row in rows[::997]] == [
        tuple(record[name] for name in importer.COLUMNS) for record in expected[::997]
    ]
    assert not any(row.problem for row in rows)


def test_shown_cuts_and_cleans() -> None:
    assert shown("plain") == "plain"
    assert shown("a\x00b\u202e") == "a�b�"
    assert shown("x" * 41) == "x" * 39 + "…"


def test_batches_are_full_but_for_the_last() -> None:
    assert list(batches(iter(range(5)), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batches([], 2)) == []
