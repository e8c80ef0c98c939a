"""The pages: starting an operation from a form, and watching it in every state."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from liveops import store
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.states import State
from liveops.store.rows import ending_values
from tests.integration.conftest import Templates
from tests.integration.edge import HeldRun, person
from tests.integration.helpers import run_scripted
from tests.integration.markup import HOSTILE, REGIONS, Element, log_texts, parse
from tests.testapp.models import Scripted, Typed, Walk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.testapp.urls")]


def page(client: Client, url: str) -> Element:
    """Return a page, which must be well-formed."""
    response = client.get(url)
    assert response.status_code == 200, response
    return parse(response.content.decode())


def container(root: Element, operation: LiveOperation) -> Element:
    """Return the live container of an operation, which must be complete."""
    section = root.one("section", data_liveop=str(operation.pk))
    assert section.attributes["id"] == f"op-{operation.pk}"
    for region in REGIONS:
        section.one(id=region)
    return section


@pytest.fixture
def owner(client: Client) -> Any:
    """Return a user who is logged in."""
    user = person("owner")
    client.force_login(user)
    return user


def test_the_form_starts_an_operation_and_leads_to_its_page(client: Client, owner: Any) -> None:
    form = page(client, "/walk/").one("form", enctype="multipart/form-data")
    assert form.attributes["method"] == "post"
    assert form.one("input", name="csrfmiddlewaretoken").attributes["value"]
    names = {element.attributes["name"] for element in form.all("input")}
    assert names == {"csrfmiddlewaretoken", "items", "label"}
    response = client.post("/walk/", {"items": 2, "label": "Hiking", "owner": "99"})
    operation = Walk.objects.get()
    assert response.status_code == 302
    assert response.headers["Location"] == f"/live/{operation.pk}/"
    assert (operation.owner, operation.items, operation.label) == (owner, 2, "Hiking")
    assert operation.get_state() == "FINISHED_OK", "the runner got it"


def test_a_form_cannot_set_what_it_does_not_show(client: Client, owner: Any) -> None:
    sent = {"items": 1, "label": "x", "cancelled": "on", "operation_type": "auth.User", "id": "7"}
    client.post("/walk/", sent)
    operation = Walk.objects.get()
    assert (operation.cancelled, operation.operation_type) == (False, "testapp.Walk")


def test_a_form_with_mistakes_creates_nothing_and_says_why(client: Client, owner: Any) -> None:
    for sent in ({"items": "many", "label": HOSTILE}, {}):
        response = client.post("/walk/", sent)
        assert response.status_code == 200
        form = parse(response.content.decode()).one("form", enctype="multipart/form-data")
        assert form.all("ul", class_="errorlist")
    assert not Walk.objects.exists()


def test_a_form_with_a_file(client: Client, owner: Any, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    upload = SimpleUploadedFile("rows.csv", b"a,b\n1,2\n")
    response = client.post("/typed/", {"title": "rows", "source": upload})
    operation = Typed.objects.get()
    assert response.headers["Location"] == operation.get_absolute_url()
    assert operation.result_context == {"bytes": 8}
    empty = SimpleUploadedFile("rows.csv", b"")
    response = client.post("/typed/", {"title": "rows", "source": empty})
    assert "empty" in response.content.decode()
    assert Typed.objects.count() == 1


def test_a_form_is_refused_without_a_login_a_csrf_token_or_the_group(settings: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    sent = {"items": 1, "label": "x"}
    response = client.get("/walk/")
    assert response.headers["Location"] == "/accounts/login/?next=/walk/"
    user = person("somebody")
    client.force_login(user)
    assert client.post("/walk/", sent).status_code == 403
    client.get("/walk/")
    token = client.cookies["csrftoken"].value
    assert client.post("/walk/", sent, headers={"X-CSRFToken": token}).status_code == 302
    settings.LIVEOPS = {"RUNNER": "eager", "REQUIRED_GROUP": "crew"}
    assert client.get("/walk/").status_code == 403
    assert client.post("/walk/", sent, headers={"X-CSRFToken": token}).status_code == 403
    assert Walk.objects.count() == 1


def test_a_class_has_its_own_form_and_page(
    client: Client, owner: Any, templates: Templates
) -> None:
    templates(
        {
            "testapp/walk_form.html": "<h1>{{ title }}</h1><form>{{ form.as_div }}</form>",
            "testapp/walk.html": (
                "{% extends base_template %}{% load liveops %}{% block content %}"
                "<h2>Up the {{ op.label }}</h2>{% live_operation op %}{% endblock %}"
            ),
            "hill.html": "<h3>{{ object.label }}: {{ state }}</h3>",
        }
    )
    assert page(client, "/walk/").one("h1").text == "Walk"
    operation = Walk.objects.create(owner=owner, label="hill")
    shown = page(client, operation.get_absolute_url())
    assert shown.one("h2").text == "Up the hill"
    container(shown, operation)
    Walk.host_template_name = "hill.html"
    try:
        shown = page(client, operation.get_absolute_url())
    finally:
        Walk.host_template_name = None
    assert shown.one("h3").text == "hill: NOT_STARTED"


def test_the_page_of_an_operation_that_waits(client: Client, owner: Any) -> None:
    operation = Walk.objects.create(owner=owner)
    shown = page(client, operation.get_absolute_url())
    live = container(shown, operation)
    assert live.attributes["data-liveop-state"] == "NOT_STARTED"
    assert live.attributes["data-liveop-socket"] == "/ws/liveops/"
    assert live.attributes["data-liveop-snapshot-url"] == f"/live/{operation.pk}/snapshot/"
    assert "X-CSRFToken" in live.attributes["hx-headers"]
    assert shown.all("noscript"), "without JavaScript the page refreshes itself"
    assert live.one("form").attributes["action"].endswith("/cancel/")
    assert live.one(id="op-status").attributes["role"] == "status"
    assert live.one(id="op-log").attributes["role"] == "log"


def test_the_page_of_a_run_shows_what_is_going_on(client: Client, owner: Any) -> None:
    def work(p: Progress) -> None:
        with p.stage("Load"):
            p.log("loaded")
        run.blocks.enter_context(p.stage("Validate"))
        p.status("Half way")
        p.percent(50)
        p.log("validating")

    with HeldRun(owner=owner) as run:
        run.do(work)
        live = container(page(client, run.operation.get_absolute_url()), run.operation)
    assert live.attributes["data-liveop-state"] == "STARTED"
    assert "Half way" in live.one(id="op-status").text
    bars = [bar.attributes["value"] for bar in live.all("progress")]
    assert bars == ["50.00", "50.00"], "the whole, and the stage"
    steps = [step.attributes["data-state"] for step in live.one(id="op-stages").all("li")]
    assert steps == ["done", "active", "pending"]
    assert log_texts(live.one(id="op-log")) == ["loaded", "validating"]
    assert live.one("form").attributes["action"].endswith("/cancel/")
    assert live.one(id="op-result").elements == []


def test_the_page_of_a_success_is_complete_without_a_socket(client: Client, owner: Any) -> None:
    operation = Walk.objects.create(owner=owner, items=2)
    operation.enqueue()
    shown = page(client, operation.get_absolute_url())
    live = container(shown, operation)
    assert live.attributes["data-liveop-state"] == "FINISHED_OK"
    assert live.one("progress").attributes["value"] == "100.00"
    assert [e.attributes["data-state"] for e in live.one(id="op-stages").all("li")] == ["done"] * 3
    assert log_texts(live.one(id="op-log")) == [
        f"{stage} {number}" for stage in Walk.stages for number in (0, 1)
    ]
    assert [e.text for e in live.one(id="op-result").all("dd")] == ["2"]
    assert live.one("form").attributes["action"].endswith("/restart/")
    assert not shown.all("noscript"), "it has nothing to wait for"


def test_the_page_of_a_failure_has_a_sentence_and_the_id_but_no_traceback(
    client: Client, owner: Any
) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            p.percent(30)
            p.log("before")
            raise LookupError("the password is 1234")

    operation, _ = run_scripted(body, owner=owner)
    live = container(page(client, operation.get_absolute_url()), operation)
    assert live.attributes["data-liveop-state"] == "FINISHED_ERROR"
    assert "LookupError" in live.one(id="op-result").text
    assert str(operation.pk) in live.one(id="op-result").text
    assert "1234" not in live.text
    assert log_texts(live.one(id="op-log")) == ["before"]
    assert live.one(id="op-stages").all("li")[0].attributes["data-state"] == "failed"
    assert live.one(id="op-controls").all("a") == []
    client.force_login(person("expert", "testapp.change_scripted"))
    live = container(page(client, operation.get_absolute_url()), operation)
    link = live.one(id="op-controls").one("a")
    assert link.attributes["href"] == f"/live/{operation.pk}/traceback/"


@pytest.mark.parametrize("state", [State.CANCELLED, State.INTERRUPTED])
def test_the_page_of_what_was_stopped(client: Client, owner: Any, state: State) -> None:
    operation = Walk.objects.create(owner=owner)
    values = ending_values(store.Ending(state))
    LiveOperation.objects.filter(pk=operation.pk).update(**values)
    live = container(page(client, operation.get_absolute_url()), operation)
    assert live.attributes["data-liveop-state"] == state
    assert live.one(id="op-result").text.strip()
    assert live.one("form").attributes["action"].endswith("/restart/")


def test_hostile_text_is_text_on_every_page(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = HOSTILE.replace("\x1b[2J", "")

    def body(op: Scripted, p: Progress) -> None:
        with p.stage(hostile):
            p.status(hostile)
            p.log(hostile)
            for _ in p.track([1], label=hostile, unit=hostile):
                pass
        p.result({hostile: hostile})
        p.error(hostile)

    monkeypatch.setattr(Scripted, "stages", [hostile])
    monkeypatch.setattr(Scripted._meta, "verbose_name", hostile)
    owner = person(hostile)
    client.force_login(owner)
    operation, _ = run_scripted(body, owner=owner, note=hostile)
    shown = page(client, operation.get_absolute_url())
    live = container(shown, operation)
    assert shown.one("h1").text == hostile
    assert hostile in shown.one("main").text.replace(live.text, ""), "the owner's name"
    assert hostile in live.one(id="op-stages").text
    assert hostile in live.one(id="op-result").text
    assert log_texts(live.one(id="op-log")) == [hostile, hostile]
    Walk.objects.create(owner=owner, label=hostile)
    rows = page(client, "/live/").one("ul", class_="liveops-list").elements
    assert hostile in rows[1].text
    assert shown.all("img") == []


def test_a_page_for_one_class_does_not_show_another(client: Client, owner: Any) -> None:
    walk, other = Walk.objects.create(owner=owner), Scripted.objects.create(owner=owner)
    container(page(client, f"/walks/{walk.pk}/"), walk)
    assert client.get(f"/walks/{other.pk}/").status_code == 404


def test_several_operations_live_on_one_page(client: Client, templates: Templates) -> None:
    templates(
        {
            "several.html": "{% load liveops %}{% for op in operations %}{% live_operation op %}"
            "{% render_op_result op %}{% endfor %}"
        }
    )
    walk, waiting = Walk.objects.create(items=1), Scripted.objects.create()
    walk.enqueue()
    shown = page(client, "/several/")
    assert container(shown, walk).attributes["data-liveop-state"] == "FINISHED_OK"
    live = container(shown, waiting)
    assert live.attributes["data-liveop-state"] == "NOT_STARTED"
    assert live.attributes["data-liveop-token"], "it may be watched without a session"
    assert live.one(id="op-controls").elements == [], "but not be steered"
    assert len(shown.all("dl")) == 2, "the result stands once in the container and once outside"


def test_an_operation_whose_class_is_gone_is_not_found(
    client: Client, templates: Templates, caplog: pytest.LogCaptureFixture
) -> None:
    client.force_login(person("root", is_superuser=True))
    operation = Walk.objects.create()
    LiveOperation.objects.filter(pk=operation.pk).update(operation_type="shop.Gone")
    for url in ("", "snapshot/", "traceback/"):
        assert client.get(f"/live/{operation.pk}/{url}").status_code == 404
    assert client.post(f"/live/{operation.pk}/cancel/").status_code == 404
    assert "shop.Gone" in caplog.text
    assert "shop.Gone" in page(client, "/live/").one("ul", class_="liveops-list").text
