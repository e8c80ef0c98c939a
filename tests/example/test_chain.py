"""The chain of the gallery: each operation hands on what the next one needs."""

from typing import Any

import pytest

from gallery.chain import CountryOperation, bars
from gallery.models import Country, FetchCountries, ReportCountries, TransformCountries
from liveops.models import LogLine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("site")]


def result_of(operation: CountryOperation) -> dict[str, Any]:
    """Return the result of an operation that has one."""
    assert operation.result_context is not None
    result: dict[str, Any] = operation.result_context
    return result


def test_three_operations_from_files_to_figures(demo: Any) -> None:
    operation = FetchCountries.objects.create(owner=demo, region="Oceania")
    operation.enqueue()

    fetch = FetchCountries.objects.get()
    transform = TransformCountries.objects.get()
    report = ReportCountries.objects.get()
    links: list[CountryOperation] = [fetch, transform, report]
    for link in links:
        assert link.get_state() == "FINISHED_OK"
        assert set(link.stage_states.values()) == {"done"}
        assert link.owner == demo
        assert link.region == "Oceania"
    assert fetch.next_operation_id == transform.pk
    assert transform.next_operation_id == report.pk
    assert transform.source == fetch

    assert {facts["region"] for facts in fetch.facts} == {"Oceania"}
    assert result_of(fetch)["countries"] == len(fetch.facts)
    result = result_of(transform)
    assert result["saved"] == Country.objects.count() > 20
    assert result["saved"] + result["left_out"] == len(fetch.facts)
    warnings = LogLine.objects.filter(operation=transform.pk, level="warning")
    assert warnings.count() == result["left_out"] > 0
    assert all(" is left out: " in line.text for line in warnings)

    (region,) = result_of(report)["regions"]
    assert region["region"] == "Oceania"
    assert region["countries"] == Country.objects.count()
    largest = result_of(report)["largest"]
    assert largest[0]["name"] == "Australia"
    assert largest[0]["percent"] == 100
    numbers = [bar["number"] for bar in largest]
    assert numbers == sorted(numbers, reverse=True)


def test_a_second_time_countries_are_updated_and_others_stay(demo: Any) -> None:
    Country.objects.create(
        code="AU", name="Old", region="Oceania", population=1, area=1, capital=""
    )
    Country.objects.create(code="XX", name="Kept", region="Asia", population=1, area=1, capital="")
    FetchCountries.objects.create(owner=demo, region="Oceania").enqueue()
    assert Country.objects.get(code="AU").capital == "Canberra"
    assert Country.objects.get(code="XX").name == "Kept"
    (region,) = result_of(ReportCountries.objects.get())["regions"]
    assert region["region"] == "Oceania", "of what was asked for only"


def test_what_was_fetched_is_forgotten_before_it_is_fetched_anew() -> None:
    operation = FetchCountries(facts=[{"name": "Atlantis"}])
    operation.on_restart()
    assert operation.facts == []


def test_no_country_makes_no_bar() -> None:
    assert bars([]) == []
    assert bars([("Large", 10), ("Small", 1)])[1]["percent"] == 10
