"""The page of a share link, and what is seen with the cookie that it gives."""

import re
import uuid
from datetime import timedelta
from http.cookies import Morsel
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.views.debug import SafeExceptionReporterFilter

from liveops import access
from liveops.models import Share
from liveops.views.cookies import SHARE_COOKIE
from liveops.views.share import SharedView
from tests.integration.edge import person
from tests.integration.house import SECRET, House
from tests.integration.markup import Element, parse
from tests.integration.visitors import opened_link

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.testapp.urls")]


@pytest.fixture
def house() -> House:
    """Return an operation."""
    return House(person("owner"))


def address(operation: Any) -> str:
    """Return the address of the page that the operation's links open."""
    return f"/live/{operation.pk}/shared/"


def text_of(response: Any) -> str:
    """Return a page without what is random."""
    return re.sub(r'(csrfmiddlewaretoken" value=)"\w+"', r"\1", response.content.decode())


def page(client: Client, url: str) -> Element:
    """Return a page, which must be well-formed."""
    response = client.get(url)
    assert response.status_code == 200
    return parse(response.content.decode())


def test_a_share_url_has_its_token_behind_the_hash(house: House) -> None:
    url = house.operation.share_url(expires=timedelta(days=2), by=house.owner)
    path, _, token = url.partition("#")
    assert path == address(house.operation)
    share = Share.objects.get()
    assert (share.created_by, share.control) == (house.owner, False)
    assert timedelta(days=1) < share.expires_on - timezone.now() <= timedelta(days=2)
    grant = access.admit(house.operation, None, token)
    assert grant is not None
    assert not grant.can_control


@pytest.mark.promise("share-page-tells-nothing")
def test_the_page_of_a_link_is_the_same_for_every_id(client: Client, house: House) -> None:
    house.operation.share_token()
    known = client.get(address(house.operation))
    unknown = client.get(f"/live/{uuid.uuid4()}/shared/")
    assert (known.status_code, unknown.status_code) == (200, 200)
    assert text_of(known) == text_of(unknown)
    assert known.headers == {**unknown.headers}
    assert "sessionid" not in client.cookies
    parse(known.content.decode())
    assert known.headers["Referrer-Policy"] == "same-origin"
    assert known.headers["Cache-Control"] == "private, no-store"
    assert known.headers["X-Content-Type-Options"] == "nosniff"


def opened(client: Client, operation: Any, token: str, **options: Any) -> Any:
    """Post a token to the page of an operation's links."""
    return client.post(address(operation), {"token": token}, **options)


@pytest.mark.promise("share-cookie-bound")
def test_a_token_is_exchanged_for_a_cookie_of_this_operation_only(
    client: Client, house: House
) -> None:
    token = house.operation.share_token(expires=timedelta(hours=1))
    response = opened(client, house.operation, token)
    live = f"/live/{house.operation.pk}/"
    assert (response.status_code, response.headers["Location"]) == (303, live)
    cookie: Morsel[str] = response.cookies[SHARE_COOKIE]
    assert cookie["path"] == live
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["secure"]
    assert 3_590 < int(cookie["max-age"]) <= 3_600
    assert "sessionid" not in response.cookies
    secure = opened(Client(), house.operation, token, secure=True)
    assert secure.cookies[SHARE_COOKIE]["secure"]


@pytest.mark.parametrize(
    "pasted",
    [
        "{token}",
        "  {token}\n",
        "#{token}",
        "https://testserver/live/{pk}/shared/#{token}",
        "/live/{pk}/shared/#{escaped}",
    ],
)
def test_a_link_may_be_pasted_whole(client: Client, house: House, pasted: str) -> None:
    token = house.operation.share_token()
    values = {"token": token, "escaped": token.replace(":", "%3A"), "pk": house.operation.pk}
    assert opened(client, house.operation, pasted.format(**values)).status_code == 303


def flipped(token: str) -> str:
    """Return a token with one bit of its signature changed."""
    return token[:-1] + chr(ord(token[-1]) ^ 1)


