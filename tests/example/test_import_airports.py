"""The operation as a whole: what a run leaves in the tables, in the log and as a result."""

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError
from django.template.loader import render_to_string

from airports import models
from airports.models import Airport, ImportAirports
from airports.pacing import Pacer
from liveops import registry
from liveops.models import LogLine
from liveops.progress.pumps import InlinePump
from liveops.runners.executor import execute
from tests.example.csv_files import HAMBURG, TOKYO, csv_bytes

pytestmark = pytest.mark.django_db(transaction=True)


def run(content: bytes | None, **fields: Any) -> ImportAirports:
    """Import a file, or the public list, and return the operation as it was stored."""
    operation = ImportAirports(**fields)
    if content is not None:
        operation.source.save("list.csv", ContentFile(content), save=False)
    operation.save()
    execute(operation, pump=InlinePump(), sinks=[], web=False)
    return ImportAirports.objects.get(pk=operation.pk)


def log_of(operation: ImportAirports) -> list[tuple[str, str]]:
    lines = LogLine.objects.filter(operation=operation.pk)
    return list(lines.values_list("level", "text"))


def test_good_rows_are_saved_and_bad_ones_are_named() -> None:
    operation = run(csv_bytes(HAMBURG, TOKYO.replace("RJTT", ""), HAMBURG, TOKYO))
    assert operation.get_state() == "FINISHED_OK"
    assert set(operation.stage_states.values()) == {"done"}
    assert log_of(operation) == [
        ("info", "reading list.csv"),
        ("info", "4 rows read"),
        ("warning", "line 3: the code is missing"),
        ("warning", "line 4: the code “EDDH” was already in line 2"),
        ("info", "2 rows are good, 2 are rejected"),
        ("success", "saved 2 airports, 2 of them new"),
    ]
    result = operation.result_context
    assert result is not None
    grid = result.pop("map")
    assert result == {
        "read": 4,
        "valid": 2,
        "rejected": 2,
        "created": 2,
        "updated": 0,
        "country_count": 2,
        "countries": [["DE", 1], ["JP", 1]],
    }
    assert sum(row.count("1") for row in grid["rows"]) == 2
    hamburg = Airport.objects.get(ident="EDDH")
    assert (hamburg.name, hamburg.iata, hamburg.timezone) == (
        "Hamburg Airport",
        "HAM",
        "Europe/Berlin",
    )


def test_a_second_import_updates_what_the_first_created() -> None:
    run(csv_bytes(HAMBURG))
    before = Airport.objects.get(ident="EDDH")
    operation = run(csv_bytes(HAMBURG.replace("Hamburg Airport", "Helmut Schmidt"), TOKYO))
    result = operation.result_context
    assert result is not None
    assert (result["created"], result["updated"]) == (1, 1)
    after = Airport.objects.get(ident="EDDH")
    assert after.pk == before.pk
    assert after.name == "Helmut Schmidt"


@pytest.mark.parametrize(
    ("content", "sentence", "stage"),
    [
        (b"", "line 1: the file is empty", "Load"),
        (
            b"icao,name,country,lon\n",
            "line 1: the column “lat” is missing; found: icao, name, country, lon",
            "Load",
        ),
        (
            csv_bytes(HAMBURG) + b"LOWW,VIE,Fl\xfcghafen",
            "line 3, column 12: byte 0xFC is not UTF-8; save the file as CSV in UTF-8",
            "Load",
        ),
        (csv_bytes(), "line 2: there are no rows below the header", "Load"),
        (
            csv_bytes(HAMBURG.replace("DE", "")),
            "line 2: the country “” is not a code of 2 letters; the only row is rejected",
            "Validate",
        ),
    ],
)
def test_a_file_at_fault_fails_and_changes_nothing(
    content: bytes, sentence: str, stage: str
) -> None:
    run(csv_bytes(TOKYO))
    operation = run(content)
    assert operation.get_state() == "FINISHED_ERROR"
    assert operation.live_progress.error_text == sentence
    assert operation.stage_states[stage] == "failed"
    assert list(Airport.objects.values_list("ident", flat=True)) == ["RJTT"]


def test_a_save_that_breaks_half_way_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "BATCH_SIZE", 1)

    def step(pacer: Any, count: int = 1) -> None:
        if Airport.objects.exists():
            raise IntegrityError

    monkeypatch.setattr(Pacer, "step", step)
    operation = run(csv_bytes(HAMBURG, TOKYO))
    assert operation.get_state() == "FINISHED_ERROR"
    assert operation.stage_states == {"Load": "done", "Validate": "done", "Save": "failed"}
    assert not Airport.objects.exists()


def test_a_cancel_during_save_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "BATCH_SIZE", 1)
    operation = ImportAirports()
    operation.source.save("list.csv", ContentFile(csv_bytes(HAMBURG, TOKYO)), save=False)
    operation.save()

    def step(pacer: Any, count: int = 1) -> None:
        current = registry.find(operation.pk)
        assert current is not None
        if Airport.objects.exists():
            current.note_cancel()

    monkeypatch.setattr(Pacer, "step", step)
    execute(operation, pump=InlinePump(), sinks=[], web=False)
    operation.refresh_from_db()
    assert operation.get_state() == "CANCELLED"
    assert operation.stage_states["Save"] == "cancelled"
    assert not Airport.objects.exists()


def test_a_file_that_is_gone_is_explained() -> None:
    operation = ImportAirports.objects.create(source="imports/gone.csv")
    execute(operation, pump=InlinePump(), sinks=[], web=False)
    assert (
        operation.live_progress.error_text
        == "The uploaded file is no longer there; upload it again."
    )


def test_the_public_list_is_imported_and_shown() -> None:
    operation = run(None)
    result = operation.result_context
    assert result is not None
    assert result["read"] == result["valid"] + result["rejected"] > 28_000
    assert result["created"] == Airport.objects.count() == result["valid"]
    assert result["countries"][0][0] == "US"
    assert len(result["countries"]) == 15

    page = render_to_string("airports/import_airports_result.html", result)
    assert page.count('class="air-dots ') == 10  # five on the map, five in its legend
    assert f"{result['valid']:,}" in page
    assert "United States" in page
    assert "style=" not in page
    assert "<script" not in page

    text = render_to_string("airports/import_airports_result.txt", result)
    assert f"Valid: {result['valid']:,}" in text
    assert f"United States             {result['countries'][0][1]:,} {'█' * 30}\n" in text


@pytest.mark.parametrize(
    ("wanted", "count", "rate"),
    [(0, 28_000, 0), (4_000, 28_000, 4_000), (10, 28_000, 3_500), (10, 8, 10)],
)
def test_saving_is_not_slowed_down_until_other_writers_give_up(
    wanted: int, count: int, rate: float
) -> None:
    assert ImportAirports(rows_per_second=wanted).saving_rate(count) == rate
