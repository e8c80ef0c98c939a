"""What changes something takes a POST with the token against forgery: no other request does."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from liveops.views import CreateLiveOperationView
from tests.fuzz.asking import addresses
from tests.fuzz.world import rows
from tests.integration.edge import person
from tests.integration.helpers import run_scripted
from tests.testapp.models import Scripted, Walk
from tests.urls import urlpatterns as plain

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.integration.test_state_changes"),
]

urlpatterns = [
    *plain,
    path("walk/", CreateLiveOperationView.as_view(model=Walk, fields=["items", "label"])),
    path("empty/", CreateLiveOperationView.as_view(model=Walk, fields=[])),
]

UNSAFE = ("put", "patch", "delete", "trace")
BODIES: list[dict[str, Any]] = [
    {},
    {"csrfmiddlewaretoken": "a" * 64},
    {"items": 1, "label": "x", "_method": "POST"},
]


@pytest.fixture
def targets() -> list[str]:
    """Return all addresses for operations that can be cancelled, resumed and restarted."""
    owner = person("owner", is_superuser=True, is_staff=True)

    def fail(op: Scripted, p: Any) -> None:
        raise LookupError(op.note)

    failed = run_scripted(fail, owner=owner)[0]
    ids = [str(failed.pk), str(Walk.objects.create(owner=owner).pk)]
    admin = "/admin/liveops/liveoperation/"
    return [
        *addresses(ids),
        "/walk/",
        "/empty/",
        admin,
        *(f"{admin}{pk}/{page}/" for pk in ids for page in ("change", "delete", "history")),
    ]


def logged_in(**options: Any) -> Client:
    """Return the client of the owner, who may do everything."""
    client = Client(**options)
    client.force_login(User.objects.get())
    return client


def without_time(found: dict[str, Any]) -> dict[str, Any]:
    """Return rows without those of the log-in itself."""
    return {label: kept for label, kept in found.items() if label != "auth.User"}


@pytest.mark.promise("post-only")
def test_nothing_but_a_post_changes_anything(targets: list[str]) -> None:
    client, before = logged_in(), without_time(rows())
    for target in targets:
        for method in ("get", "head", "options", *UNSAFE):
            arguments = {} if method == "trace" else {"data": BODIES[2]}
            response: HttpResponse = getattr(client, method)(target, **arguments)
            assert response.status_code in {200, 301, 302, 304, 403, 404, 405}, (method, target)
            if method in UNSAFE and not target.startswith("/admin/"):
                assert response.status_code not in (200, 302), (method, target)
        assert without_time(rows()) == before, target


def test_nor_does_a_post_without_the_token_against_forgery(targets: list[str]) -> None:
    client, before = logged_in(enforce_csrf_checks=True), without_time(rows())
    for target in targets:
        for body in BODIES:
            for headers in ({}, {"X-CSRFToken": "b" * 32, "HX-Request": "true"}):
                response = client.post(target, body, headers=headers)
                assert response.status_code in {403, 404, 405}, target
    assert without_time(rows()) == before


def test_a_post_with_the_token_does(targets: list[str]) -> None:
    client, before = logged_in(enforce_csrf_checks=True), without_time(rows())
    client.get("/walk/")
    token = client.cookies["csrftoken"].value
    for target in [one for one in targets if one.endswith(("cancel/", "resume/", "restart/"))]:
        client.post(target, headers={"X-CSRFToken": token})
    assert without_time(rows()) != before
