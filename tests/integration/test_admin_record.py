"""The record of one operation in the admin: the live page, fields and tables."""

import re
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils import timezone

from liveops import access
from liveops.admin import LiveOperationAdmin
from liveops.admin.record import MOST_ROWS
from liveops.models import CommandRun, ControlRecord, LiveOperation, StageRun
from tests.integration.admin_pages import (
    TYPED,
    address,
    ended,
    fieldset_names,
    opened,
    shown,
    staff,
    with_class,
)
from tests.integration.edge import person
from tests.integration.markup import HOSTILE, Element
from tests.testapp.models import Row, Scripted, Typed, Walk

pytestmark = pytest.mark.django_db

RUN_ID = "5e1f0a52-8b7c-4a57-8f5d-0d2f3f1c7a11"


@pytest.fixture
def root(client: Client) -> User:
    """Return a superuser who is logged in."""
    user = staff("root", is_superuser=True)
    client.force_login(user)
    return user


def nonce(request: HttpRequest) -> dict[str, str]:
    """Put a nonce into the context, as Django's own context processor does."""
    return {"csp_nonce": "n0nce"}


def tables(page: Element) -> dict[str, list[list[str]]]:
    """Return the rows of the tables below the fields by their headings."""
    found = {}
    for section in with_class(page, "liveops-admin-rows"):
        heading = with_class(section, "fieldset-heading")[0].text
        rows = section.one("tbody").all("tr")
        found[heading] = [[cell.text for cell in row.all("td")] for row in rows]
    return found


@pytest.mark.parametrize("base", ["/admin/liveops/liveoperation/", TYPED])
def test_a_record_shows_the_fields_of_its_own_class_of_every_kind(
    client: Client, root: User, base: str
) -> None:
    operation = Typed.objects.create(
        title=HOSTILE[:20],
        flag=True,
        price="12.50",
        day="2024-03-05",
        size="l",
        data={"rows": [1, 2]},
        text="one\ntwo",
        row=Row.objects.create(name="the row"),
        hidden="not to edit",
        owner=person("owner"),
    )
    operation.source.save("list.csv", ContentFile(b"a,b"))
    operation.rows.set([Row.objects.create(name=name) for name in ("first", "second")])
    page = opened(client, address(operation, base=base))
    assert shown(page, "title") == HOSTILE[:20]
    assert shown(page, "price") == "12.50"
    assert shown(page, "day") == "March 5, 2024"
    assert shown(page, "size") == "large"
    assert shown(page, "data") == '{"rows": [1, 2]}'
    assert shown(page, "row") == "the row"
    assert shown(page, "rows") == "first, second"
    assert shown(page, "hidden") == "not to edit"
    assert shown(page, "text") == "onetwo"
    file = [a for a in page.all("a") if a.text == operation.source.name]
    assert Path(file[0].attributes["href"]).suffix == ".csv"
    assert fieldset_names(page)[:2] == ["Operation", "Run"]
    assert shown(page, "owner") == "owner"
    assert shown(page, "operation_type") == "testapp.Typed"
    assert shown(page, "id") == str(operation.pk)
    assert bool(with_class(page, "field-code")) == (base != TYPED), "its own admin leaves it out"


def test_a_class_without_fields_of_its_own_begins_with_the_run(client: Client, root: User) -> None:
    from tests.testapp.models import Stamps  # noqa: PLC0415  (the one class without any)

    page = opened(client, address(Stamps.objects.create()))
    assert fieldset_names(page) == ["Run", "Internals"]


def test_the_live_page_stands_above_with_what_it_needs(
    client: Client, root: User, settings: Any
) -> None:
    configured = deepcopy(settings.TEMPLATES)
    configured[0]["OPTIONS"]["context_processors"].append(f"{__name__}.nonce")
    settings.TEMPLATES = configured
    operation = Walk.objects.create(owner=root)
    page = opened(client, address(operation))
    container = page.one("section", id=f"op-{operation.pk}")
    form = page.one("form", id="liveoperation_form")
    assert container not in list(form.walk()), "forms cannot be nested"
    order = list(page.walk())
    assert order.index(container) < order.index(form)
    cancel = container.one("form", action=f"/live/{operation.pk}/cancel/")
    assert cancel.all("input", name="csrfmiddlewaretoken")
    assert page.all("meta", name="htmx-config")
    ours = [s for s in page.all("script") if "liveops" in s.attributes["src"]]
    assert [s.attributes["src"] for s in ours][-1] == "/static/liveops/liveops-admin.js"
    assert {s.attributes.get("nonce") for s in ours if "admin" in s.attributes["src"]} == {"n0nce"}
    styles = [s.attributes["href"] for s in page.all("link", rel="stylesheet")]
    assert styles[-3:-1] == ["/static/liveops/liveops.css", "/static/liveops/liveops-admin.css"]


