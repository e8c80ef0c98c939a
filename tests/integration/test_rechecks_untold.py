"""What ends a subscription within RECHECK_SECONDS: changes of which nobody tells.

It is a fraction of a second here, so that the tests need not wait for long.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from liveops import access
from liveops.models import LiveOperation, Share
from liveops.rechecking import judge
from liveops.sockets import current_sockets
from tests.integration.crowds import crowd, watchers
from tests.integration.edge import HeldRun, Socket, asynchronous, person
from tests.integration.sessions import SessionSocket, closing, logged_in
from tests.integration.test_rechecks_told import VIEW, is_cut_off

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _soon(settings: Any) -> None:
    settings.LIVEOPS = {"RECHECK_SECONDS": 0.1, "RUNNER": "eager"}


def rows(user: Any) -> Any:
    return User.objects.filter(pk=user.pk)


CHANGES: dict[str, Callable[[Any, Any], Any]] = {
    "inactive": lambda u, op: rows(u).update(is_active=False),
    "permission": lambda u, op: User.user_permissions.through.objects.filter(user=u).delete(),
    "user deleted": lambda u, op: rows(u)._raw_delete("default"),
}


@pytest.mark.promise("socket-recheck")
@pytest.mark.parametrize("name", CHANGES)
@asynchronous
async def test_a_change_that_nobody_tells_of_ends_a_subscription_soon(
    name: str, run: HeldRun
) -> None:
    user = await sync_to_async(person)("somebody", VIEW)
    root = await sync_to_async(person)("root", is_superuser=True)
    async with Socket(user) as socket, Socket(root) as witness:
        assert (await socket.subscribe(run.operation))["snapshot"]
        assert (await witness.subscribe(run.operation))["snapshot"]
        if name == "user deleted":
            await User.user_permissions.through.objects.filter(user=user).adelete()
        await sync_to_async(CHANGES[name])(user, run.operation)
        is_closed = name in ("inactive", "user deleted")
        if name == "user deleted":  # whichever of the two is seen first
            assert (await socket.hear())["error"] == "not_found"
        else:
            await is_cut_off(socket, run, witness, is_closed=is_closed)


@asynchronous
async def test_an_operation_that_is_given_to_somebody_else(run: HeldRun, owner: Any) -> None:
    heir = await sync_to_async(person)("heir")
    async with Socket(owner) as socket, Socket(await root()) as witness:
        assert (await socket.subscribe(run.operation))["snapshot"]
        assert (await witness.subscribe(run.operation))["snapshot"]
        await LiveOperation.objects.filter(pk=run.operation.pk).aupdate(owner=heir)
        await is_cut_off(socket, run, witness)


async def root() -> User:
    return await sync_to_async(person)("root", is_superuser=True)


@pytest.mark.parametrize("end", ["deleted", "expired"])
@asynchronous
async def test_a_session_that_is_gone(end: str, run: HeldRun, owner: Any) -> None:
    client = await sync_to_async(logged_in)(owner)
    async with SessionSocket(client) as socket, SessionSocket(client) as listing:
        assert (await socket.subscribe(run.operation))["snapshot"]
        await listing.say({"subscribe": {"badge": True}})
        assert (await listing.hear())["view"] == "badge"
        if end == "deleted":
            await Session.objects.all().adelete()
        else:
            await Session.objects.all().aupdate(expire_date=timezone.now())
        assert await closing(socket) == 4403
        refused = await listing.hear()
        assert (refused["view"], refused["error"]) == ("badge", "not_found")
        assert await closing(listing) == 4403


@asynchronous
async def test_what_a_page_s_own_token_allows_outlives_the_session(
    run: HeldRun, owner: Any
) -> None:
    """Show an operation on a page to whoever may not see it by permission: tokens differ."""
    visitor = await sync_to_async(person)("visitor")
    client = await sync_to_async(logged_in)(visitor)
    theirs = await sync_to_async(logged_in)(owner)
    page = access.make_token(run.operation.pk)
    async with SessionSocket(client) as public, SessionSocket(theirs) as own:
        token = (await own.subscribe(run.operation))["token"]
        assert (await own.subscribe(run.operation, token=token))["snapshot"]
        assert (await public.subscribe(run.operation, token=page))["snapshot"]
        await Session.objects.all().adelete()
        assert await closing(own) == 4403
        await run.ado(lambda p: p.status("for everybody"))
        assert "for everybody" in (await public.hear())["liveop_html"]


@asynchronous
async def test_a_page_s_token_is_good_for_as_long_as_the_page_stays_open(
    run: HeldRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now - 1_000)
        old = access.make_token(run.operation.pk)
    async with Socket() as socket:
        assert (await socket.subscribe(run.operation, token=old))["snapshot"]
        (consumer,) = watchers()
        subscription = consumer._subscriptions[str(run.operation.pk)]
        await told(lambda: subscription.token != old)
        await run.ado(lambda p: p.status("still shown"))
        assert "still shown" in (await socket.hear())["liveop_html"]


async def told(happens: Callable[[], Any]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(10):
        while not happens():  # noqa: ASYNC110  (nothing tells of it)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("end", ["revoked", "deleted", "expired"])
@asynchronous
async def test_a_share_that_ends(end: str, run: HeldRun, owner: Any, settings: Any) -> None:
    if end != "expired":  # of the others it is told
        settings.LIVEOPS = {"RECHECK_SECONDS": 60, "RUNNER": "eager"}
    token = await sync_to_async(run.operation.share_token)(by=owner)
    async with Socket() as socket, Socket(owner) as witness:
        assert (await socket.subscribe(run.operation, token=token))["snapshot"]
        assert (await witness.subscribe(run.operation))["snapshot"]
        if end == "revoked":
            assert await sync_to_async(run.operation.revoke_shares)() == 1
        elif end == "deleted":
            await (await Share.objects.aget()).adelete()
        else:
            past = timezone.now() - timedelta(seconds=1)
            await Share.objects.aupdate(expires_on=past)
        await is_cut_off(socket, run, witness)


@asynchronous
async def test_many_sockets_of_one_user_cost_as_many_queries_as_one(
    run: HeldRun, owner: Any, settings: Any
) -> None:
    settings.LIVEOPS = {"RECHECK_SECONDS": 600, "RUNNER": "eager"}
    client = await sync_to_async(logged_in)(owner)
    counts: list[int] = []
    for number in (1, 20):
        sockets = [SessionSocket(client) for _ in range(number)]
        for socket in sockets:
            await socket.__aenter__()
            assert (await socket.subscribe(run.operation))["snapshot"]
        questions = [one.question(is_over=False) for one in watchers()]
        counts.append(await sync_to_async(_queries_of)(questions))
        for socket in sockets:
            await socket.__aexit__(None, None, None)
    assert counts[0] == counts[1] <= 6


def _queries_of(questions: Any) -> int:
    with CaptureQueriesContext(connection) as captured:
        verdicts = judge(questions)
    assert all(grant is not None for verdict in verdicts for grant in verdict.grants)
    return len(captured)


@asynchronous
async def test_nobody_asks_for_those_who_have_left(run: HeldRun, owner: Any) -> None:
    async with crowd(*[owner] * 5) as sockets:
        for socket in sockets:
            assert (await socket.subscribe(run.operation))["snapshot"]
        assert len(current_sockets()) == 5
    known = current_sockets()
    assert len(known) == 0
    assert known.rechecks._turns == {}
    task = known.rechecks._task
    await told(lambda: known._task is None or known._task.done())
    await told(lambda: task is None or task.done())