@pytest.mark.promise("share-refused-alike")
def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(
    client: Client, house: House
) -> None:
    good, other = house.operation.share_token(), house.before.share_token()
    revoked, expired = house.operation.share_token(), house.operation.share_token()
    assert access.revoke(revoked)
    assert opened(client, house.operation, expired).status_code == 303
    newest = Share.objects.latest("created_on")
    Share.objects.filter(pk=newest.pk).update(expires_on=timezone.now() - timedelta(seconds=1))
    tokens = [revoked, expired, other, flipped(good), "", "x", "\x00", "😀" * 99, str(newest.pk)]
    tokens += [house.operation.subscription_token, "%", ":" * 5_000]
    answers = [opened(Client(), house.operation, token) for token in tokens]
    answers.append(opened(Client(), mock.Mock(pk=uuid.uuid4()), good))
    answers.append(Client().post(address(house.operation)))
    assert {answer.status_code for answer in answers} == {403}
    assert len({text_of(answer) for answer in answers}) == 1
    assert not any(answer.cookies.get(SHARE_COOKIE) for answer in answers)
    shown = parse(answers[0].content.decode())
    assert "not good" in shown.one(role="alert").text
    assert "opens this operation for you" not in shown.text, "for it does not"


def test_an_unknown_operation_costs_as_much_as_a_token_that_is_no_good_for_one(
    house: House,
) -> None:
    other, revoked = house.before.share_token(), house.operation.share_token()
    access.revoke(revoked)
    for token in (other, revoked, "made-up", house.before.subscription_token):
        with CaptureQueriesContext(connection) as known:
            opened(Client(), house.operation, token)
        with CaptureQueriesContext(connection) as unknown:
            opened(Client(), mock.Mock(pk=uuid.uuid4()), token)
        assert len(known) == len(unknown) > 0, token


def test_the_page_that_was_shared_says_so_and_offers_nothing_that_needs_a_login(
    house: House,
) -> None:
    visitor = opened_link(house, control=False)
    shown = page(visitor.client, house.operation.get_absolute_url())
    assert SECRET in shown.text
    note = shown.one(class_="liveops-shared liveop-note")
    assert "Shared with you by owner, until" in note.text
    until = Share.objects.get().expires_on
    assert note.one("time").attributes["datetime"] == until.isoformat()
    links = [link.attributes["href"] for link in shown.all("a") if "href" in link.attributes]
    assert not [link for link in links if str(house.operation.pk) not in link and link[0] != "#"]
    assert shown.all(id="liveops-badge") == []
    assert shown.all("form") == []
    live = shown.one("section", data_liveop=str(house.operation.pk))
    assert live.attributes["data-liveop-token"] == visitor.token


def test_the_page_of_somebody_with_a_login_says_nothing_of_a_link(house: House) -> None:
    visitor = opened_link(house, control=False)
    visitor.client.force_login(house.owner)
    shown = page(visitor.client, house.operation.get_absolute_url())
    assert shown.all(class_="liveops-shared liveop-note") == []
    assert "/live/" in [link.attributes["href"] for link in shown.all("a")]


def test_a_link_with_control_steers_and_is_named_in_the_record(house: House) -> None:
    visitor = opened_link(house, control=True)
    client = Client(enforce_csrf_checks=True)
    client.cookies = visitor.client.cookies
    live = house.operation.get_absolute_url()
    assert client.post(f"{live}cancel/").status_code == 403
    form = page(client, live).one("form", action=f"{live}cancel/")
    token = form.one(name="csrfmiddlewaretoken").attributes["value"]
    response = client.post(f"{live}cancel/", {"csrfmiddlewaretoken": token})
    assert (response.status_code, response.headers["Location"]) == (302, live)
    house.operation.refresh_from_db()
    assert house.operation.cancel_requested
    assert "by a link that owner shared" in page(client, live).text


def test_a_cookie_that_nobody_gave_opens_nothing(house: House) -> None:
    token, live = house.operation.share_token(), house.operation.get_absolute_url()
    for value in (token, "", "x", flipped(token), f"{token}:x:y"):
        client = Client()
        client.cookies[SHARE_COOKIE] = value
        assert client.get(live).status_code == 404
        assert client.get(f"{live}log/").status_code == 404
        assert client.post(f"{live}cancel/").status_code == 404


def test_reports_of_errors_hold_no_token(house: House) -> None:
    visitor = opened_link(house, control=False)
    request = RequestFactory().post(address(house.operation), {"token": visitor.token})
    request.COOKIES.update({name: one.value for name, one in visitor.client.cookies.items()})
    SharedView.as_view()(request, pk=house.operation.pk)
    masks = SafeExceptionReporterFilter()
    assert SHARE_COOKIE in masks.get_safe_cookies(request)
    assert visitor.token not in str(masks.get_safe_cookies(request))
    assert "token" in masks.get_post_parameters(request)
    assert visitor.token not in str(masks.get_post_parameters(request))
