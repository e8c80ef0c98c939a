"""The files of countries: what is read of them, and which make no country."""

from typing import Any

import pytest

from gallery import countries
from gallery.countries import CountryRecord

WHOLE: dict[str, Any] = {
    "name": "Iceland",
    "ISO": {"alpha2": "IS", "alpha3": "ISL"},
    "capital": "Reykjavik",
    "region": "Europe",
    "population": 328_170,
    "area": 103_000,
}


def test_the_package_has_the_world() -> None:
    read = [countries.read(file) for file in countries.files()]
    assert len(read) > 240
    assert all("geoJSON" not in facts for facts in read), "borders are most of a file"
    checked = [countries.check(facts) for facts in read]
    found = {country.code: country for country in checked if isinstance(country, CountryRecord)}
    assert len(found) > 220
    assert {country.region for country in found.values()} == set(countries.REGIONS)
    assert found["JP"].capital == "Tokyo"


def test_whole_facts_make_a_country() -> None:
    record = CountryRecord("IS", "Iceland", "Reykjavik", "Europe", 328_170, 103_000.0)
    assert countries.check(WHOLE) == record


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ISO": {}}, "there is no code of two letters"),
        ({"ISO": {"alpha2": "ISL"}}, "there is no code of two letters"),
        ({"region": ""}, "it belongs to no region"),
        ({"population": 0}, "there is no population"),
        ({"area": None}, "there is no area"),
    ],
    ids=["no-code", "long-code", "no-region", "nobody", "no-area"],
)
def test_others_say_why_they_make_none(changed: dict[str, Any], reason: str) -> None:
    assert countries.check({**WHOLE, **changed}) == reason
