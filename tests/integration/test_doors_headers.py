"""What every answer of ours says to browsers, and what every POST has to carry."""

import re
from typing import Any

import pytest
from django.test import Client

from liveops.urls import urlpatterns
from tests.integration.edge import person
from tests.integration.house import House, watched_writes
from tests.integration.visitors import opened_link

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.testapp.urls")]

KEPT = {"list", "badge", "snapshot"}
"""Browsers keep what these answer, and ask each time whether it is still good."""


@pytest.fixture
def house() -> House:
    """Return an operation of somebody who may see and do everything."""
    return House(person("owner", is_superuser=True))


def named(house: House) -> dict[str, str]:
    """Return the addresses of all our views by their names."""
    found = {}
    for pattern in urlpatterns:
        path = str(pattern.pattern).replace("<uuid:pk>", str(house.operation.pk))
        found[str(pattern.name)] = f"/live/{path}"
    return found


def takes(client: Client, path: str, method: str) -> bool:
    """Return whether a view takes a method, as its refusal of another one says."""
    allowed = client.generic("TRACE", path).headers["Allow"]
    return method in allowed.split(", ")


def requested(client: Client, house: House) -> dict[str, Any]:
    """Return the answers of all views that are read, to somebody who may see everything."""
    client.force_login(house.owner)
    views = {name: path for name, path in named(house).items() if takes(client, path, "GET")}
    assert len(views) >= 7
    return {name: client.get(path) for name, path in views.items()}


@pytest.mark.promise("careful-headers")
def test_every_answer_is_private_and_taken_for_what_it_is(
    client: Client, house: House, settings: Any
) -> None:
    """Without the middleware that would set some of them."""
    settings.MIDDLEWARE = [m for m in settings.MIDDLEWARE if "SecurityMiddleware" not in m]
    for name, response in requested(client, house).items():
        assert response.status_code == 200, name
        assert response.headers["X-Content-Type-Options"] == "nosniff", name
        assert response.headers["Referrer-Policy"] == "same-origin", name
        is_kept = name in KEPT - {"list"}
        kept = "private, no-cache" if is_kept else "private, no-store"
        assert response.headers["Cache-Control"] == kept, name
        is_text = name in ("traceback", "log_text")
        assert response.headers["Content-Type"].startswith("text/plain") == is_text, name


def test_what_is_fetched_again_and_again_is_kept_and_asked_about(
    client: Client, house: House
) -> None:
    answers = requested(client, house)
    paths = {name: named(house)[name] for name in KEPT}
    for name, path in {**paths, "list": "/live/?fragments=1"}.items():
        etag = client.get(path).headers["ETag"]
        answer = client.get(path, headers={"If-None-Match": etag})
        assert answer.status_code == 304, name
        assert answer.headers["Cache-Control"] == "private, no-cache", name
        assert answer.headers["X-Content-Type-Options"] == "nosniff", name
    assert "ETag" not in answers["live"].headers


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("no-referrer", "no-referrer"),
        ("no-referrer, strict-origin", "no-referrer,strict-origin"),
        (["no-referrer", "same-origin"], "no-referrer,same-origin"),
        (None, "same-origin"),
    ],
)
def test_the_policy_of_the_site_for_referrers_holds_here_too(
    client: Client, house: House, settings: Any, policy: Any, expected: str
) -> None:
    settings.SECURE_REFERRER_POLICY = policy
    client.force_login(house.owner)
    response = client.get(named(house)["live"])
    assert response.headers["Referrer-Policy"] == expected


def test_who_may_frame_a_page_is_left_to_the_site(client: Client, house: House) -> None:
    assert "X-Frame-Options" not in requested(client, house)["live"].headers


@pytest.mark.promise("csrf-token-always")
@pytest.mark.parametrize("middleware", ["with", "without"])
def test_every_post_needs_the_token_whatever_middleware_there_is(
    house: House, settings: Any, middleware: str
) -> None:
    if middleware == "without":
        settings.MIDDLEWARE = [m for m in settings.MIDDLEWARE if "Csrf" not in m]
    client = Client(enforce_csrf_checks=True)
    client.force_login(house.owner)
    paths = {**named(house), "create": "/typed/"}
    posts = {name: path for name, path in paths.items() if takes(client, path, "POST")}
    assert {"cancel", "resume", "restart", "create"} <= set(posts)
    with watched_writes() as writes:
        for name, path in posts.items():
            refused = client.post(path, {"csrfmiddlewaretoken": "made-up"})
            assert (name, refused.status_code) == (name, 403)
    assert writes == []
    page = client.get(named(house)["live"]).content.decode()
    found = re.search('csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found
    taken = client.post(paths["cancel"], {"csrfmiddlewaretoken": found[1]})
    assert taken.status_code == 302
    house.operation.refresh_from_db()
    assert house.operation.cancel_requested


@pytest.mark.promise("reading-changes-nothing")
@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_no_address_changes_anything_when_it_is_read(
    client: Client, house: House, method: str
) -> None:
    client.force_login(house.owner)
    with watched_writes() as writes:
        for path in named(house).values():
            assert getattr(client, method)(path).status_code in (200, 405)
    assert writes == []


def test_middleware_that_leads_all_to_the_login_leaves_our_views_to_decide(
    client: Client, house: House, settings: Any
) -> None:
    """A page that shows an operation to everybody asks for its snapshot without a session."""
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    headers = {"X-Liveop-Token": house.operation.subscription_token}
    assert client.get(named(house)["snapshot"], headers=headers).status_code == 200
    assert client.get(named(house)["snapshot"]).status_code == 404
    assert client.get(named(house)["live"]).status_code == 302
    assert opened_link(house).client.get(named(house)["live"]).status_code == 200
