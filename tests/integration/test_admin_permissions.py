"""Who sees what in the admin: the same rule as everywhere else."""

import subprocess
import sys
import uuid
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages import get_messages
from django.test import Client, RequestFactory
from django.test.utils import isolate_apps

from liveops import access
from liveops.admin import LiveOperationAdmin
from liveops.models import LiveOperation
from tests.integration.admin_pages import (
    LIST,
    TYPED,
    address,
    ended,
    ids,
    listed,
    opened,
    shown,
    staff,
)
from tests.integration.edge import missing, person
from tests.testapp.models import Scripted, Typed, Walk

pytestmark = pytest.mark.django_db

KINDS: list[Any] = [
    pytest.param((), {"is_superuser": True}, id="superuser"),
    pytest.param(("liveops.view_liveoperation",), {}, id="viewer-of-all"),
    pytest.param(("liveops.change_liveoperation",), {}, id="editor-of-all"),
    pytest.param(("testapp.view_walk",), {}, id="viewer-of-one-class"),
    pytest.param(("testapp.change_walk",), {}, id="editor-of-one-class"),
    pytest.param(("testapp.delete_walk", "liveops.add_liveoperation"), {}, id="owner-only"),
]


@pytest.mark.parametrize(("permissions", "fields"), KINDS)
def test_the_list_and_the_records_show_what_can_view_allows(
    client: Client, permissions: tuple[str, ...], fields: dict[str, Any]
) -> None:
    user, other = staff("user", *permissions, **fields), person("other")
    operations: list[LiveOperation] = [
        Walk.objects.create(owner=user),
        Walk.objects.create(owner=other),
        Scripted.objects.create(owner=user),
        Scripted.objects.create(owner=other),
        Scripted.objects.create(),
    ]
    visible = [operation for operation in operations if operation.can_view(user)]
    client.force_login(user)
    assert sorted(listed(client)) == sorted(ids(*visible))
    found = LiveOperation.objects.filter(access.visible_to(user))
    assert sorted(ids(*found)) == sorted(ids(*visible))
    for operation in operations:
        status = client.get(address(operation)).status_code
        assert status == (200 if operation in visible else 302), operation
        assert client.get(address(operation, "history")).status_code == status


def test_what_is_not_yours_looks_like_what_is_not_there(client: Client) -> None:
    owner = staff("owner", "liveops.delete_liveoperation")
    Walk.objects.create(owner=owner)
    theirs, nothing = Walk.objects.create(owner=person("other")), missing()
    client.force_login(owner)
    for page in ("change", "history", "delete"):
        answers = []
        for operation in (theirs, nothing):
            response = client.get(address(operation, page))
            told = [str(m) for m in get_messages(response.wsgi_request)][-1:]
            seen = (response.status_code, response.headers.get("Location"), *told)
            answers.append(tuple(str(part).replace(str(operation.pk), "…") for part in seen))
        assert answers[0] == answers[1], page
    assert client.get(f"{LIST}no-id/change/").status_code == 302


def test_staff_who_may_see_nothing_see_no_section(client: Client) -> None:
    theirs = Walk.objects.create(owner=person("other"))
    client.force_login(staff("stranger", "testapp.delete_walk"))
    assert LIST not in client.get("/admin/").content.decode()
    for url in (LIST, address(theirs), address(missing()), f"{LIST}add/"):
        assert client.get(url).status_code == 403, url


def test_the_section_is_there_for_those_who_own_something_or_may_see_all(client: Client) -> None:
    owner, viewer = staff("owner"), staff("viewer", "testapp.view_typed")
    Walk.objects.create(owner=owner)
    client.force_login(owner)
    page = client.get("/admin/").content.decode()
    assert LIST in page
    assert TYPED not in page
    client.force_login(viewer)
    page = client.get("/admin/").content.decode()
    assert LIST in page
    assert TYPED in page
    assert listed(client, base=TYPED) == []


def test_without_a_login_or_as_no_member_of_staff_the_way_leads_to_the_login(
    client: Client,
) -> None:
    operation = Walk.objects.create(owner=person("owner"))
    for user in (None, operation.owner):
        if user is not None:
            client.force_login(user)
        for url in (LIST, address(operation)):
            assert client.get(url).headers["Location"] == f"/admin/login/?next={url}"


