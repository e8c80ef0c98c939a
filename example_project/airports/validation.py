"""Check rows and turn them into airports. Plain Python: nothing here knows Django."""

import math
import re
from typing import NamedTuple

from airports.importer import ImportFileError, Row, shown

#: So many rejected rows at the start, and not one good one: the file holds something else.
HOPELESS_AFTER = 1_000
#: What the table can hold, in characters.
MAX_LENGTHS = {"name": 200, "city": 100, "subdivision": 100, "timezone": 64}

_CODE = re.compile(r"[A-Za-z0-9_-]{2,10}")
_IATA = re.compile(r"[A-Za-z0-9]{3}")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")


class AirportRecord(NamedTuple):
    """One valid airport; the fields are named as those of the model."""

    ident: str
    iata: str
    name: str
    city: str
    subdivision: str
    country: str
    elevation_ft: float | None
    latitude: float
    longitude: float
    timezone: str


class Validator:
    """Check rows one after the other; keep the good ones, count and explain the others."""

    def __init__(self) -> None:
        self.airports: list[AirportRecord] = []
        self.rejected = 0
        self._first_lines: dict[str, int] = {}
        self._first: Row | None = None

    def check(self, row: Row) -> str:
        """Keep the row's airport and return "", or return why the row is rejected.

        Raises:
            ImportFileError: the first `HOPELESS_AFTER` rows were all rejected.

        """
        if not (problem := row.problem):
            airport = _parse(row.values)
            if isinstance(airport, str):
                problem = airport
            elif first := self._first_lines.get(airport.ident):
                problem = f"the code “{airport.ident}” was already in line {first}"
            else:
                self._first_lines[airport.ident] = row.line
                self.airports.append(airport)
                return ""
        self.rejected += 1
        if self._first is None:
            self._first = Row(row.line, (), problem)
        if self.rejected == HOPELESS_AFTER and not self.airports:
            raise self._hopeless(f"the first {HOPELESS_AFTER:,} rows are all rejected")
        return problem

    def finish(self) -> list[AirportRecord]:
        """Return the good airports, in the order of the file.

        Raises:
            ImportFileError: there is not one.

        """
        if not self.airports:
            rows = "the only row is" if self.rejected == 1 else f"all {self.rejected:,} rows are"
            raise self._hopeless(f"{rows} rejected")
        return self.airports

    def _hopeless(self, extent: str) -> ImportFileError:
        line, problem = (self._first.line, self._first.problem) if self._first else (None, "no row")
        return ImportFileError(line, None, f"{problem}; {extent}")


def _parse(values: tuple[str, ...]) -> AirportRecord | str:
    """Turn a row's values into an airport, or return the reason why they are none."""
    code, iata, name, city, subdivision, country, elevation, lat, lon, timezone = values
    if not code:
        return "the code is missing"
    if not _CODE.fullmatch(code):
        return f"the code “{shown(code)}” is not 2 to 10 letters or digits"
    if iata and not _IATA.fullmatch(iata):
        return f"the IATA code “{shown(iata)}” is not 3 letters or digits"
    if not name:
        return "the name is missing"
    texts = {"name": name, "city": city, "subdivision": subdivision, "timezone": timezone}
    for label, text in texts.items():
        if len(text) > MAX_LENGTHS[label]:
            return f"the {label} has {len(text)} characters; at most {MAX_LENGTHS[label]} fit"
    if not _COUNTRY.fullmatch(country):
        return f"the country “{shown(country)}” is not a code of 2 letters"
    if isinstance(latitude := _number("latitude", lat, -90, 90), str):
        return latitude
    if isinstance(longitude := _number("longitude", lon, -180, 180), str):
        return longitude
    height = _number("elevation", elevation, -2_000, 30_000) if elevation else None
    if isinstance(height, str):
        return height
    return AirportRecord(
        code.upper(),
        iata.upper(),
        name,
        city,
        subdivision,
        country.upper(),
        height,
        latitude,
        longitude,
        timezone,
    )


def _number(label: str, text: str, low: int, high: int) -> float | str:
    """Read a decimal number from `low` to `high`, or return what is wrong with it."""
    if not text:
        return f"the {label} is missing"
    if not _NUMBER.fullmatch(text) or not math.isfinite(value := float(text)):
        return f"the {label} “{shown(text)}” is not a number"
    if not low <= value <= high:
        return f"the {label} {shown(text)} is not between {low} and {high}"
    return value
