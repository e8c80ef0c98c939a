"""What the wheel says of itself, to installers and in its bill of materials."""

import json
import zipfile
from collections.abc import Iterator
from email.message import Message
from importlib.metadata import metadata as metadata_of
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import liveops
from scripts import bill
from tests.packaging.building import ROOT
from tests.packaging.conftest import NAME

BILL = f"{NAME}.dist-info/sboms/{bill.PATH.name}"


def test_the_metadata_say_what_pyproject_does(metadata: Message) -> None:
    table = bill.project()
    assert (metadata["Name"], metadata["Version"]) == (table["name"], liveops.__version__)
    assert (metadata["License-Expression"], metadata["License-File"]) == ("MIT", "LICENSE")
    assert metadata["Requires-Python"] == ">=3.11"
    every = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
    plain = {str(each) for each in every if each.marker is None}
    assert plain == {str(Requirement(text)) for text in table["dependencies"]}
    assert not any(each.url for each in every), "the registry alone"


def test_the_metadata_are_what_people_search_by(metadata: Message) -> None:
    assert metadata["Summary"]
    assert metadata["Keywords"]
    assert metadata["Author"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert str(metadata.get_payload()).strip() == text.strip()
    # There is no public address, and one that leads nowhere is worse than none.
    assert metadata.get_all("Project-URL") is None


def test_the_classifiers_agree_with_what_is_required(metadata: Message) -> None:
    classifiers = metadata.get_all("Classifier", [])
    assert len(set(classifiers)) == len(classifiers)
    assert classifiers == sorted(classifiers)
    pythons = [int(each) for each in ends(classifiers, "Programming Language :: Python :: 3.")]
    asked = SpecifierSet(metadata["Requires-Python"])
    assert f"3.{min(pythons)}" in asked
    assert f"3.{min(pythons) - 1}" not in asked
    assert pythons == list(range(min(pythons), max(pythons) + 1))
    djangos = ends(classifiers, "Framework :: Django :: ")
    required = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
    [django] = [each for each in required if each.name == "django" and each.marker is None]
    assert djangos
    assert min(djangos) == next(iter(django.specifier)).version


def ends(classifiers: list[str], start: str) -> list[str]:
    """Return what follows a common start of some classifiers."""
    return [each.removeprefix(start) for each in classifiers if each.startswith(start)]


@pytest.mark.promise("wheel-has-its-bill")
def test_the_wheel_carries_a_valid_bill_of_materials(wheel: zipfile.ZipFile) -> None:
    # Seconds of grammars are made with it, by whoever only collects this test, too.
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    text = wheel.read(BILL).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert text == bill.bill(bill.project()), "stale: make sbom"


def test_the_bill_lists_what_the_metadata_ask_for(
    wheel: zipfile.ZipFile, metadata: Message
) -> None:
    document: dict[str, Any] = json.loads(wheel.read(BILL))
    root = document["metadata"]["component"]
    assert root["purl"] == f"pkg:pypi/{metadata['Name']}@{metadata['Version']}"
    assert root["licenses"] == [{"expression": metadata["License-Expression"]}]
    listed = {
        (each["name"], each["scope"], value(each, "requirement"), value(each, "extra"))
        for each in document["components"]
    }
    assert listed == set(asked(metadata))
    assert {each["purl"] for each in document["components"]} == {
        f"pkg:pypi/{name}" for name, *_ in listed
    }
    assert all(each["licenses"] for each in document["components"])


def value(component: dict[str, Any], name: str) -> str:
    """Return what a property of a component says, or an empty string."""
    found = {each["name"]: each["value"] for each in component["properties"]}
    return str(found.get(f"python:{name}", ""))


def asked(metadata: Message) -> Iterator[tuple[str, str, str, str]]:
    """Give what a site may have installed: name, scope, requirement and extra."""
    extras = set(metadata.get_all("Provides-Extra", [])) - bill.OWN_EXTRAS
    for text in metadata.get_all("Requires-Dist", []):
        requirement = Requirement(text)
        marker, requirement.marker = requirement.marker, None
        if marker is None:
            yield requirement.name, "required", str(requirement), ""
        for extra in extras:
            if marker is not None and marker.evaluate({"extra": extra}):
                yield requirement.name, "optional", str(requirement), extra


def test_two_builds_of_the_bill_are_the_same() -> None:
    assert bill.bill(bill.project()) == bill.bill(bill.project())


def test_a_requirement_without_a_licence_has_no_bill() -> None:
    table = bill.project()
    with pytest.raises(KeyError, match="unheard-of"):
        bill.bill({**table, "dependencies": ["unheard-of>=1"]})


def test_the_licences_are_those_that_the_packages_name() -> None:
    named = {name: metadata_of(name)["License-Expression"] for name in bill.LICENCES}
    assert {name: bill.LICENCES[name] for name, told in named.items() if told} == {
        name: told for name, told in named.items() if told
    }
