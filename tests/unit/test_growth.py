"""The exponent of a growth, the picture of several, and what a page's files are."""

from xml.etree import ElementTree as ET

import pytest

from tests.benchmarks.assets import loaded_files, zipped_bytes
from tests.benchmarks.growth import Growth, exponent_of
from tests.benchmarks.plot import picture

SIZES = (10, 100, 1_000)


@pytest.mark.parametrize("exponent", [-0.5, 0.0, 1.0, 1.5])
def test_a_power_law_has_its_exponent(exponent: float) -> None:
    assert exponent_of(SIZES, [3 * size**exponent for size in SIZES]) == pytest.approx(exponent)


def test_one_odd_measurement_is_evened_out() -> None:
    assert exponent_of(SIZES, [10, 110, 1_000]) == pytest.approx(1, abs=0.05)


def test_a_constant_part_hides_the_growth_of_small_numbers() -> None:
    assert exponent_of(SIZES, [1_000 + size for size in SIZES]) < 0.2


def test_the_picture_has_a_line_and_a_name_for_each() -> None:
    growths = [
        Growth("rows of <b>", SIZES, (1.0, 1.1, 1.2)),
        Growth("stages", (5, 50), (0.5, 50.0)),
    ]
    drawn = ET.fromstring(picture(growths))  # noqa: S314  (what was drawn on this line)
    texts = ["".join(one.itertext()) for one in drawn.iter() if one.tag.endswith("text")]
    assert {"rows of <b>", "exponent 0.04", "stages", "exponent 2.00"} <= set(texts)
    lines = [one for one in drawn.iter() if one.get("stroke-width") == "2"]
    assert [len(str(line.get("points")).split()) for line in lines] == [3, 2]
    for line in lines:
        for point in str(line.get("points")).split():
            x, y = map(float, point.split(","))
            assert 84 <= x <= 530
            assert 24 <= y <= 330


def test_the_files_of_a_page_are_those_that_its_tag_names() -> None:
    names = [path.name for path in loaded_files()]
    assert names[0] == "liveops.css"
    assert "liveops.js" in names
    assert "liveops-admin.js" not in names
    some = loaded_files()[:2]
    assert zipped_bytes(some) == sum(zipped_bytes([path]) for path in some)
