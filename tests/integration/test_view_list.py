"""The list: whose operations it shows to whom, and how it stays short and quick."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from liveops.models import LiveOperation
from liveops.states import State
from liveops.views import LiveOperationListView
from tests.integration.edge import person
from tests.integration.overview import links, operation, page, parts, several, urls
from tests.testapp.models import Burst, Flaky, Scripted, Typed, Walk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.testapp.urls")]

LOGIN_QUERIES = 2
"""The session and its user."""


def test_an_empty_list_says_so(client: Client) -> None:
    client.force_login(person("somebody"))
    assert "no operations yet" in page(client).one("p", class_="liveops-empty").text


def test_everybody_sees_the_own_newest_first(client: Client) -> None:
    owner, other = person("owner"), person("other")
    now = timezone.now()
    old = operation(owner=owner, created_on=now - timedelta(days=2))
    new = operation(model=Scripted, owner=owner, created_on=now)
    middle = operation(owner=owner, created_on=now - timedelta(days=1))
    theirs = operation(owner=other)
    system = operation(created_on=now - timedelta(days=3))
    client.force_login(owner)
    assert links(page(client)) == urls(new, middle, old)
    client.force_login(other)
    assert links(page(client)) == urls(theirs)
    client.force_login(person("root", is_superuser=True))
    assert set(links(page(client))) == set(urls(new, middle, old, theirs, system))


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
    walk, other = operation(owner=owner), operation(model=Scripted, owner=owner)
    mine = operation(model=Scripted, owner=somebody)
    client.force_login(somebody)
    shown = links(page(client))
    assert (walk.get_absolute_url() in shown) == walks == walk.can_view(somebody)
    assert (other.get_absolute_url() in shown) == others == other.can_view(somebody)
    assert mine.get_absolute_url() in shown


def test_the_list_is_for_those_who_may_enter(client: Client, settings: Any) -> None:
    for url in ("/live/", "/live/?fragments=1", "/live/badge/"):
        response = client.get(url)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/accounts/login/?next=/live/")
    settings.LIVEOPS = {"REQUIRED_GROUP": "crew"}
    client.force_login(person("outsider"))
    for url in ("/live/", "/live/?fragments=1", "/live/badge/"):
        assert client.get(url).status_code == 403
    client.force_login(person("insider", group="crew"))
    for url in ("/live/", "/live/?fragments=1", "/live/badge/"):
        assert client.get(url).status_code == 200


def test_an_operation_whose_class_is_gone_is_listed_all_the_same(client: Client) -> None:
    root = person("root", is_superuser=True)
    gone, odd = operation(State.STARTED), operation(State.FINISHED_OK, next_operation=operation())
    LiveOperation.objects.filter(pk=gone.pk).update(operation_type="old.Gone")
    LiveOperation.objects.filter(pk=odd.pk).update(operation_type="no label")
    client.force_login(root)
    titles = {row.all("a")[0].text for row in page(client).all("li", class_="liveops-row")}
    assert titles == {"old.Gone", "no label", "Walk"}


# Pages


def test_a_long_list_has_pages(client: Client) -> None:
    owner = person("owner")
    client.force_login(owner)
    operations = several(55, owner=owner)
    first, second, third = (page(client, f"/live/?page={number}") for number in (1, 2, 3))
    assert [*links(first), *links(second), *links(third)] == urls(*operations)
    assert [len(links(shown)) for shown in (first, second, third)] == [25, 25, 5]
    assert first.one("a", rel="next").attributes["href"] == "?page=2"
    assert first.all("a", rel="prev") == []
    assert second.one("a", rel="prev").attributes["href"] == "?"
    assert second.one("a", rel="next").attributes["href"] == "?page=3"
    assert third.all("a", rel="next") == []
    assert "Page 3 of 3" in third.one("nav", class_="liveops-pages").text
    assert page(client, "/live/?state=STARTED").all("nav", class_="liveops-pages") == []


@pytest.mark.parametrize("number", ["4", "999999999", "99999999999999999999"])
def test_a_page_beyond_the_last_shows_the_last(client: Client, number: str) -> None:
    owner = person("owner")
    client.force_login(owner)
    operations = several(30, owner=owner)
    shown = page(client, f"/live/?page={number}")
    expected = operations[:25] if len(number) > 9 else operations[25:]
    assert links(shown) == urls(*expected)


@pytest.mark.parametrize("number", ["0", "-1", "x", "", "1.5", "٣", "last"])
def test_a_page_that_cannot_be_is_the_first(client: Client, number: str) -> None:
    owner = person("owner")
    client.force_login(owner)
    operations = several(30, owner=owner)
    assert links(page(client, f"/live/?page={number}")) == urls(*operations[:25])


def test_what_is_too_many_to_count_is_not_counted(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liveops.overview.listing.COUNTED", 40)
    owner = person("owner")
    client.force_login(owner)
    operations = several(55, owner=owner)
    second, third = page(client, "/live/?page=2"), page(client, "/live/?page=3")
    assert second.one("nav", class_="liveops-pages").one("span").text == "Page 2"
    assert second.one("a", rel="next").attributes["href"] == "?page=3"
    assert links(third) == urls(*operations[50:])
    assert links(page(client, "/live/?page=9")) == urls(*operations[50:])
    assert [chip.text.split() for chip in second.all("a", class_="liveops-chip")] == [
        ["All", "40+"],
        ["Waiting", "40+"],
    ]


def test_the_context_speaks_of_pages_as_other_lists_do(client: Client) -> None:
    owner = person("owner")
    client.force_login(owner)
    several(30, owner=owner)
    context = client.get("/live/?page=2").context
    assert (context["page_obj"].number, context["paginator"].num_pages) == (2, 2)
    assert context["is_paginated"]
    assert not context["page_obj"].has_next()
    assert [row.title for row in context["object_list"]] == ["Walk"] * 5


# What it costs


def test_a_page_costs_the_same_few_queries_whatever_is_on_it(client: Client) -> None:
    viewer = person("viewer", "liveops.view_liveoperation")
    client.force_login(viewer)

    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            page(client, url)
        return len(captured)

    none = queries("/live/")
    for count, model in enumerate((Walk, Scripted, Burst, Flaky, Typed) * 5):
        following = operation(State.NOT_STARTED, model=model, owner=person(f"owner {count}"))
        operation(State.FINISHED_OK, owner=viewer, next_operation=following)
    assert queries("/live/") == queries("/live/?q=walk&page=2") == none
    permissions, badge = 2, 1
    assert none - LOGIN_QUERIES - permissions - badge == 3


# Subclasses


def test_a_list_of_one_class(client: Client) -> None:
    owner = person("owner")
    client.force_login(owner)
    walk = operation(owner=owner)
    operation(model=Scripted, owner=owner)
    shown = page(client, "/walks/?model=testapp.Scripted")
    assert links(shown) == urls(walk)
    assert shown.all("select", name="type") == []
    root = shown.one(data_liveops_view="list")
    assert root.attributes["data-liveops-query"] == "model=testapp.Walk"
    walk.delete()
    assert "no operations yet" in page(client, "/walks/").one("p", class_="liveops-empty").text


class Chosen(LiveOperationListView):
    """A list of what a project chooses."""

    model = Walk

    def get_queryset(self) -> "QuerySet[Any]":
        """Return operations of the class's own table."""
        return Walk.objects.filter(label="chosen")


