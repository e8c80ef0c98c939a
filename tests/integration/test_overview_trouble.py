"""The list over a socket when things go wrong: the database, a template, a slow reader."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from liveops import consumers
from liveops.overview import following
from liveops.rendering import overview
from liveops.states import State
from tests.integration.edge import Socket, asynchronous, person
from tests.integration.overview import (
    EVERYTHING,
    create,
    follow,
    parts,
    pass_looks,
    quick_looks,
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


@asynchronous
async def test_a_database_that_fails_is_asked_again_quietly(
    root: User, looks: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    look, down = following._look, [True]

    def failing(*arguments: Any) -> Any:
        if down[0]:
            looks()
            failures.append(1)
            raise OperationalError("database is locked")
        return look(*arguments)

    failures: list[int] = []
    monkeypatch.setattr(following, "_look", failing)
    async with Socket(root) as socket:
        await socket.say({"subscribe": {"list": ""}})
        await pass_looks(lambda: len(failures))
        down[0] = False
        assert "error" not in await socket.hear()
        down[0] = True
        await pass_looks(lambda: len(failures))
        await create()
        down[0] = False
        assert "error" not in await socket.hear()
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


@asynchronous
async def test_a_template_that_fails_is_told_of_once_and_ends_nothing(
    root: User, looks: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("no such filter")

    monkeypatch.setattr(following, "list_fragments", broken)
    async with Socket(root) as socket:
        await socket.say({"subscribe": {"list": ""}})
        await pass_looks(looks)
        monkeypatch.setattr(following, "list_fragments", overview.list_fragments)
        assert set(parts((await socket.hear())["liveop_html"])) == EVERYTHING
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.name for record in errors] == ["liveops"]
    assert "no such filter" in caplog.text


@asynchronous
async def test_a_page_that_reads_too_slowly_is_sent_less_and_then_everything(
    root: User, looks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[consumers.LiveOperationConsumer] = []
    connect = consumers.LiveOperationConsumer.connect

    async def connected(self: consumers.LiveOperationConsumer) -> None:
        made.append(self)
        await connect(self)

    monkeypatch.setattr(consumers.LiveOperationConsumer, "connect", connected)
    busy = [False]
    monkeypatch.setattr(consumers.LiveOperationConsumer, "_is_behind", lambda _: busy[0])
    async with Socket(root) as socket:
        await follow(socket)
        busy[0] = True
        before = looks()
        await create(State.STARTED)
        assert await socket.hear_rest() == []
        assert looks() <= before + 1
        busy[0] = False
        assert "liveops-rows" in parts((await socket.hear())["liveop_html"])
        made[0]._overviews.forget()
        assert set(parts((await socket.hear())["liveop_html"])) == EVERYTHING


@asynchronous
async def test_a_slow_look_leaves_the_database_to_others(
    root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    wait_for = asyncio.wait_for

    async def noted(awaitable: Any, timeout: float) -> Any:  # noqa: ASYNC109
        waits.append(timeout)
        return await wait_for(awaitable, timeout)

    monkeypatch.setattr(following, "_REST", 1e6)
    monkeypatch.setattr(asyncio, "wait_for", noted)
    async with Socket(root) as socket:
        await follow(socket)
        await follow(socket, "badge")
    assert max(waits) > following.LOOK_SECONDS


@asynchronous
async def test_a_socket_that_closes_ends_its_looks(root: User, looks: Any) -> None:
    async with Socket(root) as socket:
        await follow(socket)
    before = looks()
    names = {task.get_coro().__qualname__ for task in asyncio.all_tasks()}  # type: ignore[union-attr]
    assert not any("Overviews" in name for name in names)
    assert looks() == before
