"""Deleting operations in the admin."""

from typing import Any

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from liveops.models import CommandRun, LiveOperation, LogLine
from tests.integration.admin_pages import LIST, TYPED, address, ended, opened, staff
from tests.integration.edge import person
from tests.testapp.models import Typed, Walk

pytestmark = pytest.mark.django_db

LINES = 500


@pytest.fixture
def root(client: Client) -> Any:
    """Return a superuser who is logged in."""
    user = staff("root", is_superuser=True)
    client.force_login(user)
    return user


def logged(operation: Any) -> None:
    """Give an operation a log."""
    now = timezone.now()
    LogLine.objects.bulk_create(
        LogLine(operation=operation, seq=n, time=now, level="info", text="x") for n in range(LINES)
    )


def select(client: Client, *operations: Any, **data: Any) -> Any:
    """Ask to delete some operations."""
    chosen = [str(operation.pk) for operation in operations]
    data = {"action": "delete_selected", "_selected_action": chosen, **data}
    return client.post(LIST, data)


@pytest.mark.parametrize("base", [LIST, TYPED])
def test_deleting_takes_the_rows_along_but_never_loads_the_log(
    client: Client, root: Any, base: str
) -> None:
    operation = ended(Typed, "FINISHED_OK", title="a")
    other = Walk.objects.create()
    for one in (operation, other):
        logged(one)
    now = timezone.now()
    CommandRun.objects.create(
        operation=operation, run_id=operation.pk, command="ls", started_on=now, finished_on=now
    )
    url = address(operation, "delete", base)
    with CaptureQueriesContext(connection) as queries:
        page = opened(client, url)
        assert client.post(url, {"post": "yes"}).status_code == 302
    assert f"Log lines: {LINES}" in page.text
    assert "Command runs: 1" in page.text
    reads = [q["sql"] for q in queries if '"liveops_logline"."text"' in q["sql"]]
    assert reads == []
    assert list(LiveOperation.objects.values_list("pk", flat=True)) == [other.pk]
    assert Typed.objects.count() == CommandRun.objects.count() == 0
    assert LogLine.objects.count() == LINES
    assert LogEntry.objects.get().action_flag == DELETION


def test_what_runs_is_not_deleted(client: Client, root: Any) -> None:
    running = ended(Walk, "STARTED")
    assert client.get(address(running, "delete")).status_code == 403
    assert client.post(address(running, "delete"), {"post": "yes"}).status_code == 403
    assert "deletelink" not in client.get(address(running)).content.decode()
    response = select(client, running)
    assert [str(m) for m in get_messages(response.wsgi_request)] == [
        "1 is running and stays; cancel it first."
    ]
    assert LiveOperation.objects.filter(pk=running.pk).exists()


def test_of_a_selection_what_runs_is_left_out(client: Client, root: Any) -> None:
    running, over = ended(Walk, "STARTED"), ended(Typed, "CANCELLED", title="a")
    response = select(client, running, over)
    text = response.content.decode()
    assert "1 is running and stays" in text
    assert str(over.pk) in text
    assert str(running.pk) not in text
    assert select(client, running, over, post="yes").status_code == 302
    assert [o.pk for o in LiveOperation.objects.all()] == [running.pk]


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        (("testapp.view_walk", "testapp.delete_walk"), True),
        (("liveops.view_liveoperation", "liveops.delete_liveoperation"), True),
        (("testapp.change_walk", "testapp.delete_typed"), False),
        (("liveops.change_liveoperation",), False),
    ],
)
def test_who_may_delete(client: Client, permissions: tuple[str, ...], allowed: bool) -> None:
    operation = ended(Walk, "CANCELLED", owner=person("other"))
    client.force_login(staff("user", *permissions))
    assert ("deletelink" in client.get(address(operation)).content.decode()) == allowed
    status = client.post(address(operation, "delete"), {"post": "yes"}).status_code
    assert (status, LiveOperation.objects.exists()) == ((302, False) if allowed else (403, True))


def test_a_selection_asks_for_each_class(client: Client) -> None:
    permissions = ("liveops.view_liveoperation", "testapp.delete_walk")
    client.force_login(staff("user", *permissions))
    walk, typed = ended(Walk, "CANCELLED"), ended(Typed, "CANCELLED", title="a")
    assert select(client, walk, typed, post="yes").status_code in {200, 403}
    assert LiveOperation.objects.count() == 2
    assert select(client, walk, post="yes").status_code == 302
    assert [o.pk for o in LiveOperation.objects.all()] == [typed.pk]


def test_an_owner_deletes_only_by_permission(client: Client) -> None:
    owner = staff("owner")
    operation = ended(Walk, "CANCELLED", owner=owner)
    client.force_login(owner)
    assert client.get(address(operation, "delete")).status_code == 403