def test_the_required_group_is_asked_for_here_too(client: Client, settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": "eager", "REQUIRED_GROUP": "crew"}
    outside = staff("outside", "liveops.change_liveoperation", "liveops.delete_liveoperation")
    inside = staff("inside", "liveops.view_liveoperation", group="crew")
    member = staff("member", group="crew")
    operation = Walk.objects.create(owner=outside)
    client.force_login(outside)
    for url in (LIST, address(operation), address(operation, "delete")):
        assert client.get(url).status_code == 403, url
    assert LIST not in client.get("/admin/").content.decode()
    client.force_login(member)
    assert client.get(LIST).status_code == 403
    for user in (inside, staff("root", is_superuser=True)):
        client.force_login(user)
        assert listed(client) == ids(operation)
        assert client.get(address(operation)).status_code == 200


def test_nobody_adds_or_edits(client: Client) -> None:
    client.force_login(staff("root", is_superuser=True))
    operation = Typed.objects.create(title="before")
    for base in (LIST, TYPED):
        assert client.get(f"{base}add/").status_code == 403
        assert client.post(f"{base}add/", {"title": "new"}).status_code == 403
        for data in ({"title": "after"}, {"title": "after", "_saveasnew": "1"}):
            assert client.post(address(operation, base=base), data).status_code == 403
        page = opened(client, address(operation, base=base))
        form = page.one("form", id=f"{base.split('/')[-2]}_form")
        assert [e.attributes["name"] for e in form.all("input")] == ["csrfmiddlewaretoken"]
    assert [t.title for t in Typed.objects.all()] == ["before"]


@pytest.mark.parametrize("kept", ["next_operation", "traceback"])
def test_what_is_kept_back_can_be_neither_asked_nor_listed(
    client: Client, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    owner = staff("owner")
    hidden = Walk.objects.create()
    values: dict[str, Any] = {"next_operation": hidden, "traceback": "hunter2"}
    Scripted.objects.create(owner=owner, **{kept: values[kept]})
    client.force_login(owner)
    for lookup in (f"{kept}__isnull=False", f"{kept}__gt=0", f"{kept}=1"):
        assert client.get(f"{LIST}?{lookup}").status_code == 400, lookup
    chosen = admin.site._registry[LiveOperation]
    monkeypatch.setattr(type(chosen), "list_display", ("op_title", kept))
    monkeypatch.setattr(type(chosen), "list_filter", (kept, (kept, admin.AllValuesFieldListFilter)))
    monkeypatch.setattr(type(chosen), "search_fields", (f"={kept}",))
    assert listed(client, "?q=hunter2") == listed(client, "?q=hunter3"), "it is not searched"
    text = opened(client, LIST).text
    assert "hunter2" not in text
    assert str(hidden.pk) not in text


def test_a_class_that_decides_for_itself_is_asked_for_every_record(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = staff("owner")
    operation = Scripted.objects.create(owner=owner)
    monkeypatch.setattr(Scripted, "can_view", lambda op, user: False)
    client.force_login(owner)
    assert client.get(address(operation)).status_code == 302


def test_the_list_of_one_class_has_no_other(client: Client) -> None:
    client.force_login(staff("root", is_superuser=True))
    typed, walk = Typed.objects.create(title="one"), Walk.objects.create()
    assert listed(client, base=TYPED) == ids(typed)
    assert client.get(address(walk, base=TYPED)).status_code == 302
    assert shown(opened(client, address(typed, base=TYPED)), "title") == "one"


def test_the_list_of_a_proxy_has_only_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with isolate_apps("tests.testapp") as isolated:

        class Stroll(Walk):
            class Meta:
                proxy = True
                app_label = "testapp"

    monkeypatch.setattr("liveops.admin.operations.apps", isolated)
    Walk.objects.create()
    stroll = Walk.objects.create(operation_type=Stroll._meta.label)
    request = RequestFactory().get("/")
    request.user = staff("root", is_superuser=True)
    found = LiveOperationAdmin(Stroll, admin.site).get_queryset(request)
    assert ids(*found) == ids(stroll)


@pytest.mark.parametrize("nobody", [None, AnonymousUser()])
def test_nobody_in_particular_sees_nothing(nobody: Any) -> None:
    Walk.objects.create()
    assert not LiveOperation.objects.filter(access.visible_to(nobody)).exists()
    assert access.open_classes(nobody, "view") == []


def test_an_operation_that_is_run_by_nobody_is_not_the_anonymous_users(client: Client) -> None:
    owner = staff("owner")
    ended(Walk, "CANCELLED", owner=owner)
    nobodys = Walk.objects.create()
    client.force_login(owner)
    assert str(nobodys.pk) not in listed(client)
    assert client.get(f"{LIST}{uuid.uuid4()}/change/").status_code == 302


def test_a_project_without_the_admin_never_meets_it() -> None:
    code = """
import sys, django
from django.conf import settings
apps = ["django.contrib.auth", "django.contrib.contenttypes", "channels", "liveops"]
settings.configure(INSTALLED_APPS=apps, ROOT_URLCONF="liveops.urls", SECRET_KEY="x", USE_TZ=True)
django.setup()
from django.core.checks import run_checks
import liveops.consumers, liveops.templatetags.liveops, liveops.urls
run_checks()
print([name for name in sys.modules if name.startswith(("django.contrib.admin", "liveops.admin"))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
