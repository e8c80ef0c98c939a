"""Cancel, restart, snapshot and traceback: who may, how, and what is answered."""

import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from liveops import access, registry, tokens
from liveops.models import LiveOperation
from liveops.progress import Progress
from tests.integration.conftest import Templates
from tests.integration.edge import HeldRun, person
from tests.integration.helpers import run_scripted
from tests.integration.markup import REGIONS, fragments, log_texts
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner(client: Client) -> Any:
    """Return a user who is logged in."""
    user = person("owner")
    client.force_login(user)
    return user


def failed(owner: Any = None) -> Any:
    """Return an operation that failed."""

    def body(op: Scripted, p: Progress) -> None:
        p.log("before")
        raise LookupError("the cause")

    return run_scripted(body, owner=owner)[0]


def test_cancel_leads_back_to_the_page(client: Client, owner: Any) -> None:
    operation = Walk.objects.create(owner=owner)
    response = client.post(f"/live/{operation.pk}/cancel/")
    assert (response.status_code, response.headers["Location"]) == (302, f"/live/{operation.pk}/")
    assert Walk.objects.get().get_state() == "CANCELLED"


def test_cancel_stops_a_run(client: Client, owner: Any) -> None:
    with HeldRun(owner=owner) as run:
        response = client.post(f"/live/{run.operation.pk}/cancel/", headers={"HX-Request": "true"})
        assert (response.status_code, response.content) == (204, b"")
        with pytest.raises(Exception, match="cancelled"):
            run.do(lambda p: p.check_cancelled())
    assert Scripted.objects.get().get_state() == "CANCELLED"


@pytest.mark.parametrize(("htmx", "status"), [("true", 204), ("false", 302)])
def test_restart_runs_it_once_more(client: Client, owner: Any, htmx: str, status: int) -> None:
    operation = failed(owner)
    ran: list[Any] = []
    Scripted.body = lambda op, p: ran.append(op.pk)
    response = client.post(f"/live/{operation.pk}/restart/", headers={"HX-Request": htmx})
    assert response.status_code == status
    assert ran == [operation.pk]
    assert Scripted.objects.get().get_state() == "FINISHED_OK"


@pytest.mark.parametrize("htmx", ["true", "false"])
def test_what_the_state_does_not_allow_is_409_with_a_sentence(
    client: Client, owner: Any, htmx: str
) -> None:
    waiting, ended = Walk.objects.create(owner=owner), failed(owner)
    for url in (f"/live/{waiting.pk}/restart/", f"/live/{ended.pk}/cancel/"):
        response = client.post(url, headers={"HX-Request": htmx})
        assert response.status_code == 409
        assert response.headers["Content-Type"].startswith("text/plain")
        assert response.content.decode().endswith(".")
        state = LiveOperation.objects.get(pk=url.split("/")[2]).state
        assert response.headers["X-Liveop-State"] == state, "so that the page goes on with it"
    assert Walk.objects.get().get_state() == "NOT_STARTED"
    assert Scripted.objects.get().get_state() == "FINISHED_ERROR"


@pytest.mark.parametrize("action", ["cancel", "restart"])
def test_controls_take_only_post(client: Client, owner: Any, action: str) -> None:
    operation = Walk.objects.create(owner=owner) if action == "cancel" else failed(owner)
    state = operation.get_state()
    for method in ("get", "head", "put", "patch", "delete", "options"):
        response = getattr(client, method)(f"/live/{operation.pk}/{action}/")
        assert response.status_code == 405, method
    assert LiveOperation.objects.get().get_state() == state


