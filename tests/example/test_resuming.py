"""The delivery of the gallery: it fails in the middle, and goes on there."""

import csv
import gzip
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from airports.models import PUBLIC_LIST
from gallery import resuming
from gallery.models import DeliverAirports
from gallery.resuming import Done
from liveops import control
from liveops.progress import Progress

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("site")]


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep parcels and deliveries in the test's own folder; the public list is short."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    lines = PUBLIC_LIST.read_text(encoding="utf-8").splitlines(keepends=True)
    short = tmp_path / "short.csv"
    short.write_text("".join([lines[0], *lines[1::60]]), encoding="utf-8")
    monkeypatch.setattr(resuming, "PUBLIC_LIST", short)
    return tmp_path / "media"


@pytest.fixture
def failed(demo: Any) -> DeliverAirports:
    """A delivery that stands before the closed warehouse."""
    operation = DeliverAirports.objects.create(owner=demo)
    operation.enqueue()
    return DeliverAirports.objects.get()


def again(operation: DeliverAirports) -> DeliverAirports:
    """Resume, and return what came of it."""
    control.resume(operation)
    return DeliverAirports.objects.get(pk=operation.pk)


def test_the_closed_warehouse_fails_the_middle_stage(failed: DeliverAirports) -> None:
    assert failed.get_state() == "FINISHED_ERROR"
    assert failed.stage_states == {"Pack": "done", "Deliver": "failed"}
    assert "The warehouse does not answer." in failed.live_progress.error_text
    assert failed.can_resume


def test_resumed_it_keeps_what_is_packed(
    failed: DeliverAirports, media: Path, browser_of_demo: Client
) -> None:
    (parcel,) = (media / "parcels").iterdir()
    packed = parcel.stat().st_mtime_ns
    page = browser_of_demo.post(
        f"/deliver/{failed.pk}/warehouse/", {"warehouse_answers": "on"}, follow=True
    )
    assert "The warehouse answers again." in page.content.decode()
    done = again(failed)
    assert done.get_state() == "FINISHED_OK"
    assert parcel.stat().st_mtime_ns == packed, "it was not packed a second time"
    assert done.result_context is not None
    stages = done.result_context["stages"]
    assert [(stage["name"], stage["is_kept"]) for stage in stages] == [
        ("Pack", True),
        ("Deliver", False),
        ("Recount", False),
    ]
    count = int(stages[0]["text"].split()[0])
    assert 100 < count < 200
    assert stages[2]["text"] == f"{count} airports arrived"
    (arrived,) = (media / "warehouse").iterdir()
    with gzip.open(arrived, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == count
    assert all(row["iata"] for row in rows)


def test_a_parcel_that_is_gone_says_so(failed: DeliverAirports, media: Path) -> None:
    DeliverAirports.objects.update(warehouse_answers=True)
    next((media / "parcels").iterdir()).unlink()
    assert "The parcel is gone" in again(failed).live_progress.error_text


def test_a_parcel_that_was_changed_on_its_way_is_noticed(
    failed: DeliverAirports, monkeypatch: pytest.MonkeyPatch
) -> None:
    DeliverAirports.objects.update(warehouse_answers=True)
    carry = DeliverAirports.done

    def spoil(self: DeliverAirports, p: Progress, path: Path, text: str) -> Done:
        stored = carry(self, p, path, text)
        if path.parent.name == "warehouse":
            path.write_bytes(b"sand")
        return stored

    monkeypatch.setattr(DeliverAirports, "done", spoil)
    stopped = again(failed)
    assert "What has arrived is not what was sent." in stopped.live_progress.error_text
    assert stopped.stage_states == {"Pack": "done", "Deliver": "done", "Recount": "failed"}


def test_the_box_is_for_those_who_may_steer(
    failed: DeliverAirports, demo: Any, client: Client, django_user_model: Any
) -> None:
    address = f"/deliver/{failed.pk}/warehouse/"
    assert client.post(address, {"warehouse_answers": "on"}).status_code == 302, "to the login"
    client.force_login(django_user_model.objects.create_user("other"))
    assert client.post(address, {"warehouse_answers": "on"}).status_code == 404
    assert client.get(address).status_code == 405
    failed.refresh_from_db()
    assert failed.warehouse_answers is False
    client.force_login(demo)
    assert f'action="{address}"' in client.get(failed.get_absolute_url()).content.decode()
    page = client.post(address, {}, follow=True).content.decode()
    assert "The warehouse does not answer." in page
