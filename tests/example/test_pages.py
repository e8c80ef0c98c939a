"""The example's pages: who sees what, and that they keep to the content security policy."""

import re
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.contrib.staticfiles import finders
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from airports import forms
from airports.importer import read_rows
from airports.models import Airport, ImportAirports
from airports.validation import Validator
from tests.example.csv_files import HAMBURG, csv_bytes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("site")]

STRICT = "default-src 'self'"


def upload(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("list.csv", content, content_type="text/csv")


def assert_clean(response: Any) -> None:
    assert response.status_code == 200
    page = response.content.decode()
    assert STRICT in response.headers["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_the_home_page_is_for_everybody(client: Client) -> None:
    response = client.get("/")
    assert_clean(response)
    assert "Your last operations" not in response.content.decode()
    assert "0 airports in the table" in response.content.decode()


@pytest.mark.parametrize("path", ["/import/", f"/both/{UUID(int=1)}/{UUID(int=2)}/", "/live/"])
def test_the_others_ask_for_a_login(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/login/")


@pytest.mark.parametrize("debug", [True, False])
def test_the_demo_login_is_shown_with_debug_only(
    client: Client, settings: Any, debug: bool
) -> None:
    settings.DEBUG = debug
    response = client.get("/login/")
    assert_clean(response)
    assert ("with the password <strong>demo</strong>" in response.content.decode()) is debug


def test_login_and_logout(client: Client, demo: Any) -> None:
    response = client.post("/login/", {"username": "demo", "password": "demo"}, follow=True)
    assert_clean(response)
    assert "Your last operations" in response.content.decode()
    assert client.get("/logout/").status_code == 405
    response = client.post("/logout/", follow=True)
    assert "Log in" in response.content.decode()


def test_the_form_starts_with_a_speed_to_watch(browser_of_demo: Client) -> None:
    response = browser_of_demo.get("/import/")
    assert_clean(response)
    page = response.content.decode()
    assert 'enctype="multipart/form-data"' in page
    assert 'name="rows_per_second" value="4000"' in page


@pytest.mark.django_db(transaction=True)
def test_the_form_leads_to_the_live_page_and_the_import_runs(
    browser_of_demo: Client, demo: Any
) -> None:
    data = {"source": upload(csv_bytes(HAMBURG)), "rows_per_second": "0"}
    response = browser_of_demo.post("/import/", data, follow=True)
    operation = ImportAirports.objects.get()
    assert response.redirect_chain == [(operation.get_absolute_url(), 302)]
    assert_clean(response)
    assert operation.owner == demo
    assert operation.get_state() == "FINISHED_OK"
    assert Airport.objects.count() == 1
    assert '<svg class="air-map"' in response.content.decode()
    home = browser_of_demo.get("/").content.decode()
    assert operation.get_absolute_url() in home
    assert "1 airport in the table" in home


def test_an_empty_file_is_the_importers_to_explain(browser_of_demo: Client) -> None:
    form = forms.ImportForm({"rows_per_second": "0"}, {"source": upload(b"")})
    assert form.is_valid()


def test_no_file_is_the_public_list(browser_of_demo: Client) -> None:
    form = forms.ImportForm({"rows_per_second": "0"}, {})
    assert form.is_valid()
    assert form.instance.source_name == "public list"


def test_a_file_above_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "LARGEST_UPLOAD", 10)
    form = forms.ImportForm({"rows_per_second": "0"}, {"source": upload(b"x" * 11)})
    assert form.errors["source"] == ["The file is larger than 10\xa0bytes."]


def test_two_operations_on_one_page_are_for_those_who_may_see_both(
    browser_of_demo: Client, demo: Any
) -> None:
    other = get_user_model().objects.create_user("other")
    mine, mine_too = (ImportAirports.objects.create(owner=demo) for _ in range(2))
    foreign = ImportAirports.objects.create(owner=other)
    response = browser_of_demo.get(reverse("both", args=[mine.pk, mine_too.pk]))
    assert_clean(response)
    page = response.content.decode()
    assert f'id="op-{mine.pk}"' in page
    assert f'id="op-{mine_too.pk}"' in page
    for pair in ([mine.pk, foreign.pk], [foreign.pk, mine.pk]):
        assert browser_of_demo.get(reverse("both", args=pair)).status_code == 404


def test_seed_demo_makes_the_login_and_repairs_it(
    settings: Any, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.DEBUG = True
    call_command("seed_demo")
    user = get_user_model().objects.get(username="demo")
    assert user.is_superuser
    assert client.login(username="demo", password="demo")
    call_command("seed_demo")
    user.set_password("forgotten")
    user.is_active = False
    user.save()
    call_command("seed_demo")
    assert client.login(username="demo", password="demo")
    assert capsys.readouterr().out.splitlines() == [
        "The login demo / demo is new.",
        "The login demo / demo is as it should be.",
        "The login demo / demo has been reset.",
    ]


def test_seed_demo_refuses_without_debug(settings: Any) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="exists only with DEBUG"):
        call_command("seed_demo")
    assert not get_user_model().objects.exists()


def test_the_file_with_mistakes_holds_good_rows_and_bad_ones() -> None:
    path = finders.find("airports/mistakes.csv")
    assert isinstance(path, str)
    validator = Validator()
    with open(path, "rb") as file:  # noqa: PTH123  (the finder gives a text)
        reasons = {validator.check(row) for row in read_rows(file)} - {""}
    assert len(validator.finish()) == 2
    assert len(reasons) == validator.rejected == 9


def test_an_upload_keeps_its_name(demo: Any) -> None:
    operations = [ImportAirports(owner=demo) for _ in range(2)]
    for operation in operations:
        operation.source.save("list.csv", upload(csv_bytes(HAMBURG)))
    assert [operation.source_name for operation in operations] == ["list.csv"] * 2
    assert len({operation.source.name for operation in operations}) == 2
