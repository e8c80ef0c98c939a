"""What watchers get of a chain: live, late, over HTTP; and what those get who may not see it."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from liveops.models import LiveOperation
from liveops.states import State
from tests.integration.edge import HeldRun, Socket, asynchronous, person
from tests.integration.helpers import run_scripted
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)


def handed_over(frame: dict[str, Any]) -> bool:
    return "liveop_chain" in frame


def ended(frame: dict[str, Any]) -> bool:
    return "liveop_finished" in frame


def chain(owner: User | None, next_owner: User | None = None) -> tuple[Any, Any]:
    """Return two operations, the first of which has gone on with the second."""
    following = Walk.objects.create(owner=next_owner or owner)
    operation, _ = run_scripted(lambda _, p: p.chain_to(following), owner=owner)
    return operation, following


def check_hand_over(heard: list[dict[str, Any]], before: Any, after: Any) -> None:
    """Check the last two frames of a hand-over."""
    swap, signal = heard[-2:]
    assert swap["op"] == signal["op"] == str(before.pk)
    assert f'<section id="op-{after.pk}"' in swap["liveop_html"]
    assert f'hx-swap-oob="outerHTML:#op-{before.pk}"' in swap["liveop_html"]
    target = f"[data-liveop-head=&#x27;{before.pk}&#x27;]".replace("&#x27;", "'")
    assert f'hx-swap-oob="outerHTML:{target}"' in swap["liveop_html"]
    assert signal["liveop_chain"]["op"] == str(after.pk)
    assert signal["liveop_chain"]["channel"] == f"liveop.{after.pk}"
    assert not any(map(ended, heard))


@asynchronous
async def test_a_watcher_is_handed_over(owner: User, run: HeldRun) -> None:
    following = await Walk.objects.acreate(owner=owner)
    async with Socket(owner) as socket:
        await socket.subscribe(run.operation)
        await run.ado(lambda p: p.chain_to(following))
        heard = await socket.hear_until(handed_over)
        check_hand_over(heard, run.operation, following)
        assert any('data-state="FINISHED_OK"' in frame.get("liveop_html", "") for frame in heard)
        token = heard[-1]["liveop_chain"]["token"]
    async with Socket() as stranger:  # the token is good for the next one
        snapshot = await stranger.subscribe(following, token=token)
        assert snapshot["snapshot"]


@asynchronous
async def test_who_may_not_see_the_next_one_is_told_that_it_went_on(
    owner: User, run: HeldRun
) -> None:
    stranger = await User.objects.acreate(username="secretive")
    following = await Walk.objects.acreate(owner=stranger)
    async with Socket(owner) as socket:
        await socket.subscribe(run.operation)
        await run.ado(lambda p: p.chain_to(following))
        heard = await socket.hear_until(ended)
    text = json.dumps(heard)
    assert "It went on with another operation." in text
    for secret in (str(following.pk), "secretive", "walk", "Walk"):
        assert secret not in text.replace("Walking", ""), secret


@asynchronous
async def test_whoever_has_only_a_token_is_not_handed_over(owner: User, run: HeldRun) -> None:
    following = await Walk.objects.acreate(owner=owner)
    async with Socket() as socket:
        await socket.subscribe(run.operation, token=run.operation.subscription_token)
        await run.ado(lambda p: p.chain_to(following))
        heard = await socket.hear_until(ended)
    assert "It went on with another operation." in json.dumps(heard)
    assert str(following.pk) not in json.dumps(heard)


@asynchronous
async def test_whoever_comes_back_late_arrives(owner: User, run: HeldRun) -> None:
    following = await Walk.objects.acreate(owner=owner)
    await run.ado(lambda p: p.chain_to(following))
    await run.aend()
    async with Socket(owner) as socket:
        first = await socket.subscribe(run.operation)
        assert first["snapshot"]
        check_hand_over([first, *await socket.hear_until(handed_over)], run.operation, following)


@asynchronous
async def test_a_long_chain_leads_to_its_end_at_once(owner: User, run: HeldRun) -> None:
    last = await Walk.objects.acreate(owner=owner)
    middle = await Scripted.objects.acreate(owner=owner, finished_successfully=True)
    await LiveOperation.objects.filter(pk=middle.pk).aupdate(
        next_operation=last.pk, started_on=middle.created_on, finished_on=middle.created_on
    )
    await run.aend()
    await LiveOperation.objects.filter(pk=run.operation.pk).aupdate(next_operation=middle.pk)
    async with Socket(owner) as socket:
        first = await socket.subscribe(run.operation)
        heard = [first, *await socket.hear_until(handed_over)]
    check_hand_over(heard, run.operation, last)
    assert str(middle.pk) not in heard[-1]["liveop_chain"].values()


def test_the_old_page_leads_to_the_next_one(owner: User, client: Client) -> None:
    before, after = chain(owner)
    client.force_login(owner)
    answer = client.get(before.get_absolute_url())
    assert answer.status_code == 302
    assert answer["Location"] == after.get_absolute_url()
    page = client.get(before.get_absolute_url(), {"stay": "1"}).content.decode()
    assert f'id="op-{before.pk}"' in page
    assert f'<a href="{after.get_absolute_url()}">' in page
    page = client.get(after.get_absolute_url()).content.decode()
    assert f'<a href="{before.get_absolute_url()}?stay=1">Continued from' in page


def test_the_old_page_stays_for_who_may_not_see_the_next_one(owner: User, client: Client) -> None:
    before, after = chain(owner, person("secretive"))
    client.force_login(owner)
    page = client.get(before.get_absolute_url()).content.decode()
    assert "It went on with another operation." in page
    for secret in (str(after.pk), "secretive", "Walk"):
        assert secret not in page.replace("Walking", ""), secret


def test_the_next_page_hides_where_it_came_from(owner: User, client: Client) -> None:
    before, after = chain(person("secretive"), owner)
    client.force_login(owner)
    page = client.get(after.get_absolute_url()).content.decode()
    assert "Continued from" not in page
    for secret in (str(before.pk), "secretive", "Scripted", "scripted"):
        assert secret not in page, secret


def test_a_page_without_sockets_arrives_too(owner: User, client: Client) -> None:
    before, after = chain(owner)
    client.force_login(owner)
    frame = client.get(reverse("liveops:snapshot", kwargs={"pk": before.pk})).json()
    assert frame["state"] == State.FINISHED_OK
    assert frame["chain"]["op"] == str(after.pk)
    assert f'hx-swap-oob="outerHTML:#op-{before.pk}"' in frame["chain"]["html"]


def test_a_page_without_sockets_learns_nothing_of_what_is_not_its_own(
    owner: User, client: Client
) -> None:
    before, after = chain(owner, person("secretive"))
    client.force_login(owner)
    answer = client.get(reverse("liveops:snapshot", kwargs={"pk": before.pk}))
    assert "chain" not in answer.json()
    assert str(after.pk) not in answer.content.decode()
