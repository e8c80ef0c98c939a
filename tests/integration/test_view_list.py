"""The list: whose operations it shows to whom, and how it stays short and quick."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from liveops import store
from tests.integration.edge import person
from tests.integration.markup import Element, parse
from tests.testapp.models import Scripted, Walk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.testapp.urls")]


def listed(client: Client, url: str = "/live/") -> list[Element]:
    """Return the rows of the list, which must be well-formed."""
    response = client.get(url)
    assert response.status_code == 200
    lists = parse(response.content.decode()).all("ul", class_="liveops-list")
    return lists[0].elements if lists else []


def links(client: Client, url: str = "/live/") -> list[str]:
    """Return where the rows lead to."""
    return [row.one("a").attributes["href"] for row in listed(client, url)]


def urls(*operations: Any) -> list[str]:
    return [operation.get_absolute_url() for operation in operations]


def test_an_empty_list_says_so(client: Client) -> None:
    client.force_login(person("somebody"))
    response = client.get("/live/")
    assert parse(response.content.decode()).one("p", class_="liveops-empty").text


def test_a_row_names_the_class_the_state_and_what_goes_on(client: Client) -> None:
    owner = person("owner")
    client.force_login(owner)
    operation = Walk.objects.create(owner=owner)
    claim = store.claim(operation)
    assert claim is not None
    values = {"seq": 1, "log_seq": 0, "status_text": "Half <way>", "percent": 42.25}
    store.save_rows(operation, values, keep_lines=10)
    (row,) = listed(client)
    assert row.one("a").text == "Walk"
    assert row.one("a").attributes["href"] == operation.get_absolute_url()
    assert row.one("span", class_="liveop-badge").attributes["data-state"] == "STARTED"
    assert row.one("progress").attributes["value"] == "42.2"
    assert "Half <way>" in row.text
    assert "owner" in row.text


def test_everybody_sees_the_own_newest_first(client: Client) -> None:
    owner, other = person("owner"), person("other")
    now = timezone.now()
    old = Walk.objects.create(owner=owner, created_on=now - timedelta(days=2))
    new = Scripted.objects.create(owner=owner, created_on=now)
    middle = Walk.objects.create(owner=owner, created_on=now - timedelta(days=1))
    theirs = Walk.objects.create(owner=other)
    system = Walk.objects.create(created_on=now - timedelta(days=3))
    client.force_login(owner)
    assert links(client) == urls(new, middle, old)
    client.force_login(other)
    assert links(client) == urls(theirs)
    client.force_login(person("root", is_superuser=True))
    assert set(links(client)) == set(urls(new, middle, old, theirs, system))


@pytest.mark.parametrize(
    ("permission", "walks", "others"),
    [
        ("liveops.view_liveoperation", True, True),
        ("liveops.change_liveoperation", True, True),
        ("testapp.view_walk", True, False),
        ("testapp.change_walk", True, False),
        ("testapp.delete_walk", False, False),
    ],
)
def test_the_list_shows_what_the_pages_would(
    client: Client, permission: str, walks: bool, others: bool
) -> None:
    owner, somebody = person("owner"), person("somebody", permission)
    walk, other = Walk.objects.create(owner=owner), Scripted.objects.create(owner=owner)
    mine = Scripted.objects.create(owner=somebody)
    client.force_login(somebody)
    shown = links(client)
    assert (walk.get_absolute_url() in shown) == walks == walk.can_view(somebody)
    assert (other.get_absolute_url() in shown) == others == other.can_view(somebody)
    assert mine.get_absolute_url() in shown


def test_a_list_of_one_class(client: Client) -> None:
    owner = person("owner")
    client.force_login(owner)
    walk = Walk.objects.create(owner=owner)
    Scripted.objects.create(owner=owner)
    assert links(client, "/walks/") == urls(walk)


def test_the_list_is_for_those_who_may_enter(client: Client, settings: Any) -> None:
    response = client.get("/live/")
    assert response.headers["Location"] == "/accounts/login/?next=/live/"
    settings.LIVEOPS = {"REQUIRED_GROUP": "crew"}
    client.force_login(person("outsider"))
    assert client.get("/live/").status_code == 403
    client.force_login(person("insider", group="crew"))
    assert client.get("/live/").status_code == 200


def test_a_long_list_has_pages_and_costs_no_query_a_row(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    owner = person("owner")
    client.force_login(owner)
    operations = [Walk.objects.create(owner=owner) for _ in range(27)]
    with django_assert_max_num_queries(10):
        first = links(client)
    second = links(client, "/live/?page=2")
    assert (len(first), len(second)) == (25, 2)
    assert sorted(first + second) == sorted(urls(*operations))
    shown = parse(client.get("/live/").content.decode())
    assert shown.one("a", rel="next").attributes["href"] == "?page=2"
    assert client.get("/live/?page=9").status_code == 404
