"""The snapshot over HTTP beyond what is shown: tokens, what a browser may keep, chains."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from liveops import access, chain, snapshot, tokens
from liveops.models import LiveOperation
from liveops.progress import Progress
from tests.integration.edge import person
from tests.integration.helpers import run_scripted
from tests.integration.markup import parse
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)


class HandClock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def owner(client: Client) -> Any:
    """Return a user who is logged in."""
    user = person("owner")
    client.force_login(user)
    return user


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    """Return the clock by which a snapshot grows old."""
    hand = HandClock()
    monkeypatch.setattr("liveops.views.snapshot.time", SimpleNamespace(time=hand.time))
    return hand


def chained(owner: Any, following: LiveOperation) -> LiveOperation:
    """Return an operation that went on with another one."""

    def body(op: Scripted, p: Progress) -> None:
        p.chain_to(following)

    operation: LiveOperation = run_scripted(body, owner=owner)[0]
    return operation


def snapshot_url(operation: LiveOperation) -> str:
    return f"/live/{operation.pk}/snapshot/"


def test_a_snapshot_renews_the_token(client: Client) -> None:
    operation = Walk.objects.create()
    headers = {"X-Liveop-Token": operation.subscription_token}
    frame = client.get(snapshot_url(operation), headers=headers).json()
    assert access.token_allows(frame["token"], operation.pk)
    assert "now" not in frame, "a browser may answer from its cache"


def test_what_a_browser_keeps_is_replaced_long_before_its_token_expires(
    client: Client, owner: Any, clock: HandClock, settings: Any
) -> None:
    settings.LIVEOPS = {"TOKEN_MAX_AGE": 60}
    url = snapshot_url(Walk.objects.create(owner=owner))

    def is_kept() -> bool:
        return client.get(url, headers={"If-None-Match": etag}).status_code == 304

    etag = client.get(url).headers["ETag"]
    assert is_kept()
    clock.now += 14
    assert is_kept()
    clock.now += 2
    assert not is_kept()


def test_a_snapshot_of_an_operation_that_went_on_brings_the_next(
    client: Client, owner: Any
) -> None:
    following = Walk.objects.create(owner=owner, items=1)
    operation = chained(owner, following)
    frame = client.get(snapshot_url(operation)).json()
    chain = frame["chain"]
    assert (frame["state"], chain["op"]) == ("FINISHED_OK", str(following.pk))
    assert tokens.vouched(chain["token"], following.pk) is not None
    section, head = parse(chain["html"]).elements
    assert section.attributes["data-liveop"] == str(following.pk)
    assert section.attributes["hx-swap-oob"] == f"outerHTML:#op-{operation.pk}"
    assert head.attributes["data-liveop-head"] == str(following.pk)
    assert head.attributes["hx-swap-oob"] == f"outerHTML:[data-liveop-head='{operation.pk}']"


def test_a_snapshot_says_nothing_of_a_next_operation_that_is_not_for_the_watcher(
    client: Client, owner: Any
) -> None:
    following = Walk.objects.create(owner=person("other"), items=1)
    operation = chained(owner, following)
    response = client.get(snapshot_url(operation))
    assert "chain" not in response.json()
    assert str(following.pk) not in response.content.decode()


def test_a_snapshot_changes_when_the_operation_goes_on(
    client: Client, owner: Any, clock: HandClock
) -> None:
    operation = chained(owner, Walk.objects.create(owner=owner, items=1))
    url = snapshot_url(operation)
    etag = client.get(url).headers["ETag"]
    LiveOperation.objects.filter(pk=operation.pk).update(next_operation=None)
    response = client.get(url, headers={"If-None-Match": etag})
    assert response.status_code == 200
    assert "chain" not in response.json()


def test_one_that_goes_on_while_it_is_read_is_followed(owner: Any) -> None:
    following = Walk.objects.create(owner=owner, items=1)
    taken = []

    def body(op: Scripted, p: Progress) -> None:
        found = snapshot.find(op.pk)
        assert found is not None
        p.chain_to(following)  # the run is known to this process until it returns
        taken.append(snapshot.take(found))
        taken.append(chain.take_last(found, lambda operation: True))

    operation = run_scripted(body, owner=owner)[0]
    end, last = taken
    assert (end.operation.pk, end.view.state) == (operation.pk, "FINISHED_OK")
    assert end.operation.next_operation_id == following.pk
    assert last.operation.pk == following.pk


def test_a_page_shows_one_operation_though_it_goes_on_meanwhile(
    client: Client, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = Walk.objects.create(owner=owner, items=1)
    pages = []

    def body(op: Scripted, p: Progress) -> None:
        def take_and_go_on(*given: Any) -> snapshot.Snapshot:
            taken = chain.take_last(*given)
            p.chain_to(following)
            return taken

        monkeypatch.setattr("liveops.views.pages.take_last", take_and_go_on)
        pages.append(client.get(f"/live/{op.pk}/").content.decode())

    operation = run_scripted(body, owner=owner)[0]
    [html] = pages
    assert re.findall(r'data-liveop-head="([^"]+)"', html) == [str(operation.pk)]
    assert re.findall(r'data-liveop="([^"]+)"', html) == [str(operation.pk)]
    assert re.findall(r'data-liveop-state="([^"]+)"', html) == ["STARTED"]  # it asks for more
