"""Read the countries that the package countryinfo brings. Plain Python: nothing knows Django.

The package keeps a JSON file for each, as people have gathered them: some lack figures, one country
is there twice, and one is no more. :func:`check` finds out.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import countryinfo

#: A file for each country.
FOLDER = Path(countryinfo.__file__).with_name("data")
REGIONS = ("Africa", "Americas", "Asia", "Europe", "Oceania")
_KEPT = ("name", "ISO", "capital", "region", "population", "area")


class CountryRecord(NamedTuple):
    """One country with all its figures; the fields are named as those of the model."""

    code: str
    name: str
    capital: str
    region: str
    population: int
    area: float


def files() -> list[Path]:
    """Return the file of each country, in the order of their names."""
    return sorted(FOLDER.glob("*.json"))


def read(file: Path) -> dict[str, Any]:
    """Return what a file says of its country, as it stands there, but for its borders."""
    facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return {key: facts[key] for key in _KEPT if key in facts}


def check(facts: Mapping[str, Any]) -> CountryRecord | str:
    """Return a country, or the reason why the facts make none."""
    code = str(facts.get("ISO", {}).get("alpha2", ""))
    if len(code) != 2:
        return "there is no code of two letters"
    if facts.get("region") not in REGIONS:
        return "it belongs to no region"
    for key in ("population", "area"):
        if not facts.get(key):
            return f"there is no {key}"
    return CountryRecord(
        code,
        str(facts["name"]),
        str(facts.get("capital", "")),
        str(facts["region"]),
        int(facts["population"]),
        float(facts["area"]),
    )
