"""Read a CSV file of airports, one row at a time. Plain Python: nothing here knows Django.

What is wrong with the file as a whole, so that none of it should be imported, is raised as
:class:`ImportFileError`; what may be wrong with a row is for `validation.py` to find out.
"""

import codecs
import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple, Protocol, TypeVar

T = TypeVar("T")

#: The columns that are read, in the order of :attr:`Row.values`; any others are ignored.
COLUMNS = ("icao", "iata", "name", "city", "subd", "country", "elevation", "lat", "lon", "tz")
REQUIRED = ("icao", "name", "country", "lat", "lon")

# Whatever is uploaded, memory stays bounded: a line by bytes, a record by lines, a file by rows.
# The longest line of the public list has 178 bytes, and the world has fewer than 100,000 airports.
MAX_LINE_BYTES = 8_192
MAX_RECORD_LINES = 10
MAX_FIELD_CHARACTERS = 1_000
MAX_ROWS = 250_000


class Readable(Protocol):
    """A stream of bytes; that it gives lines is all that is asked of it."""

    def readline(self, size: int, /) -> bytes:
        """Return the next line with its end, or its first `size` bytes; b"" at the end."""


class ImportFileError(Exception):
    """The file cannot be imported; as text, one sentence with line and column where they exist.

    `line` counts from 1 as an editor does; `column` is a position in that line, from 1.
    """

    def __init__(self, line: int | None, column: int | None, message: str) -> None:
        self.line = line
        self.column = column
        self.message = message
        place = [f"line {line}"] if line is not None else []
        place += [f"column {column}"] if column is not None else []
        super().__init__(f"{', '.join(place)}: {message}" if place else message)


class Row(NamedTuple):
    """One record of the file: where it starts, its values in the order of `COLUMNS`."""

    line: int
    values: tuple[str, ...]
    problem: str = ""


class _Lines:
    """Decode a binary stream line by line, never holding more than `MAX_LINE_BYTES` of it."""

    def __init__(self, stream: Readable) -> None:
        self.stream = stream
        self.number = 0
        self.record_start = 1
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.number - self.record_start + 1 >= MAX_RECORD_LINES:
            raise ImportFileError(
                self.record_start,
                None,
                f"a quotation mark opened here is not closed within {MAX_RECORD_LINES} lines",
            )
        raw = self.stream.readline(MAX_LINE_BYTES + 1)
        if not raw:
            self.ended = True
            raise StopIteration
        self.number += 1
        whole = len(raw) <= MAX_LINE_BYTES
        text = self._decode(raw, whole)
        if not whole:
            raise ImportFileError(
                self.number,
                len(text),
                f"the line goes on beyond {MAX_LINE_BYTES:,} bytes; this is no list of airports",
            )
        return text

    def _decode(self, raw: bytes, whole: bool) -> str:
        bom = codecs.BOM_UTF8 if self.number == 1 else b""
        raw = raw.removeprefix(bom)
        try:
            # Only the end of a whole line may be held against it: a longer one was cut anywhere.
            text, _ = codecs.utf_8_decode(raw, "strict", whole)
        except UnicodeDecodeError as error:
            column = len(raw[: error.start].decode()) + 1
            byte = raw[error.start]
            raise ImportFileError(
                self.number,
                column,
                f"byte 0x{byte:02X} is not UTF-8; save the file as CSV in UTF-8",
            ) from error
        if (nul := text.find("\0")) >= 0:
            raise ImportFileError(
                self.number, nul + 1, "there is a NUL byte; this is not a text file"
            )
        return text

    def new_record(self) -> int:
        """Close the record that was read last; return the line it started in."""
        start, self.record_start = self.record_start, self.number + 1
        return start


def read_rows(stream: Readable) -> Iterator[Row]:
    """Yield the rows of a CSV file: UTF-8, with or without a byte order mark, a header first.

    Blank lines are passed over. A row whose number of fields is not the header's comes with its
    `problem` and no values.

    Raises:
        ImportFileError: the file is empty, not UTF-8, not CSV, lacks a required column or any
            row, or goes beyond one of the limits above.

    """
    lines = _Lines(stream)
    # `strict` makes a misplaced quotation mark an error instead of a guess.
    records = csv.reader(lines, strict=True)
    header = _next_record(records, lines)
    if header is None:
        raise ImportFileError(1, None, "the file is empty")
    width = len(header.values)
    places = _places(header)
    count = 0
    while (record := _next_record(records, lines)) is not None:
        line, values, _ = record
        count += 1
        if count > MAX_ROWS:
            raise ImportFileError(line, None, f"there are more than {MAX_ROWS:,} rows")
        if len(values) != width:
            found = "1 field" if len(values) == 1 else f"{len(values)} fields"
            yield Row(line, (), f"{found} instead of {width}")
            continue
        yield Row(line, tuple("" if at is None else " ".join(values[at].split()) for at in places))
    if not count:
        raise ImportFileError(lines.number + 1, None, "there are no rows below the header")


def _next_record(records: Iterator[list[str]], lines: _Lines) -> Row | None:
    """Return the next record that is not a blank line, or None at the end of the file."""
    while True:
        try:
            values = next(records, None)
        except csv.Error as error:
            message = (
                "a quotation mark opened here is never closed"
                if lines.ended
                else "a quotation mark or line end stands where CSV allows none"
            )
            raise ImportFileError(lines.record_start, None, message) from error
        if values is None:
            return None
        line = lines.new_record()
        for value in values:
            if len(value) > MAX_FIELD_CHARACTERS:
                raise ImportFileError(
                    line,
                    None,
                    f"field {values.index(value) + 1} has {len(value):,} characters; "
                    f"at most {MAX_FIELD_CHARACTERS:,} are allowed",
                )
        if any(value.strip() for value in values) or len(values) > 1:
            return Row(line, tuple(values))


def _places(header: Row) -> list[int | None]:
    """Find where in a row each of `COLUMNS` stands; None for an optional one that is not there."""
    names = [name.strip().lower() for name in header.values]
    for name in COLUMNS:
        if names.count(name) > 1:
            raise ImportFileError(header.line, None, f"the column “{name}” is there twice")
    missing = [f"“{name}”" for name in REQUIRED if name not in names]
    if missing:
        subject = (
            f"the column {missing[0]} is missing"
            if len(missing) == 1
            else f"the columns {', '.join(missing[:-1])} and {missing[-1]} are missing"
        )
        found = ", ".join(shown(name) for name in names[:20]) + (", …" if len(names) > 20 else "")
        raise ImportFileError(header.line, None, f"{subject}; found: {found}")
    return [names.index(name) if name in names else None for name in COLUMNS]


def shown(text: str, length: int = 40) -> str:
    """Return `text` as it may stand in a sentence: printable, and not too long."""
    text = "".join(letter if letter.isprintable() else "�" for letter in text[: length + 1])
    return text if len(text) <= length else text[: length - 1] + "…"


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of `size`, the last one possibly shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