@pytest.mark.parametrize(
    ("state", "refreshes"), [("STARTED", True), ("FINISHED_OK", False), ("CANCELLED", False)]
)
def test_without_scripts_a_running_record_refreshes_itself(
    client: Client, root: User, state: str, refreshes: bool
) -> None:
    page = opened(client, address(ended(Walk, state, owner=root)))
    assert bool(page.all("meta", http_equiv="refresh")) == refreshes


@pytest.mark.parametrize(
    ("permissions", "reads", "steers"),
    [
        ((), False, True),
        (("testapp.view_scripted",), False, False),
        (("liveops.view_liveoperation",), False, False),
        (("testapp.change_scripted",), True, True),
        (("liveops.change_liveoperation",), True, True),
    ],
)
def test_tracebacks_and_controls_are_for_those_who_may(
    client: Client, permissions: tuple[str, ...], reads: bool, steers: bool
) -> None:
    user = staff("user", *permissions)
    operation = ended(Scripted, "FINISHED_ERROR", owner=None if permissions else user)
    LiveOperation.objects.update(traceback="Traceback: the secret cause")
    client.force_login(user)
    page = opened(client, address(operation))
    assert ("the secret cause" in page.text) == reads
    assert ("Traceback" in fieldset_names(page)) == reads
    controls = page.one("div", id="op-controls")
    assert bool(controls.all("form")) == steers
    assert bool(controls.all("a", href=f"/live/{operation.pk}/traceback/")) == reads


def test_a_project_that_chooses_its_fields_gives_no_traceback_away() -> None:
    class Chosen(LiveOperationAdmin):
        fieldsets = [
            (None, {"fields": ["note", ("traceback", "created_on")]}),
            ("More", {"fields": ["op_traceback", "next_operation"]}),
        ]

    request = RequestFactory().get("/")
    operation = ended(Scripted, "FINISHED_ERROR")
    site = Chosen(Scripted, admin.site)
    request.user = staff("viewer", "testapp.view_scripted")
    assert site.get_fieldsets(request, operation) == [
        (None, {"fields": ["note", ["created_on"]]}),
    ]
    request.user = staff("editor", "testapp.change_scripted")
    assert site.get_fieldsets(request, operation) == [
        (None, {"fields": ["note", ["traceback", "created_on"]]}),
        ("More", {"fields": ["op_traceback"]}),
    ]


def test_what_a_run_left_stands_in_tables(client: Client, root: User) -> None:
    operation = ended(Scripted, "FINISHED_ERROR")
    began = timezone.now() - timedelta(minutes=1)
    times = {"started_on": began, "finished_on": began + timedelta(seconds=12), "run_id": RUN_ID}
    StageRun.objects.create(
        operation=operation, stage="Load", outcome="done", result={"rows": 3}, **times
    )
    StageRun.objects.create(operation=operation, stage="Save", outcome="failed", attempt=2, **times)
    CommandRun.objects.create(
        operation=operation, command=f"echo {HOSTILE}", exit_status=1, stage="Save", **times
    )
    CommandRun.objects.create(operation=operation, command="missing", **times)
    ControlRecord.objects.create(operation=operation, action="restart", user_name=HOSTILE)
    found = tables(opened(client, address(operation)))
    assert list(found) == ["Stages", "Commands", "Steered by people"]
    load, save = found["Stages"]
    assert [load[0], load[1], load[2], load[4], load[5]] == [
        "Load",
        "1",
        "done",
        "0:12",
        '{"rows": 3}',
    ]
    assert [save[0], save[1], save[2], save[5]] == ["Save", "2", "failed", ""]
    assert [row[:3] for row in found["Commands"]] == [
        [f"echo {HOSTILE}", "Save", "1"],
        ["missing", "", "–"],
    ]
    ((what, who, _),) = found["Steered by people"]
    assert (what, who) == ("started again", HOSTILE)