@pytest.mark.parametrize("action", ["cancel", "restart"])
def test_controls_need_the_csrf_token(owner: Any, action: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    operation = Walk.objects.create(owner=owner) if action == "cancel" else failed(owner)
    state, url = operation.get_state(), f"/live/{operation.pk}/{action}/"
    Scripted.body = lambda op, p: None
    assert client.post(url).status_code == 403
    assert client.post(url, headers={"HX-Request": "true"}).status_code == 403
    assert LiveOperation.objects.get().get_state() == state
    client.get(f"/live/{operation.pk}/")
    token = client.cookies["csrftoken"].value
    response = client.post(url, headers={"HX-Request": "true", "X-CSRFToken": token})
    assert response.status_code == 204


@pytest.mark.parametrize("action", ["cancel", "restart"])
@pytest.mark.parametrize(
    ("permissions", "status"),
    [
        ((), 404),
        (("testapp.view_scripted",), 403),
        (("liveops.view_liveoperation",), 403),
        (("testapp.change_scripted",), 204),
        (("liveops.change_liveoperation",), 204),
        (("testapp.change_walk",), 404),
    ],
)
def test_who_may_steer_the_operation_of_another(
    client: Client, action: str, permissions: tuple[str, ...], status: int
) -> None:
    owner = person("owner")
    operation = failed(owner) if action == "restart" else Scripted.objects.create(owner=owner)
    state = operation.get_state()
    Scripted.body = lambda op, p: None
    client.force_login(person("somebody", *permissions))
    url = f"/live/{operation.pk}/{action}/"
    assert client.post(url, headers={"HX-Request": "true"}).status_code == status
    assert (Scripted.objects.get().get_state() != state) == (status == 204)
    unknown = client.post(f"/live/{uuid.uuid4()}/{action}/")
    assert unknown.status_code == 404
    if status == 404:
        assert unknown.content == client.post(url).content, "no telling one from the other"


@pytest.mark.parametrize("action", ["cancel", "restart"])
def test_without_a_login_the_way_leads_to_the_login_and_back_to_the_page(
    client: Client, action: str
) -> None:
    operation = Walk.objects.create()
    login = f"/accounts/login/?next=/live/{operation.pk}/"
    response = client.post(f"/live/{operation.pk}/{action}/")
    assert (response.status_code, response.headers["Location"]) == (302, login)
    response = client.post(f"/live/{operation.pk}/{action}/", headers={"HX-Request": "true"})
    assert (response.status_code, response.headers["HX-Redirect"]) == (401, login)
    assert "Location" not in response.headers
    assert Walk.objects.get().get_state() == "NOT_STARTED"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("post", "cancel/"),
        ("post", "restart/"),
        ("get", "traceback/"),
    ],
)
def test_the_required_group_is_asked_for_at_every_door(
    client: Client, owner: Any, settings: Any, method: str, path: str
) -> None:
    settings.LIVEOPS = {"RUNNER": "eager", "REQUIRED_GROUP": "crew"}
    operation = Walk.objects.create(owner=owner)
    assert getattr(client, method)(f"/live/{operation.pk}/{path}").status_code == 403
    assert client.get(f"/live/{operation.pk}/snapshot/").status_code == 404
    assert Walk.objects.get().get_state() == "NOT_STARTED"


def test_the_traceback_is_for_those_who_may_change_operations(client: Client, owner: Any) -> None:
    operation = failed(owner)
    url = f"/live/{operation.pk}/traceback/"
    assert client.get(url).status_code == 403, "not even for the owner"
    client.force_login(person("viewer", "testapp.view_scripted"))
    assert client.get(url).status_code == 403
    client.force_login(person("stranger"))
    assert client.get(url).status_code == 404
    client.force_login(person("expert", "testapp.change_scripted", "testapp.change_walk"))
    response = client.get(url)
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "LookupError: the cause" in response.content.decode()
    assert client.post(url).status_code == 405
    sound = Walk.objects.create()
    assert client.get(f"/live/{sound.pk}/traceback/").status_code == 404
    client.logout()
    assert client.get(url).headers["Location"] == f"/accounts/login/?next={url}"


def test_a_snapshot_is_one_frame_with_every_region(client: Client, owner: Any) -> None:
    def work(p: Progress) -> None:
        p.status("At work")
        p.log("one")
        p.html("#chart", "<b>10</b>")

    with HeldRun(owner=owner) as run:
        run.do(work)
        live = registry.find(run.operation.pk)
        assert live is not None
        seq = live.snapshot()[2]
        response = client.get(f"/live/{run.operation.pk}/snapshot/")
    frame = response.json()
    shown = fragments(frame.pop("liveop_html"), run.operation.pk)
    vouched = tokens.vouched(frame.pop("token"), run.operation.pk)
    assert vouched is not None
    assert vouched.load() == owner
    assert frame == {
        "op": str(run.operation.pk),
        "seq": seq,
        "snapshot": True,
        "state": "STARTED",
        "success_url": None,
    }
    assert set(shown) == REGIONS | {"chart"}
    assert "At work" in shown["op-status"].text
    assert log_texts(shown["op-log"]) == ["one"]
    assert shown["op-controls"].one("form").attributes["action"].endswith("/cancel/")
    assert response.headers["Cache-Control"] == "private, no-cache"


