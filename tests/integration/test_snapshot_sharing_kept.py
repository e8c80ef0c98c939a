"""A snapshot serves the rest of a crowd: as long as nothing new is known, and never a rebuke."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.auth import UserLazyObject
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from liveops import guests, rendering, watching
from liveops.guests import Guests, LongKnown, loaded_anew
from liveops.hub import current_hub
from liveops.models import LogLine
from tests.integration.crowds import counted, crowd, no_hurry
from tests.integration.edge import HeldRun, Socket, asynchronous, person
from tests.integration.markup import fragments
from tests.integration.watching import Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_hurry")]

__all__ = ["no_hurry"]

VIEW = "liveops.view_liveoperation"
_GIVEN: Any = User.user_permissions.through


@pytest.fixture
def renders(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that grows with each snapshot that is rendered."""
    return counted(monkeypatch, rendering, "snapshot_fragments")


@asynchronous
async def test_who_comes_one_after_the_other_shares_one(
    run: HeldRun, owner: Any, renders: list[Any]
) -> None:
    async with crowd(*[owner] * 20) as sockets:
        numbers = {(await socket.subscribe(run.operation))["seq"] for socket in sockets}
    assert (len(numbers), len(renders)) == (1, 1)


@asynchronous
async def test_who_comes_after_a_frame_gets_one_that_has_it(
    run: HeldRun, owner: Any, renders: list[Any]
) -> None:
    pages = [Page() for _ in range(3)]
    async with crowd(owner, owner, owner) as sockets:
        for number, socket in enumerate(sockets):
            pages[number].take(await socket.subscribe(run.operation))
            await run.ado(lambda p, n=number: p.log(f"{n}"))  # type: ignore[misc]
            for page, earlier in zip(pages, sockets[: number + 1], strict=False):
                page.take(await earlier.hear())
    assert [page.lines for page in pages] == [[1, 2, 3]] * 3
    assert [page.repeated for page in pages] == [[]] * 3
    assert len(renders) == 3


@asynchronous
async def test_who_asks_again_gets_one_that_begins_then(
    run: HeldRun, owner: Any, renders: list[Any]
) -> None:
    async with Socket(owner) as one, Socket(owner) as other:
        await one.subscribe(run.operation)
        await other.subscribe(run.operation)
        await other.subscribe(run.operation)
        assert len(renders) == 2
        current_hub()._missed(run.operation.get_channel_name())
        for socket in (one, other):
            assert (await socket.hear())["snapshot"]
    assert len(renders) in (3, 4), "both were behind, perhaps at the same time"


@asynchronous
async def test_a_page_that_knows_more_gets_one_that_begins_then(
    run: HeldRun, owner: Any, renders: list[Any]
) -> None:
    """Have a page rendered after a line was saved of which nothing was heard here."""
    page = Page()
    async with Socket(owner) as one, Socket(owner) as other:
        await one.subscribe(run.operation)
        line = {"seq": 1, "time": timezone.now(), "text": "saved"}
        await LogLine.objects.acreate(operation_id=run.operation.pk, **line)
        page.take(await other.subscribe(run.operation, log_after=1))
        frame = await other.subscribe(run.operation)
    assert "saved" in frame["liveop_html"]
    assert page.lines == [], "it has that line already"
    assert len(renders) == 3


@asynchronous
async def test_who_comes_when_all_had_left_gets_one_that_begins_then(
    run: HeldRun, owner: Any, renders: list[Any]
) -> None:
    for _ in range(2):
        async with Socket(owner) as socket:
            await socket.subscribe(run.operation)
    assert len(renders) == 2


@pytest.mark.parametrize("how", ["away", "forgotten"])
@asynchronous
async def test_none_is_kept_while_the_layer_is_not_relied_upon(
    how: str, run: HeldRun, owner: Any, renders: list[Any]
) -> None:
    known, group = current_hub(), run.operation.get_channel_name()
    async with Socket(owner) as one, Socket(owner) as other:
        await one.subscribe(run.operation)
        assert known.version(group) is not None
        if how == "away":
            known._membership._lose(ConnectionError("away"))
        else:
            assert known._note_number(group, known._numbers[group] + 1)
        assert known.version(group) is None
        await other.subscribe(run.operation)
    assert len(renders) == 2