def test_a_list_that_chooses_its_operations_is_kept_up_to_date_by_fetching() -> None:
    chosen = operation(State.STARTED, label="chosen")
    operation(State.STARTED, label="other")
    request = RequestFactory().get("/chosen/")
    request.user = person("root", is_superuser=True)
    response: Any = Chosen.as_view()(request)
    html = response.render().content.decode()
    assert f"liveops-row-{chosen.pk}" in html
    assert html.count('class="liveops-row"') == 1
    assert "data-liveops-query" not in html
    assert 'data-liveops-url="?fragments=1' in html


def test_a_list_with_pages_of_another_size_is_kept_up_to_date_by_fetching() -> None:
    several(5)
    request = RequestFactory().get("/few/?page=2")
    request.user = person("root", is_superuser=True)
    response: Any = LiveOperationListView.as_view(paginate_by=2)(request)
    html = response.render().content.decode()
    assert html.count('class="liveops-row"') == 2
    assert "Page 2 of 3" in html
    assert "data-liveops-query" not in html


# Without a socket, without JavaScript


def test_a_page_without_a_socket_fetches_what_changes(client: Client) -> None:
    owner = person("owner")
    client.force_login(owner)
    one = operation(State.STARTED, owner=owner)
    several(3, owner=owner)
    response = client.get("/live/?fragments=1&state=STARTED")
    frame = response.json()
    assert frame["view"] == "list"
    assert set(parts(frame["liveop_html"])) == {
        "liveops-counts",
        "liveops-rows",
        "liveops-pages",
    }
    assert links(parts(frame["liveop_html"])["liveops-rows"]) == urls(one)
    assert "fragments" not in frame["liveop_html"]
    shown = page(client, "/live/?state=STARTED").one(data_liveops_view="list").attributes
    assert shown["data-liveops-mark"] == frame["mark"]
    assert client.get(f"/live/{shown['data-liveops-url']}").json()["mark"] == frame["mark"]
    headers = {"If-None-Match": response.headers["ETag"]}
    again = client.get("/live/?fragments=1&state=STARTED", headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    LiveOperation.objects.filter(pk=one.pk).update(cancel_requested=True)
    assert client.get("/live/?fragments=1&state=STARTED", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("state", "refreshes"),
    [(State.NOT_STARTED, True), (State.STARTED, True), (State.FINISHED_OK, False)],
)
def test_without_javascript_the_page_refreshes_while_something_is_under_way(
    client: Client, state: str, refreshes: bool
) -> None:
    owner = person("owner")
    client.force_login(owner)
    operation(state, owner=owner)
    html = client.get("/live/").content.decode()
    assert ('<noscript><meta http-equiv="refresh"' in html) == refreshes
