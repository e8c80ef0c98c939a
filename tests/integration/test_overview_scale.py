"""What a look at the list and the badge costs, and that the number of operations hardly matters."""

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from liveops.models import LiveOperation, LiveProgress
from liveops.overview import following
from liveops.protocol import ViewRequest
from liveops.states import State
from tests.integration.edge import person
from tests.integration.overview import operation, several

pytestmark = pytest.mark.django_db


def multiply(one: Any, number: int) -> None:
    """Store many operations like one that is stored, each created a second before the last."""
    values = {
        "id": "lower(hex(randomblob(16)))",
        "created_on": "datetime(created_on, '-' || n.i || ' seconds')",
    }
    stored = [field for field in LiveOperation._meta.local_concrete_fields if not field.generated]
    columns = [str(field.column) for field in stored]
    sources = ", ".join(values.get(column, column) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s)"
            f" INSERT INTO liveops_liveoperation ({', '.join(columns)})"
            f" SELECT {sources} FROM liveops_liveoperation, n WHERE id = %s",
            [number, one.pk.hex],
        )


def give_progress() -> None:
    """Store the progress of all that run."""
    LiveProgress.objects.all().delete()
    LiveProgress.objects.bulk_create(
        LiveProgress(operation_id=pk, percent=50, status_text="On the way")
        for pk in LiveOperation.objects.filter(state=State.STARTED).values_list("pk", flat=True)
    )


def look(user: User, *requests: ViewRequest, shown: Any = None) -> list[Any]:
    """Look at views as a socket does."""
    return following._look(user.pk, [(request, shown) for request in requests])


LIST = ViewRequest("subscribe", "list")
BADGE = ViewRequest("subscribe", "badge")
USER, PERMISSIONS = 1, 2


def test_a_look_takes_few_queries(django_assert_num_queries: Any) -> None:
    root, owner = person("root", is_superuser=True), person("owner")
    several(30, state=State.STARTED, owner=owner)
    with django_assert_num_queries(3):
        look(root, LIST)
    with django_assert_num_queries(3):
        look(root, BADGE)
    with django_assert_num_queries(5):
        look(root, LIST, BADGE)
    with django_assert_num_queries(USER + PERMISSIONS + 2):
        look(owner, LIST)
    with django_assert_num_queries(0):
        following._look(None, [(LIST, None), (BADGE, None)])


def quickest(user: User) -> float:
    """Return the seconds that the quickest of some looks took."""
    times = []
    for _ in range(9):
        began = time.perf_counter()
        found, _badge = look(user, LIST, BADGE)
        times.append(time.perf_counter() - began)
        assert len(found.shown.rows) == 25
    return min(times)


def a_user(name: str) -> User:
    """Return somebody with the rights that the name stands for."""
    if name == "viewer":
        return person(name, "testapp.view_walk")
    return person(name, is_superuser=name == "root")


@pytest.mark.timing
@pytest.mark.parametrize("name", ["root", "owner", "viewer"])
def test_a_thousand_that_run_slow_no_look_down(name: str) -> None:
    user = a_user(name)
    running = operation(State.STARTED, owner=user)
    multiply(running, 24)
    multiply(operation(State.FINISHED_OK, owner=user), 100_000)
    give_progress()
    few = quickest(user)
    multiply(running, 975)
    give_progress()
    assert quickest(user) <= few * 2
    found, badge = look(user, LIST, BADGE)
    assert (badge.shown.running, found.shown.counts[State.STARTED]) == (1_000, 1_000)
    assert found.shown.total is None


@pytest.mark.timing
@pytest.mark.parametrize("name", ["root", "owner"])
def test_a_long_history_hardly_matters(name: str) -> None:
    user = a_user(name)
    multiply(operation(State.STARTED, owner=user), 24)
    give_progress()
    short = quickest(user)
    multiply(operation(State.FINISHED_OK, owner=user), 100_000)
    assert quickest(user) <= short * 4


def test_the_page_far_behind_is_found(client: Any) -> None:
    root = person("root", is_superuser=True)
    multiply(operation(State.FINISHED_OK), 12_000)
    client.force_login(root)
    html = client.get("/live/?page=99999").content.decode()
    assert html.count('class="liveops-row"') == 1
    assert "Page 481" in html
