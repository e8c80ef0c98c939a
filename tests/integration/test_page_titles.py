"""What a live page is called, and whom its head names."""

from typing import Any

import pytest
from django.test import Client

from tests.integration.edge import person
from tests.integration.markup import Element, parse
from tests.integration.overview import page
from tests.testapp.models import Walk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.testapp.urls")]


@pytest.fixture
def walk(client: Client) -> Walk:
    """Return the operation of a user who is logged in."""
    user = person("owner", is_superuser=True)
    client.force_login(user)
    return Walk.objects.create(owner=user, label="hill")


def live(client: Client, walk: Walk) -> Element:
    """Return the page of an operation."""
    return parse(client.get(walk.get_absolute_url()).content.decode())


def title(shown: Element) -> str:
    """Return the title of a page."""
    return shown.one("title").text.strip()


def somebody(shown: Element) -> str:
    """Return who is named below the heading of a page."""
    return shown.one("p", class_="liveops-meta liveop-note").one("span").text


def test_two_tabs_of_one_class_can_be_told_apart(client: Client, walk: Walk) -> None:
    shown = live(client, walk)
    assert title(shown) == f"Walk {str(walk.pk)[:8]}"
    assert shown.one("h1").text == "Walk"
    assert shown.one("header", class_="liveops-page-head").one("code").text == str(walk.pk)[:8]


def test_a_class_names_its_operations_itself(
    client: Client, walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Walk, "__str__", lambda op: f"Up the <{op.label}>\nand down")
    shown = live(client, walk)
    assert title(shown) == "Up the <hill>"
    assert shown.one("h1").text == "Up the <hill>"
    assert shown.one("section").attributes["aria-label"] == "Up the <hill>"
    monkeypatch.setattr(Walk, "__str__", lambda op: "long " * 100)
    assert len(title(live(client, walk))) == 200


@pytest.mark.parametrize("said", [lambda op: 1 / 0, lambda op: " \n"])
def test_one_that_cannot_say_its_name_has_that_of_its_class(
    client: Client, walk: Walk, monkeypatch: pytest.MonkeyPatch, said: Any
) -> None:
    monkeypatch.setattr(Walk, "__str__", said)
    shown = live(client, walk)
    assert title(shown) == f"Walk {str(walk.pk)[:8]}"
    assert shown.one("h1").text == "Walk"


def test_what_nobody_owns_belongs_to_the_system(client: Client, walk: Walk) -> None:
    assert somebody(live(client, walk)) == "owner"
    walk.owner = None
    walk.save()
    assert somebody(live(client, walk)) == "system"
    assert page(client).one("span", class_="liveops-owner").text == "system"
