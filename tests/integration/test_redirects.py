"""Where an operation's own addresses lead watchers: nowhere but to this site and named ones."""

import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse_lazy
from django.utils.functional import lazystr

from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.sinks.web import WebSink
from tests.integration.edge import Socket, asynchronous, person
from tests.integration.helpers import run_scripted
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)

EVIL = "https://evil.test/"


@pytest.fixture
def root(client: Client) -> User:
    """Return a superuser who is logged in."""
    user = person("root", is_superuser=True, is_staff=True)
    client.force_login(user)
    return user


def finished(**fields: Any) -> Any:
    """Return an operation that succeeded."""
    return run_scripted(lambda op, p: None, **fields)[0]


def chained(**fields: Any) -> tuple[Any, Any]:
    """Return an operation that went on with another one, and that one."""
    following = Scripted.objects.create(note="second", **fields)

    def body(op: Scripted, p: Progress) -> None:
        if op.note != "second":
            p.chain_to(following)

    return run_scripted(body, **fields)[0], following


def sent_to(client: Client, operation: Any) -> Any:
    """Return where the snapshot sends watchers."""
    return client.get(f"/live/{operation.pk}/snapshot/").json()["success_url"]


@pytest.mark.promise("success-url")
@pytest.mark.parametrize("url", [EVIL, "//evil.test", "javascript:alert(1)", "/\\evil.test"])
def test_success_leads_to_no_other_site(
    client: Client,
    root: User,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(Scripted, "get_success_url", lambda op: url)
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(WebSink, "available", lambda: True)
    monkeypatch.setattr(
        "liveops.sinks.sender.Sender.send", lambda self, group, message: messages.append(message)
    )
    operation, recorder = run_scripted(lambda op, p: None, sinks=[WebSink()])
    ended = recorder.updates[-1].finished
    assert ended is not None
    assert ended.success_url is None
    assert json.loads(messages[-1]["finished"])["liveop_finished"]["success_url"] is None
    assert "get_success_url()" in caplog.text
    assert "LIVEOPS['REDIRECT_HOSTS']" in caplog.text
    assert sent_to(client, operation) is None
    assert url not in client.get(f"/live/{operation.pk}/").text


@asynchronous
async def test_nor_does_a_socket_say_so(monkeypatch: pytest.MonkeyPatch, owner: User) -> None:
    monkeypatch.setattr(Scripted, "get_success_url", lambda op: EVIL)
    operation = await Scripted.objects.acreate(owner=owner)
    await Scripted.objects.aupdate(
        finished_on=operation.created_on, started_on=operation.created_on
    )
    await Scripted.objects.aupdate(finished_successfully=True)
    async with Socket(owner) as socket:
        assert (await socket.subscribe(operation))["snapshot"]
        end = (await socket.hear())["liveop_finished"]
    assert (end["state"], end["success_url"]) == ("FINISHED_OK", None)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("/done/", "/done/"),
        (" /done/ ", "/done/"),
        ("https://testserver/done/", "https://testserver/done/"),
        ("https://pay.example.net/", "https://pay.example.net/"),
        (reverse_lazy("liveops:list"), "/live/"),
        (lazystr("/lazy/"), "/lazy/"),
        ("", None),
        (None, None),
        (lazystr(EVIL), None),
    ],
)
@pytest.mark.usefixtures("root")
def test_an_address_may_be_lazy_and_of_a_named_site(
    client: Client, given: Any, url: str | None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIVEOPS = {"RUNNER": "eager", "REDIRECT_HOSTS": ["pay.example.net"]}
    monkeypatch.setattr(Scripted, "get_success_url", lambda op: given)
    assert sent_to(client, finished()) == url


@pytest.mark.parametrize("given", [7, b"/done/", ["/done/"], object(), lazystr(1 / 3)])
def test_what_is_no_text_is_logged_and_leads_nowhere(
    client: Client,
    root: User,
    given: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(Scripted, "get_success_url", lambda op: given)
    operation = finished()
    with caplog.at_level(logging.ERROR, "liveops"):
        url = sent_to(client, operation)
    assert url in (None, str(given))
    if url is None:
        assert "must return a string or None" in caplog.text


Door = Callable[[Client, Any, Any], str]


def redirect_of_the_chain(client: Client, before: Any, after: Any) -> str:
    response = client.get(f"/live/{before.pk}/")
    assert response.status_code == 302
    return str(response.headers["Location"])


def redirect_of_a_control(client: Client, before: Any, after: Any) -> str:
    response = client.post(f"/live/{after.pk}/restart/")
    assert response.status_code == 302
    return str(response.headers["Location"])


def redirect_of_the_form(client: Client, before: Any, after: Any) -> str:
    response = client.post("/walk/", {"items": 1, "label": "third"})
    assert response.status_code == 302, response.content
    return str(response.headers["Location"])


def page_before(client: Client, before: Any, after: Any) -> str:
    return client.get(f"/live/{before.pk}/?stay").text


def page_after(client: Client, before: Any, after: Any) -> str:
    return client.get(f"/live/{after.pk}/").text


def snapshots(client: Client, before: Any, after: Any) -> str:
    return "".join(client.get(f"/live/{one.pk}/snapshot/").text for one in (before, after))


def lists(client: Client, before: Any, after: Any) -> str:
    return client.get("/live/").text + client.get("/live/badge/").text


def records(client: Client, before: Any, after: Any) -> str:
    path = "/admin/liveops/liveoperation/"
    pages = [client.get(f"{path}{one.pk}/change/") for one in (before, after)]
    return "".join(page.text for page in (*pages, client.get(path)))


DOORS = [
    redirect_of_the_chain,
    redirect_of_a_control,
    redirect_of_the_form,
    page_before,
    page_after,
    snapshots,
    lists,
    records,
]


@pytest.mark.urls("tests.testapp.urls")
@pytest.mark.promise("operation-url")
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("url", [EVIL, "javascript:alert(1)", "//evil.test/"])
def test_no_door_leads_to_an_operations_own_address_on_another_site(
    client: Client, root: User, door: Door, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = chained(owner=root)
    shown = door(client, before, after)
    assert shown.startswith("/live/") if "redirect" in door.__name__ else str(after.pk) in shown
    monkeypatch.setattr(LiveOperation, "get_absolute_url", lambda op: url)
    shown = door(client, before, after)
    assert "evil" not in shown
    assert "alert(" not in shown
    assert shown.startswith("/live/") if "redirect" in door.__name__ else str(after.pk) in shown


def test_an_own_address_on_this_site_is_led_to(
    client: Client, root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = chained(owner=root)
    monkeypatch.setattr(Scripted, "get_absolute_url", lambda op: f"/shop/{op.pk}/?tab=2#log")
    assert redirect_of_the_chain(client, before, after) == f"/shop/{after.pk}/?tab=2#log"
    assert f'href="/shop/{before.pk}/?tab=2&amp;stay=1#log"' in page_after(client, before, after)
    assert f"/shop/{after.pk}/?tab=2&amp;stay=1#log" in records(client, before, after)


def test_an_own_address_that_fails_is_logged_and_replaced(
    client: Client, root: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before, after = chained(owner=root)
    monkeypatch.setattr(Scripted, "get_absolute_url", lambda op: 1 / 0)
    assert redirect_of_the_chain(client, before, after) == f"/live/{after.pk}/"
    assert "get_absolute_url()" in caplog.text


@pytest.mark.promise("login-next")
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "tail", ["", "?next=https://evil.test/", "?next=//evil.test&next=javascript:x", "?a=%0d%0ab"]
)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}, {"X-Forwarded-Host": "evil.test"}])
def test_the_login_leads_back_to_this_site(
    client: Client, method: str, tail: str, headers: dict[str, str]
) -> None:
    walk = Walk.objects.create()
    paths = [f"/live/{walk.pk}/", "/live/", "/live/badge/", f"/live/{walk.pk}/cancel/"]
    for path in paths:
        response = getattr(client, method)(path + tail, headers=headers)
        if response.status_code == 405:
            continue
        to = response.headers.get("Location") or response.headers.get("HX-Redirect")
        if to is None:
            assert response.status_code in (401, 403, 404)
            continue
        assert to.startswith("/accounts/login/?"), to
        (following,) = parse_qs(urlsplit(to).query)["next"]
        assert urlsplit(following)[:2] == ("", "")
        assert following.startswith("/live/")


def test_a_foreign_host_is_no_host_of_this_site(client: Client) -> None:
    assert client.get("/live/", headers={"Host": "evil.test"}).status_code == 400