def test_share_links_stand_there_for_those_who_may_steer(client: Client, root: User) -> None:
    operation = Walk.objects.create()
    operation.share_token(by=root, control=True)
    access.revoke(operation.share_token())
    links = tables(opened(client, address(operation)))["Share links"]
    found = [(by, may_steer, state) for by, _, _, may_steer, state in links]
    assert found == [("root", "yes", "good"), ("–", "no", "revoked")]
    client.force_login(staff("viewer", "testapp.view_walk"))
    assert "Share links" not in tables(opened(client, address(operation)))


def test_an_operation_that_did_not_run_has_no_tables(client: Client, root: User) -> None:
    assert tables(opened(client, address(Walk.objects.create()))) == {}


def test_tables_are_bounded_and_say_so(client: Client, root: User) -> None:
    operation = ended(Walk, "FINISHED_OK")
    now = timezone.now()
    CommandRun.objects.bulk_create(
        CommandRun(
            operation=operation, run_id=RUN_ID, command=f"c{n}", started_on=now, finished_on=now
        )
        for n in range(MOST_ROWS + 7)
    )
    page = opened(client, address(operation))
    commands = [row[0] for row in tables(page)["Commands"]]
    assert commands == [f"c{n}" for n in range(7, MOST_ROWS + 7)]
    assert "7 older rows are not shown." in page.text


def test_a_chain_leads_on_only_for_those_who_may_see_it(client: Client, root: User) -> None:
    owner = staff("owner")
    middle, last = Walk.objects.create(owner=owner), Scripted.objects.create()
    first = Typed.objects.create(title="first")
    LiveOperation.objects.filter(pk=middle.pk).update(next_operation=last.pk)
    LiveOperation.objects.filter(pk=first.pk).update(next_operation=middle.pk)
    ended_now = {"finished_on": timezone.now(), "finished_successfully": True}
    LiveOperation.objects.exclude(pk=last.pk).update(started_on=timezone.now(), **ended_now)
    page = opened(client, address(middle))
    assert (shown(page, "op_after"), shown(page, "op_before")) == ("Scripted", "Typed")
    assert page.all("a", href=address(last))
    assert page.one("section", class_="liveop").attributes["data-liveop"] == str(middle.pk)
    client.force_login(owner)
    page = opened(client, address(middle))
    assert shown(page, "op_after") == shown(page, "op_before") == "another operation"
    text = client.get(address(middle)).content.decode()
    for hidden in (last, first):
        assert str(hidden.pk) not in text
    client.force_login(root)
    alone = opened(client, address(Walk.objects.create()))
    assert not with_class(alone, "field-op_after")
    assert not with_class(alone, "field-op_before")


def test_a_record_names_the_operation_and_links_its_page(client: Client, root: User) -> None:
    operation = ended(Walk, "FINISHED_OK")
    LiveOperation.objects.update(result_context={"text": HOSTILE, "count": 3})
    page = opened(client, address(operation))
    assert "Walk" in [h.text for h in page.all("h1")]
    assert str(operation.pk)[:8] in [h.text for h in page.all("h2")]
    assert page.all("a", href=f"/live/{operation.pk}/?stay=1", class_="viewsitelink")
    assert '"count": 3' in shown(page, "op_result")
    assert HOSTILE.replace('"', '\\"').replace("\x1b", "\\u001b") in shown(page, "op_result")


def test_a_record_of_a_class_that_the_project_lost_is_still_read(
    client: Client, root: User
) -> None:
    operation = Walk.objects.create()
    LiveOperation.objects.update(operation_type="gone.Class")
    page = opened(client, address(operation))
    assert page.all("section", class_="liveop") == []
    assert shown(page, "operation_type") == "gone.Class"


@pytest.mark.parametrize("said", [lambda op: op.gone.name, lambda op: None])
def test_a_record_whose_class_cannot_say_its_name_is_still_read(
    client: Client,
    root: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    said: Any,
) -> None:
    operation = Walk.objects.create()
    monkeypatch.setattr(Walk, "__str__", said)
    page = opened(client, address(operation))
    assert "Walk" in [h.text for h in page.all("h1")]
    assert shown(page, "operation_type") == "testapp.Walk"
    assert "Walk cannot say its name" in caplog.text
    assert client.get(address(operation).replace("change", "delete")).status_code == 200


def test_the_page_on_the_admin_names_what_a_class_can_show() -> None:
    page = Path(__file__).resolve().parents[2] / "docs/how-to/admin.md"
    named = set(re.findall(r"`(op_\w+)`", page.read_text(encoding="utf-8")))
    assert named == {name for name in dir(LiveOperationAdmin) if name.startswith("op_")}
