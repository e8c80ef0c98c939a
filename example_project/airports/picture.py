"""Turn airports into a picture: country bars, and a map of the world made of dots.

The map is stored as a small grid of characters, so that it fits into an operation's result, and
drawn from it as a handful of SVG paths, one for each density class. Plain Python.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from airports.countries import country_name

# A cell is taller than wide in degrees, so that the square dots of the drawing give the map the
# proportions of an equirectangular projection true at 37 degrees north and south, where land is.
CELL_WIDTH = 2.5
CELL_HEIGHT = 2.0
GRID_WIDTH = 144
GRID_HEIGHT = 90
#: The smallest number of airports in a cell of each density class, from the first to the last.
DENSITIES = (1, 3, 8, 20, 50)
TOP_COUNTRIES = 15


class Bar(NamedTuple):
    """One country's bar; `percent` is its length, relative to the longest."""

    code: str
    name: str
    airports: int
    percent: float


class Dots(NamedTuple):
    """All dots of one density class (1 is the thinnest) as the data of one SVG path."""

    level: int
    label: str
    path: str


def density_grid(points: Iterable[tuple[float, float]]) -> dict[str, Any]:
    """Count points (latitude, longitude in degrees) on a grid of the world.

    Returns:
        What JSON can hold: `rows` from north to south, in each one character a cell from west to
        east, "." for none or the digit of its density class; `densities` the classes' bounds.

    """
    cells = Counter(
        (
            min(int((90 - latitude) / CELL_HEIGHT), GRID_HEIGHT - 1),
            min(int((longitude + 180) / CELL_WIDTH), GRID_WIDTH - 1),
        )
        for latitude, longitude in points
    )
    rows = [
        "".join(_class_of(cells[row, column]) for column in range(GRID_WIDTH)).rstrip(".")
        for row in range(GRID_HEIGHT)
    ]
    return {"densities": list(DENSITIES), "rows": rows}


def _class_of(count: int) -> str:
    level = sum(count >= density for density in DENSITIES)
    return str(level) if level else "."


def map_dots(grid: Mapping[str, Any]) -> list[Dots]:
    """Draw a density grid: one path a class that has cells, in units of one cell.

    Each dot is a line of no length, which a round line cap makes a disc. Moves are relative, so
    that the whole world stays a few kilobytes.
    """
    paths: dict[int, list[str]] = {}
    last: dict[int, tuple[int, int]] = {}
    for y, row in enumerate(grid["rows"]):
        for x, mark in enumerate(row):
            if mark == ".":
                continue
            level = int(mark)
            if level in last:
                from_x, from_y = last[level]
                paths[level].append(f"m{x - from_x} {y - from_y}h0")
            else:
                paths[level] = [f"M{x}.5 {y}.5h0"]
            last[level] = (x, y)
    labels = _labels(grid["densities"])
    return [Dots(level, labels[level - 1], "".join(paths[level])) for level in sorted(paths)]


def _labels(densities: Sequence[int]) -> list[str]:
    """Return what each class covers: "1-2" with an en dash, ..., and the last as "50+"."""
    labels = []
    for low, next_low in pairwise(densities):
        high = next_low - 1
        labels.append(f"{low}–{high}" if high > low else f"{low}")
    return [*labels, f"{densities[-1]}+"]


def country_counts(codes: Iterable[str], top: int = TOP_COUNTRIES) -> list[list[Any]]:
    """Return the `top` most frequent codes as [code, count] pairs, the largest first."""
    counts = Counter(codes)
    return [list(pair) for pair in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))][
        :top
    ]


def country_bars(countries: Sequence[Sequence[Any]]) -> list[Bar]:
    """Return the bars for [code, count] pairs, lengths relative to the largest count."""
    longest = max((count for _, count in countries), default=1) or 1
    return [
        Bar(code, country_name(code), count, round(100 * count / longest, 1))
        for code, count in countries
    ]


def text_bar(percent: float, width: int = 30) -> str:
    """Return a bar of block characters for a terminal, at least one for anything above 0."""
    return "█" * max(round(width * percent / 100), 1 if percent > 0 else 0)
