"""The picture of a result: the density grid, the paths of the map, the bars."""

import csv
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import airportsdata
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airports import picture
from airports.countries import NAMES, country_name
from airports.picture import (
    GRID_HEIGHT,
    GRID_WIDTH,
    Bar,
    country_bars,
    country_counts,
    density_grid,
    map_dots,
    text_bar,
)

POINTS = st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)))


def positions(path: str) -> list[tuple[float, float]]:
    """Follow a path of dots; return where they are."""
    x = y = 0.0
    found = []
    parts = re.findall(r"([Mm])(-?[\d.]+) (-?[\d.]+)h0", path)
    assert "".join(f"{m}{a} {b}h0" for m, a, b in parts) == path
    for move, dx, dy in parts:
        x, y = (float(dx), float(dy)) if move == "M" else (x + float(dx), y + float(dy))
        found.append((x, y))
    return found


def test_the_grid_runs_from_north_west_to_south_east() -> None:
    grid = density_grid([(90, -180), (-90, 180), (0.1, 0.1)])
    assert len(grid["rows"]) == GRID_HEIGHT
    assert grid["rows"][0] == "1"
    assert grid["rows"][-1] == "." * (GRID_WIDTH - 1) + "1"
    assert grid["rows"][44] == "." * 72 + "1"


@pytest.mark.parametrize(
    ("count", "mark"),
    [(1, "1"), (2, "1"), (3, "2"), (7, "2"), (8, "3"), (19, "3"), (20, "4"), (50, "5"), (999, "5")],
)
def test_a_cell_shows_the_class_of_its_count(count: int, mark: str) -> None:
    assert density_grid([(89, -179)] * count)["rows"][0] == mark


def test_the_map_has_one_path_a_class() -> None:
    thin, dense = map_dots(density_grid([(89, -179), (85, -170), *[(89, 179)] * 60]))
    assert (thin.level, thin.label, thin.path) == (1, "1–2", "M0.5 0.5h0m4 2h0")
    assert (dense.level, dense.label, dense.path) == (5, "50+", "M143.5 0.5h0")


def test_an_empty_map_has_no_path() -> None:
    assert map_dots(density_grid([])) == []


@settings(deadline=None)
@given(POINTS)
def test_every_cell_with_an_airport_has_its_dot(points: list[tuple[float, float]]) -> None:
    grid = density_grid(points)
    assert json.loads(json.dumps(grid)) == grid
    dots = {position: dots.level for dots in map_dots(grid) for position in positions(dots.path)}
    marks = {
        (x + 0.5, y + 0.5): int(mark)
        for y, row in enumerate(grid["rows"])
        for x, mark in enumerate(row)
        if mark != "."
    }
    assert dots == marks
    assert bool(dots) == bool(points)


def test_the_most_frequent_countries_come_first() -> None:
    codes = ["DE", "US", "BR", "US", "FR"]
    assert country_counts(codes, top=3) == [["US", 2], ["BR", 1], ["DE", 1]]
    assert country_counts([]) == []


def test_bars_are_relative_to_the_longest() -> None:
    assert country_bars([["US", 400], ["DE", 100], ["QQ", 1]]) == [
        Bar("US", "United States", 400, 100.0),
        Bar("DE", "Germany", 100, 25.0),
        Bar("QQ", "QQ", 1, 0.2),
    ]
    assert country_bars([]) == []


@pytest.mark.parametrize(("percent", "length"), [(100.0, 30), (50.0, 15), (0.1, 1), (0.0, 0)])
def test_a_bar_of_text_is_never_empty_for_something(percent: float, length: int) -> None:
    assert text_bar(percent) == "█" * length


def test_every_country_has_a_name() -> None:
    assert len(NAMES) == 250
    assert all(
        re.fullmatch("[A-Z]{2}", code) and name.strip() == name for code, name in NAMES.items()
    )
    assert country_name("CI") == "Côte d’Ivoire"


def test_the_land_behind_the_map_lies_where_the_public_list_has_airports() -> None:
    static = Path(picture.__file__).with_name("static") / "airports"
    land = ET.parse(static / "world.svg").getroot()  # noqa: S314  (a file of this repository)
    (path,) = land.iter("{http://www.w3.org/2000/svg}path")
    with Path(airportsdata.__file__).with_name("airports.csv").open(encoding="utf-8") as file:
        points = [(float(row["lat"]), float(row["lon"])) for row in csv.DictReader(file)]
    cells = {
        position for dots in map_dots(density_grid(points)) for position in positions(dots.path)
    }
    shown = set(positions(path.attrib["d"]))
    # It is drawn once, while the list grows by an airport here and there.
    assert len(cells & shown) > 0.98 * len(cells | shown)

    template = (
        Path(picture.__file__).with_name("templates") / "airports/import_airports_result.html"
    )
    assert f'viewBox="{land.attrib["viewBox"]}"' in template.read_text(encoding="utf-8")
