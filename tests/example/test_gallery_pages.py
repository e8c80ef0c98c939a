"""The start page: a card for each example, which starts it, and leads to source and docs."""

import re
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from gallery.cards import CARDS, DOCS, PROJECT, Card
from gallery.models import CheckLinks, FetchCountries, NightlySummary
from gallery.reading import rendered
from tests.example.test_pages import assert_clean

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("site")]
cards = pytest.mark.parametrize("card", CARDS, ids=[card.name for card in CARDS])


@cards
def test_a_card_leads_to_what_it_names(card: Card) -> None:
    assert (PROJECT / card.source).is_file()
    assert (DOCS / card.docs).is_file()
    assert card.has_docs
    assert reverse(card.name)


@cards
def test_its_button_sends_what_the_form_takes(card: Card) -> None:
    data = QueryDict(mutable=True)
    for name, value in card.presets():
        data.appendlist(name, value)
    form = card.form(data)
    assert form.is_valid(), form.errors
    unchanged = {name: field.initial for name, field in form.fields.items()}
    for name in unchanged.keys() & {"rows_per_second", "countries_per_second"}:
        assert form.cleaned_data[name] > 0, "there is something to watch"


def test_the_start_page_has_them_all_in_order(client: Client) -> None:
    response = client.get("/")
    assert_clean(response)
    page = response.content.decode()
    for card in CARDS:
        assert f'<form class="site-actions" method="post" action="{reverse(card.name)}">' in page
        assert f"run_liveop {card.command}" in page
        assert f'href="{reverse("source", args=[card.name])}"' in page
        assert f'href="/docs/{card.docs}"' in page
    assert re.findall(r"<h(\d)", page) == ["1", *["2"] * len(CARDS)]
    names = re.findall(r'aria-label="((?:Source|Options|Documentation): [^"]+)"', page)
    assert len(names) == len(set(names)) == 3 * len(CARDS)
    assert "liveops/liveops.js" in page


@cards
def test_the_page_of_an_example_is_for_users(card: Card, client: Client, demo: Any) -> None:
    response = client.get(reverse(card.name))
    assert response.headers["Location"] == f"/login/?next={reverse(card.name)}"
    client.force_login(demo)
    response = client.get(reverse(card.name))
    assert_clean(response)
    page = response.content.decode()
    for name in re.findall(r'aria-describedby="([^"]+)"', page):
        assert f'id="{name}"' in page


def test_a_button_starts_the_chain_for_its_user(
    browser_of_demo: Client, demo: Any, django_capture_on_commit_callbacks: Any
) -> None:
    response = browser_of_demo.post("/chain/", {"region": "Asia", "countries_per_second": "9"})
    operation = FetchCountries.objects.get()
    assert response.headers["Location"] == operation.get_absolute_url()
    assert (operation.owner, operation.region) == (demo, "Asia")
    assert operation.countries_per_second == 9


def test_links_are_followed_where_the_request_came_to(
    browser_of_demo: Client, settings: Any
) -> None:
    browser_of_demo.post("/links/", {"at_once": "2", "address": "http://elsewhere.test/"})
    assert CheckLinks.objects.get().address == "http://testserver/"
    CheckLinks.objects.all().delete()
    settings.SITE_ADDRESS = "http://web:8000/"
    browser_of_demo.post("/links/", {"at_once": "2"})
    assert CheckLinks.objects.get().address == "http://web:8000/"
    assert CheckLinks().address == "http://web:8000/", "in a terminal, too"


def test_the_nights_of_the_system_are_for_superusers(
    browser_of_demo: Client, demo: Any, admin_client: Client
) -> None:
    night = NightlySummary.objects.create()
    own = NightlySummary.objects.create(owner=demo)
    page = browser_of_demo.get("/nightly/").content.decode()
    assert night.get_absolute_url() not in page
    assert own.get_absolute_url() in page
    assert "15 2 * * *" in page
    page = admin_client.get("/nightly/").content.decode()
    assert night.get_absolute_url() in page
    assert "the system ·" in page


def test_the_source_is_shown_in_colours(client: Client) -> None:
    response = client.get("/source/chain/")
    assert_clean(response)
    page = response.content.decode()
    assert '<span class="code-nc">FetchCountries</span>' in page
    assert client.get("/source/settings/").status_code == 404


def test_the_documentation_is_shown_as_it_is_written(client: Client) -> None:
    response = client.get("/docs/how-to/chaining.md")
    assert_clean(response)
    page = response.content.decode()
    assert '<h2 id="who-sees-what">Who sees what</h2>' in page
    assert "<table>" in page
    assert client.get("/docs/images/running.png").headers["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    "path", ["nowhere.md", "../README.md", "..%2Fpyproject.toml", "conf.py", "how-to", "%2e%2e/x"]
)
def test_no_other_file_can_be_read_there(client: Client, path: str) -> None:
    assert client.get(f"/docs/{path}").status_code == 404


def test_links_to_what_is_not_documentation_become_text() -> None:
    text = "# A *title*\n\n[kept](stages.md#resume) [gone](../../README.md) [away](https://x.test)"
    title, body = rendered(text + " <b>raw</b>", DOCS / "reference", DOCS)
    assert title == "A *title*"
    assert '<a href="stages.md#resume">kept</a> <a>gone</a> <a href="https://x.test">' in body
    assert "&lt;b&gt;raw" in body