def test_a_snapshot_that_the_page_has_already_is_not_sent_again(client: Client, owner: Any) -> None:
    url = "/live/{}/snapshot/"
    with HeldRun(owner=owner) as run:
        url = url.format(run.operation.pk)
        run.do(lambda p: p.status("one"))
        etag = client.get(url).headers["ETag"]
        response = client.get(url, headers={"If-None-Match": etag})
        assert (response.status_code, response.content) == (304, b"")
        run.do(lambda p: p.status("two"))
        response = client.get(url, headers={"If-None-Match": etag})
        assert response.status_code == 200
        assert response.headers["ETag"] != etag


def test_a_snapshot_of_a_success_leads_on(
    client: Client, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Walk, "get_success_url", lambda op: "/shop/")
    operation = Walk.objects.create(owner=owner, items=1)
    operation.enqueue()
    frame = client.get(f"/live/{operation.pk}/snapshot/").json()
    assert (frame["state"], frame["success_url"]) == ("FINISHED_OK", "/shop/")
    shown = fragments(frame["liveop_html"], operation.pk)
    assert log_texts(shown["op-log"]) == ["Load 0", "Validate 0", "Save 0"]
    assert [entry.text for entry in shown["op-result"].all("dd")] == ["1"]


def test_a_token_opens_the_snapshot_of_one_operation_and_no_control(client: Client) -> None:
    operation, other = Walk.objects.create(), Walk.objects.create()
    url, token = f"/live/{operation.pk}/snapshot/", operation.subscription_token
    assert client.get(url).status_code == 404
    response = client.get(url, headers={"X-Liveop-Token": token})
    assert response.status_code == 200
    shown = fragments(response.json()["liveop_html"], operation.pk)
    assert shown["op-controls"].elements == []
    wrong = {"X-Liveop-Token": other.subscription_token}
    assert client.get(url, headers=wrong).status_code == 404
    assert client.get(f"{url}?token={token}").status_code == 404, "never in the address"
    assert (
        client.get(f"/live/{operation.pk}/", headers={"X-Liveop-Token": token}).status_code == 302
    )
    cancel = client.post(f"/live/{operation.pk}/cancel/", headers={"X-Liveop-Token": token})
    assert cancel.status_code == 302
    assert Walk.objects.get(pk=operation.pk).get_state() == "NOT_STARTED"


def test_a_snapshot_of_nothing_and_of_what_is_not_yours_look_the_same(
    client: Client, owner: Any
) -> None:
    theirs = Walk.objects.create(owner=person("other"))
    token = access.make_token(theirs.pk)
    hidden = client.get(f"/live/{theirs.pk}/snapshot/")
    missing = client.get(f"/live/{uuid.uuid4()}/snapshot/", headers={"X-Liveop-Token": token})
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.content == missing.content
    assert client.post(f"/live/{theirs.pk}/snapshot/").status_code == 405


def test_the_page_and_its_snapshot_speak_the_language_of_the_operation(
    client: Client, owner: Any, templates: Templates
) -> None:
    spoken = "{% load i18n %}{% get_current_language as now %}<i>{{ now }}</i>"
    templates({"liveops/_status.html": spoken, "liveops/_controls.html": spoken})
    operation = Walk.objects.create(owner=owner, language="pl")
    with translation.override("de"):
        html = client.get(f"/live/{operation.pk}/snapshot/").json()["liveop_html"]
        shown = client.get(f"/live/{operation.pk}/").content.decode()
    found = fragments(html, operation.pk)
    assert [found[name].one("i").text for name in ("op-status", "op-controls")] == ["pl", "pl"]
    assert shown.count("<i>pl</i>") == 2
