"""The badge: whose operations it counts, what it says, and where it stands."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from liveops.states import State
from tests.integration.edge import person
from tests.integration.markup import Element, parse
from tests.integration.overview import operation, page, parts
from tests.testapp.models import Burst, Scripted, Walk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.testapp.urls")]

TAG = "{% load liveops %}{% live_operation_badge %}"


def rendered(user: Any, source: str = TAG) -> str:
    """Return what the tag gives on a page of a user."""
    request = RequestFactory().get("/")
    request.user = user
    return Template(source).render(Context({"request": request}))


def badge(user: Any) -> Element:
    """Return the badge of a user."""
    return parse(rendered(user)).one(id="liveops-badge")


def said(user: Any) -> str:
    """Return what the link to the list says."""
    text = badge(user).one("a", id="liveops-badge-list").text
    return " ".join(text.split()).removeprefix("Operations: ")


@pytest.fixture
def owner() -> User:
    """Return somebody with operations."""
    return person("owner")


def test_it_counts_what_runs_waits_and_failed(owner: User) -> None:
    for state in State:
        operation(state, owner=owner)
    operation(State.STARTED, owner=owner)
    assert said(owner) == "2 running · 1 waiting · 1 failed"
    assert badge(owner).one("a", id="liveops-badge-list").attributes["href"] == "/live/"


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (State.STARTED, "1 running"),
        (State.NOT_STARTED, "1 waiting"),
        (State.FINISHED_ERROR, "1 failed"),
        (State.FINISHED_OK, "Operations"),
        (State.CANCELLED, "Operations"),
    ],
)
def test_it_says_no_more_than_there_is(owner: User, state: str, text: str) -> None:
    operation(state, owner=owner)
    assert said(owner) == text
    is_active = "data-liveops-active" in rendered(owner)
    assert is_active == (not State(state).is_final)


def test_failures_are_news_for_an_hour(owner: User) -> None:
    ago = timezone.now() - timedelta(minutes=61)
    operation(State.FINISHED_ERROR, owner=owner, finished_on=ago)
    assert said(owner) == "Operations"
    operation(State.FINISHED_ERROR, owner=owner, finished_on=ago + timedelta(minutes=2))
    assert said(owner) == "1 failed"


def test_it_names_the_newest_that_runs(owner: User) -> None:
    now = timezone.now()
    operation(State.STARTED, Scripted, owner=owner, created_on=now - timedelta(hours=1))
    newest = operation(State.STARTED, Burst, owner=owner, progress={"percent": 42.9})
    operation(State.NOT_STARTED, Walk, owner=owner, created_on=now + timedelta(hours=1))
    link = badge(owner).one("a", id="liveops-badge-newest")
    assert link.text.split() == ["Burst", "42", "%"]
    assert link.attributes["href"] == newest.get_absolute_url()


def test_it_names_none_when_none_runs(owner: User) -> None:
    operation(owner=owner)
    assert badge(owner).all("a", id="liveops-badge-newest") == []


def test_it_counts_what_the_user_may_see(owner: User) -> None:
    operation(State.STARTED, Walk, owner=owner)
    operation(State.STARTED, Scripted, owner=owner)
    operation(State.STARTED, Scripted)
    assert said(owner) == "2 running"
    assert said(person("stranger")) == "Operations"
    assert said(person("viewer", "testapp.view_walk")) == "1 running"
    assert said(person("all", "liveops.view_liveoperation")) == "3 running"
    assert said(person("root", is_superuser=True)) == "3 running"


def test_there_is_none_for_whoever_may_not_enter(owner: User, settings: Any) -> None:
    operation(State.STARTED, owner=owner)
    assert rendered(AnonymousUser()).strip() == ""
    assert Template(TAG).render(Context()).strip() == ""
    assert Template(TAG).render(Context({"request": RequestFactory().get("/")})).strip() == ""
    settings.LIVEOPS = {"REQUIRED_GROUP": "crew"}
    assert rendered(owner).strip() == ""
    assert said(person("insider", group="crew")) == "Operations"


def test_it_does_not_count_for_ever(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liveops.overview.badge.COUNTED", 3)
    for _ in range(5):
        operation(owner=owner)
    assert said(owner) == "3+ waiting"


def test_it_costs_one_query_and_one_more_for_what_runs(owner: User) -> None:
    root = person("root", is_superuser=True)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            rendered(root)
        return len(captured)

    assert queries() == 1
    for _ in range(20):
        operation(State.STARTED, owner=owner)
        operation(owner=owner)
    assert queries() == 2


def test_it_does_not_talk_to_those_who_listen(owner: User) -> None:
    operation(State.STARTED, owner=owner)
    found = badge(owner)
    assert found.attributes["aria-live"] == "off"
    assert found.all(role="status") == found.all(role="alert") == []
    assert all(icon.attributes["aria-hidden"] for icon in found.all(class_="liveop-icon"))


def test_it_stands_on_every_page_of_ours(client: Client, owner: User) -> None:
    one = operation(State.STARTED, owner=owner)
    client.force_login(owner)
    for url in ("/live/", one.get_absolute_url(), "/walk/"):
        header = page(client, url).one("header", class_="liveops-header")
        assert len(header.all(id="liveops-badge")) == 1


def test_a_page_without_a_socket_fetches_it(client: Client, owner: User) -> None:
    one = operation(State.STARTED, owner=owner)
    client.force_login(owner)
    url = badge(owner).attributes["data-liveops-url"]
    response = client.get(url)
    frame = response.json()
    assert frame["view"] == "badge"
    assert frame["mark"] == badge(owner).attributes["data-liveops-mark"]
    assert "1 running" in parts(frame["liveop_html"])["liveops-badge"].text
    headers = {"If-None-Match": response.headers["ETag"]}
    assert client.get(url, headers=headers).status_code == 304
    one.delete()
    assert client.get(url, headers=headers).status_code == 200