@asynchronous
async def test_what_a_user_may_is_asked_again_while_a_crowd_comes(
    run: HeldRun, owner: Any, renders: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests, "_HOLDS_SECONDS", -1.0)
    viewer = await sync_to_async(person)("viewer", VIEW)
    same = [await User.objects.aget(pk=viewer.pk) for _ in range(3)]
    async with crowd(*same, owner) as sockets:
        assert (await sockets[0].subscribe(run.operation))["snapshot"]
        await _GIVEN.objects.filter(user=viewer).adelete()  # which Django tells nobody of
        assert (await sockets[1].subscribe(run.operation))["error"] == "not_found"
        change = await Permission.objects.aget(codename="change_liveoperation")
        await _GIVEN.objects.acreate(user=viewer, permission=change)
        frame = await sockets[2].subscribe(run.operation)
        assert fragments(frame["liveop_html"], run.operation.pk)["op-controls"].all("form")
        assert (await sockets[3].subscribe(run.operation))["snapshot"]
    assert len(renders) == 1


@asynchronous
async def test_a_socket_that_was_opened_long_ago_is_judged_by_what_holds_now(
    run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = await sync_to_async(person)("viewer", VIEW)
    async with Socket(viewer) as socket, Socket(owner) as witness:
        await witness.subscribe(run.operation)
        assert (await socket.subscribe(run.operation))["snapshot"]
        await viewer.user_permissions.aclear()
        monkeypatch.setattr(watching, "_FRESH_SECONDS", -1.0)
        assert (await socket.subscribe(run.operation))["error"] == "not_found"
        await run.ado(lambda p: p.status("unheard"))
        await witness.hear()
        assert await socket.hear_rest() == []


def test_a_long_known_user_is_loaded_once_for_all_that_ask(
    django_assert_num_queries: Any,
) -> None:
    user = person("somebody", VIEW)
    assert user.has_perm(VIEW)
    user.user_permissions.clear()
    User.objects.filter(pk=user.pk).update(first_name="New")
    asked: list[Any] = []

    def may_watch(fresh: Any) -> bool:
        asked.append(fresh)
        return bool(fresh.has_perm(VIEW))

    ours = Guests(may_watch)
    with django_assert_num_queries(3):  # the user, and the permissions of the user and its groups
        found = [ours.of(LongKnown(user)) for _ in range(10)]
    assert found == [found[0]] * 10
    assert not found[0].grant
    assert asked[0] is not user
    assert asked[0].first_name == "New"
    assert user.has_perm(VIEW), "the socket's own instance is left as it is"


def test_one_that_was_loaded_just_now_costs_no_query(django_assert_num_queries: Any) -> None:
    user = person("somebody")
    with django_assert_num_queries(0):
        assert Guests(lambda known: known is user).of(user).grant


def test_what_is_put_on_a_user_stays_there() -> None:
    user: Any = person("somebody")
    user.tenant = "north"
    assert loaded_anew(user).tenant == "north"


def test_the_user_of_a_session_is_loaded_anew_like_any_other() -> None:
    lazy: Any = UserLazyObject()
    lazy._wrapped = user = person("somebody", VIEW)
    assert user.has_perm(VIEW)
    user.user_permissions.clear()
    fresh = loaded_anew(lazy)
    assert fresh == user
    assert not fresh.has_perm(VIEW)


def test_a_user_that_is_gone_is_nobody() -> None:
    user = person("somebody")
    User.objects.filter(pk=user.pk).delete()
    assert loaded_anew(user).is_anonymous


@pytest.mark.parametrize("user", [None, User(), object()], ids=["none", "unsaved", "no row"])
def test_one_that_is_no_row_stays_what_it_is(user: Any) -> None:
    assert loaded_anew(user) is user
