"""Names that follow from a class: templates."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops.naming import snake_case, template_name

class_names = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,30}", fullmatch=True)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("ImportAirports", "import_airports"),
        ("ImportCSV", "import_csv"),
        ("CSVImport", "csv_import"),
        ("HTTPServerStart", "http_server_start"),
        ("Import2CSV", "import2_csv"),
        ("Deploy", "deploy"),
        ("already_snake", "already_snake"),
        ("A", "a"),
        ("AB", "ab"),
        ("ABc", "a_bc"),
    ],
)
def test_a_class_name_becomes_a_stem(name: str, stem: str) -> None:
    assert snake_case(name) == stem


@given(class_names)
def test_a_stem_is_the_name_in_lower_case_with_single_breaks(name: str) -> None:
    stem = snake_case(name)
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", stem)
    assert stem.replace("_", "") == name.lower()
    assert snake_case(stem) == stem


@pytest.mark.parametrize(
    ("suffix", "path"),
    [
        ("", "shop/import_csv.html"),
        ("_result.html", "shop/import_csv_result.html"),
        ("_result.txt", "shop/import_csv_result.txt"),
    ],
)
def test_a_template_lies_in_its_app_under_its_stem(suffix: str, path: str) -> None:
    assert template_name("shop.ImportCSV", suffix) == path
