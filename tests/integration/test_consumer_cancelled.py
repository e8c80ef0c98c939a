"""Sockets that a server cancels: whatever they were about to do, nobody keeps them."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from channels.layers import get_channel_layer

from liveops import hub
from liveops.consumers import LiveOperationConsumer
from liveops.overview.following import Overviews
from tests.integration.crowds import before_reading, watchers
from tests.integration.edge import DEADLINE, HeldRun, Socket, asynchronous
from tests.integration.watching import Gate

pytestmark = pytest.mark.django_db(transaction=True)


class Held:
    """A method of some class that is held back once it is called."""

    def __init__(self, place: Any, name: str, patch: pytest.MonkeyPatch) -> None:
        self.reached, self.go = asyncio.Event(), asyncio.Event()
        original = getattr(place, name)

        async def held(*arguments: Any) -> Any:
            self.reached.set()
            await self.go.wait()
            return await original(*arguments)

        patch.setattr(place, name, held)


async def cancel(socket: Socket) -> None:
    """End a socket as a server does that has no more patience, and tell nobody else of it."""
    socket.wire.future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await socket.wire.future


async def until(happens: Callable[[], Any]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(DEADLINE):
        while not happens():  # noqa: ASYNC110  (nothing tells of it)
            await asyncio.sleep(0)


async def opened(user: Any) -> Socket:
    """Return a socket that nobody closes."""
    socket = Socket(user)
    connected, _ = await socket.wire.connect(timeout=DEADLINE)
    assert connected
    return socket


def groups() -> Any:
    """Return the groups that the layer knows."""
    layer: Any = get_channel_layer()
    return layer._groups


async def nothing_is_kept(operation: Any) -> None:
    """Wait until neither the hub nor the layer knows of anybody who watches."""
    known = hub.current_hub()
    await until(lambda: not known._watchers and operation.get_channel_name() not in groups())
    assert not known._heard
    assert not known._versions


@asynchronous
async def test_in_the_middle_of_a_subscription(
    run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    before_reading(gate, monkeypatch)
    socket = await opened(owner)
    await socket.say({"subscribe": {"op": str(run.operation.pk)}})
    await gate.wait_until_reached()
    (consumer,) = watchers()
    await cancel(socket)
    gate.go.set()
    await nothing_is_kept(run.operation)
    await until(consumer._outbox._task.done)


@asynchronous
async def test_while_it_joins_the_group(
    run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer: Any = get_channel_layer()
    held = Held(type(layer), "group_add", monkeypatch)
    first, second = await opened(owner), await opened(owner)
    async with Socket(owner) as other:
        await first.say({"subscribe": {"op": str(run.operation.pk)}})
        await held.reached.wait()
        await second.say({"subscribe": {"op": str(run.operation.pk)}})
        await other.say({"subscribe": {"op": str(run.operation.pk)}})
        await until(lambda: len(watchers()) == 3)
        await cancel(first)
        await cancel(second)
        held.go.set()
        assert (await other.hear())["snapshot"]
        assert len(watchers()) == 1
        await run.ado(lambda p: p.status("still heard"))
        assert "still heard" in (await other.hear())["liveop_html"]
    await nothing_is_kept(run.operation)


@asynchronous
async def test_while_nothing_happens(run: HeldRun, owner: Any) -> None:
    socket = await opened(owner)
    await socket.subscribe(run.operation)
    await cancel(socket)
    await nothing_is_kept(run.operation)


@pytest.mark.parametrize(
    ("place", "name"),
    [(Overviews, "close"), (hub.Hub, "_leave")],
    ids=["the overviews", "the group"],
)
@asynchronous
async def test_while_it_leaves(
    place: Any, name: str, run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = await opened(owner)
    await socket.subscribe(run.operation)
    held = Held(place, name, monkeypatch)
    await socket.wire.send_input({"type": "websocket.disconnect", "code": 1001})
    await held.reached.wait()
    await cancel(socket)
    held.go.set()
    await nothing_is_kept(run.operation)


@asynchronous
async def test_one_that_was_never_opened_leaves_nothing(
    owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(LiveOperationConsumer, "connect", monkeypatch)
    socket = Socket(owner)
    await socket.wire.send_input({"type": "websocket.connect"})
    await held.reached.wait()
    await cancel(socket)
    assert not watchers()
