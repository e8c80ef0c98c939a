"""An id that there is nothing of costs what one costs that somebody may not see."""

import statistics
import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from liveops import tokens
from liveops.guests import LongKnown
from liveops.models import LiveOperation
from liveops.subscription import look_up
from tests.integration.edge import missing, person
from tests.testapp.models import Walk

pytestmark = pytest.mark.django_db

GETS = ["", "log/", "log.txt", "traceback/", "snapshot/"]
POSTS = ["cancel/", "resume/", "restart/"]
DOORS = [("get", door) for door in GETS] + [("post", door) for door in POSTS]
TURNS = 40


@pytest.fixture
def forbidden() -> LiveOperation:
    return Walk.objects.create(owner=person("owner"))


@pytest.fixture
def stranger(client: Client) -> Client:
    client.force_login(person("stranger"))
    return client


def ask(client: Client, how: str, door: str, pk: Any, **headers: str) -> Any:
    return getattr(client, how)(f"/live/{pk}/{door}", headers=headers)


def statements(client: Client, how: str, door: str, pk: Any, **headers: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert ask(client, how, door, pk, **headers).status_code == 404
    return [query["sql"].split(" FROM ")[-1].split(" ")[0] for query in captured]


@pytest.mark.promise("unknown-costs-the-same")
@pytest.mark.parametrize(("how", "door"), DOORS)
def test_both_take_the_same_number_of_queries(
    stranger: Client, forbidden: LiveOperation, how: str, door: str
) -> None:
    known = statements(stranger, how, door, forbidden.pk)
    unknown = statements(stranger, how, door, missing().pk)
    assert len(known) == len(unknown), (known, unknown)


@pytest.mark.parametrize("kind", ["page", "user", "share"])
def test_and_so_they_do_for_whoever_has_a_token_of_another(
    forbidden: LiveOperation, client: Client, kind: str
) -> None:
    mine = Walk.objects.create(owner=person("me"))
    token = {
        "page": mine.subscription_token,
        "user": tokens.for_user(mine.pk, mine.owner),
        "share": mine.share_token(),
    }[kind]
    known = statements(client, "get", "snapshot/", forbidden.pk, **{"X-Liveop-Token": token})
    unknown = statements(client, "get", "snapshot/", missing().pk, **{"X-Liveop-Token": token})
    assert len(known) == len(unknown), (known, unknown)


@pytest.mark.parametrize("is_long_open", [False, True])
@pytest.mark.parametrize("token", ["", "nonsense"])
def test_and_so_they_do_at_a_socket(
    forbidden: LiveOperation, is_long_open: bool, token: str
) -> None:
    taken = []
    for number, pk in enumerate((forbidden.pk, missing().pk)):
        user = person(f"stranger {number}")
        user.has_perm("liveops.view_liveoperation")  # what a socket's user was asked before
        asker = LongKnown(user) if is_long_open else User.objects.get(pk=user.pk)
        with CaptureQueriesContext(connection) as captured:
            assert look_up(pk, asker, token, None) is None
        taken.append(len(captured))
    assert taken[0] == taken[1]


@pytest.mark.timing
def test_both_take_the_same_time(stranger: Client, forbidden: LiveOperation) -> None:
    """In turns, so that whatever else the machine does is done to both."""
    times: dict[Any, list[float]] = {forbidden.pk: [], missing().pk: []}
    for _ in range(TURNS):
        for pk, taken in times.items():
            began = time.thread_time()
            assert ask(stranger, "get", "snapshot/", pk).status_code == 404
            taken.append(time.thread_time() - began)
    known, unknown = map(statistics.median, times.values())
    print(f"\nforbidden {known * 1e3:.2f} ms, unknown {unknown * 1e3:.2f} ms")
    assert 0.6 <= unknown / known <= 1.67
