"""The list and the badge over a socket: what is sent, and when."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client

from liveops.models import LiveOperation, LiveProgress
from liveops.states import State
from tests.integration.edge import Socket, asynchronous, person
from tests.integration.overview import (
    EVERYTHING,
    create,
    follow,
    links,
    page,
    parts,
    pass_looks,
    quick_looks,
    several,
    urls,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.testapp.urls")]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return how many looks there have been; there is no pause between them."""
    return quick_looks(monkeypatch)


@pytest.fixture
def root() -> User:
    """Return a superuser."""
    return person("root", is_superuser=True)


async def change(one: Any, **columns: Any) -> None:
    """Change an operation as a run does: behind everybody's back."""
    await LiveOperation.objects.filter(pk=one.pk).aupdate(**columns)


# The list


@asynchronous
async def test_a_page_that_follows_the_list_is_sent_all_of_it(root: User, looks: Any) -> None:
    one, two = await create(State.STARTED), await create()
    async with Socket(root) as socket:
        frame = await follow(socket)
    assert (frame["view"], set(parts(frame["liveop_html"]))) == ("list", EVERYTHING)
    shown = parts(frame["liveop_html"])["liveops-rows"]
    assert links(shown) == urls(two, one)
    assert abs(frame["now"] - time.time()) < 60


def test_a_page_that_shows_what_there_is_is_sent_nothing(
    client: Client, root: User, looks: Any
) -> None:
    several(30)
    client.force_login(root)
    shown = page(client, "/live/?page=2&q=walk").one(data_liveops_view="list").attributes
    details = {
        name: shown[f"data-liveops-{name}"] for name in ("query", "mark", "language", "zone")
    }
    query = details.pop("query")

    @asynchronous
    async def followed() -> None:
        async with Socket(root) as socket:
            frame = await follow(socket, query=query, **details)
            assert frame["liveop_html"] == ""
            assert frame["mark"] == shown["data-liveops-mark"]

    followed()


@asynchronous
async def test_only_the_rows_that_changed_are_sent(root: User, looks: Any) -> None:
    one = await create(State.STARTED, progress={"percent": 1})
    await create(State.STARTED, progress={"percent": 1})
    async with Socket(root) as socket:
        await follow(socket)
        await LiveProgress.objects.filter(operation=one.pk).aupdate(status_text="Now what?")
        frame = await socket.hear()
        assert set(parts(frame["liveop_html"])) == {f"liveops-row-{one.pk}"}
        assert "Now what?" in frame["liveop_html"]
        await change(one, cancelled=True)
        frame = await socket.hear()
        assert set(parts(frame["liveop_html"])) == {"liveops-counts", f"liveops-row-{one.pk}"}


@asynchronous
async def test_the_whole_list_is_sent_when_there_are_others_on_it(root: User, looks: Any) -> None:
    one = await create(State.STARTED)
    async with Socket(root) as socket:
        await follow(socket, query="state=STARTED")
        new = await create(State.STARTED)
        shown = parts((await socket.hear())["liveop_html"])
        assert set(shown) == {"liveops-counts", "liveops-rows"}
        assert links(shown["liveops-rows"]) == urls(new, one)
        await change(one, cancelled=True)
        shown = parts((await socket.hear())["liveop_html"])
        assert links(shown["liveops-rows"]) == urls(new)


@asynchronous
async def test_the_links_to_other_pages_follow_when_there_are_more(root: User, looks: Any) -> None:
    await sync_to_async(several)(25)
    async with Socket(root) as socket:
        frame = await follow(socket)
        assert parts(frame["liveop_html"])["liveops-pages"].all("a") == []
        await create()
        shown = parts((await socket.hear())["liveop_html"])
        assert shown["liveops-pages"].one("a", rel="next").attributes["href"] == "?page=2"
        assert len(links(shown["liveops-rows"])) == 25


@asynchronous
async def test_nothing_is_sent_while_nothing_changes(root: User, looks: Any) -> None:
    await create(State.STARTED, progress={"percent": 1})
    async with Socket(root) as socket:
        await follow(socket)
        await follow(socket, "badge")
        await pass_looks(looks, 5)
        assert await socket.hear_rest() == []


@asynchronous
async def test_it_ends_when_the_page_says_so(root: User, looks: Any) -> None:
    async with Socket(root) as socket:
        await follow(socket)
        await follow(socket, "badge")
        await socket.say({"unsubscribe": {"list": ""}})
        assert await socket.hear_rest() == []
        await create(State.STARTED)
        assert (await socket.hear())["view"] == "badge"
        await socket.say({"unsubscribe": {"badge": True}})
        assert await socket.hear_rest() == []
        before = looks()
        await create(State.STARTED)
        assert await socket.hear_rest() == []
        assert looks() <= before + 1
        frame = await follow(socket)
        assert set(parts(frame["liveop_html"])) == EVERYTHING


@asynchronous
async def test_a_socket_has_one_list(root: User, looks: Any) -> None:
    waiting, running = await create(), await create(State.STARTED)
    async with Socket(root) as socket:
        await follow(socket, query="state=STARTED")
        frame = await follow(socket, query="state=NOT_STARTED")
        assert links(parts(frame["liveop_html"])["liveops-rows"]) == urls(waiting)
        await change(running, cancel_requested=True)
        await pass_looks(looks)
        assert await socket.hear_rest() == []


@asynchronous
async def test_a_row_speaks_the_language_of_its_page(root: User, looks: Any) -> None:
    await create(State.STARTED)
    async with Socket(root) as socket:
        german = await follow(socket, language="de-at", zone="Asia/Tokyo")
        assert "+09:00" in german["liveop_html"]
        for odd in ("", "xx", "x" * 1_000, "../..", "\ud800"):
            plain = await follow(socket, language=odd, zone=odd)
            assert "+00:00" in plain["liveop_html"]
    assert german["mark"] != plain["mark"]


# The badge


@asynchronous
async def test_the_badge_follows(root: User, looks: Any) -> None:
    async with Socket(root) as socket:
        frame = await follow(socket, "badge")
        assert frame["view"] == "badge"
        assert parts(frame["liveop_html"])["liveops-badge"].text.strip() == "Operations"
        one = await create(State.STARTED)
        frame = await socket.hear()
        assert "1 running" in parts(frame["liveop_html"])["liveops-badge"].text
        await LiveProgress.objects.acreate(operation_id=one.pk, status_text="not in the badge")
        await pass_looks(looks)
        assert await socket.hear_rest() == []
        again = await follow(socket, "badge", mark=frame["mark"])
        assert (again["mark"], again["liveop_html"]) == (frame["mark"], "")
