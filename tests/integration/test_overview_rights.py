"""The list and the badge over a socket: who may see what, asked anew at every look."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from tests.integration.edge import Socket, asynchronous, person
from tests.integration.overview import (
    NOT_FOUND,
    create,
    follow,
    links,
    parts,
    quick_looks,
    refusal,
    urls,
)
from tests.testapp.models import Scripted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.testapp.urls")]

make_person = sync_to_async(person)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return how many looks there have been; there is no pause between them."""
    return quick_looks(monkeypatch)


@pytest.mark.parametrize("view", ["list", "badge"])
@asynchronous
async def test_without_a_session_there_is_nothing_to_see(view: str, looks: Any) -> None:
    async with Socket() as socket:
        frame = await follow(socket, view)
        assert (frame["view"], refusal(frame)) == (view, NOT_FOUND)
        assert frame["detail"]


@asynchronous
async def test_the_group_that_is_required_counts_at_every_look(settings: Any, looks: Any) -> None:
    settings.LIVEOPS = {"REQUIRED_GROUP": "crew"}
    outsider = await make_person("outsider")
    insider = await make_person("insider", group="crew")
    async with Socket(outsider) as socket:
        assert refusal(await follow(socket)) == NOT_FOUND
    async with Socket(insider) as socket:
        assert "error" not in await follow(socket)
        await insider.groups.aclear()
        assert refusal(await socket.hear()) == NOT_FOUND
        before = looks()
        assert await socket.hear_rest() == []
        assert looks() <= before + 1


@asynchronous
async def test_a_user_who_was_shut_out_or_deleted_sees_no_more(looks: Any) -> None:
    for end in (User.objects.filter().aupdate, None):
        user = await make_person(f"user {end is None}")
        async with Socket(user) as socket:
            assert "error" not in await follow(socket)
            await (end(is_active=False) if end else user.adelete())
            assert refusal(await socket.hear()) == NOT_FOUND


@asynchronous
async def test_rights_are_asked_for_at_every_look(looks: Any) -> None:
    owner, viewer = await make_person("owner"), await make_person("viewer", "testapp.view_walk")
    walk = await create(owner=owner)
    hidden = await create(model=Scripted, owner=owner)
    async with Socket(viewer) as socket:
        frame = await follow(socket)
        assert links(parts(frame["liveop_html"])["liveops-rows"]) == urls(walk)
        assert str(hidden.pk) not in frame["liveop_html"]
        await viewer.user_permissions.aclear()
        frame = await socket.hear()
        assert links(parts(frame["liveop_html"])["liveops-rows"]) == []
        await User.objects.filter(pk=viewer.pk).aupdate(is_superuser=True)
        frame = await socket.hear()
        assert len(links(parts(frame["liveop_html"])["liveops-rows"])) == 2
