"""However a socket ends, nothing of it is left: no task, no group, no timer, no text."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer

from liveops.consumers import LiveOperationConsumer
from liveops.hub import current_hub
from liveops.sockets import current_sockets
from tests.integration.edge import DEADLINE, HeldRun, Socket, asynchronous, person
from tests.integration.sessions import closing
from tests.integration.test_consumer_limits import Tap

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = 100

Fate = Callable[[Socket], Awaitable[None]]


async def until(happens: Callable[[], Any]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(3 * DEADLINE):
        while not happens():  # noqa: ASYNC110  (nothing tells of it)
            await asyncio.sleep(0.005)


async def leave(socket: Socket) -> None:
    """Close it as a browser does."""
    await socket.wire.disconnect(timeout=DEADLINE)


async def cancel(socket: Socket) -> None:
    """End it as a server does that has no more patience."""
    socket.wire.future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await socket.wire.future


async def fall_silent(socket: Socket) -> None:
    """Watch nothing any more, until the server closes it."""
    for op in [one.op for one in _consumer(socket)._subscriptions.values()]:
        await socket.say({"unsubscribe": {"op": op}})
    assert await closing(socket) == 4408
    await leave(socket)


def _consumer(socket: Socket) -> Any:
    return OPENED[socket]


OPENED: dict[Socket, Any] = {}


async def opened(user: Any, operation: Any, made: list[Any]) -> Socket:
    """Return a socket that watches an operation and the badge."""
    socket = Socket(user)
    connected, _ = await socket.wire.connect(timeout=DEADLINE)
    assert connected
    OPENED[socket] = made[-1]
    assert (await socket.subscribe(operation))["snapshot"]
    return socket


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that grows with each consumer."""
    consumers: list[Any] = []
    connect = LiveOperationConsumer.connect

    async def noting(self: Any) -> None:
        consumers.append(self)
        await connect(self)

    monkeypatch.setattr(LiveOperationConsumer, "connect", noting)
    OPENED.clear()
    return consumers


def left_overs() -> set[str]:
    """Return what the tasks of this loop are that belong to sockets."""
    names = ("Outbox", "Overviews", "Sockets", "Rechecks", "LiveOperationConsumer", "Watching")
    tasks = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    return {name for name in tasks if name.startswith(names)}


async def nothing_is_left(operation: Any) -> None:
    """Wait until nobody knows of any socket."""
    layer: Any = get_channel_layer()
    hub, sockets = current_hub(), current_sockets()
    await until(lambda: not len(sockets) and not left_overs() and not hub._watchers)
    assert operation.get_channel_name() not in layer._groups
    assert not hub._heard
    assert not sockets.rechecks._turns
    assert not sockets.rechecks._by_user
    assert not sockets.rechecks._by_session


@pytest.mark.promise("socket-clean-end")
@pytest.mark.parametrize("fate", [leave, cancel, fall_silent], ids=lambda fate: fate.__name__)
@asynchronous
async def test_nothing_is_left_of_a_hundred_sockets(
    fate: Fate, run: HeldRun, owner: Any, made: list[Any], settings: Any
) -> None:
    settings.LIVEOPS = {
        "RUNNER": "eager",
        "SUBSCRIBE_SECONDS": 0.2 if fate is fall_silent else 60.0,
    }
    sockets = [await opened(owner, run.operation, made) for _ in range(NUMBER)]
    assert len(current_sockets()) == NUMBER
    await asyncio.gather(*[fate(socket) for socket in sockets])
    await nothing_is_left(run.operation)


@asynchronous
async def test_nothing_is_left_of_those_that_are_shut_out(run: HeldRun, made: list[Any]) -> None:
    user = await sync_to_async(person)("somebody", "liveops.view_liveoperation")
    sockets = [await opened(user, run.operation, made) for _ in range(NUMBER)]
    user.is_active = False
    await user.asave()
    for socket in sockets:
        assert await closing(socket) == 4403
    await asyncio.gather(*[leave(socket) for socket in sockets])
    await nothing_is_left(run.operation)


@pytest.mark.promise("socket-slow")
@asynchronous
async def test_nothing_is_left_of_readers_that_take_nothing(
    run: HeldRun, owner: Any, made: list[Any], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIVEOPS = {"RUNNER": "eager", "SLOW_READER_SECONDS": 0.3}
    slow = await sync_to_async(person)("slow", "liveops.view_liveoperation")
    tap = Tap(slow, monkeypatch)
    async with Socket(owner) as witness:
        await witness.subscribe(run.operation)
        sockets = [await opened(slow, run.operation, made) for _ in range(NUMBER)]
        tap.open.clear()
        for number in range(3):
            await run.ado(lambda p, n=number: p.status(f"status {n}"))  # type: ignore[misc]
            await witness.hear_until(lambda frame, n=number: f"status {n}" in frame["liveop_html"])  # type: ignore[misc]
        await until(lambda: len(current_sockets()) == 1)
        for consumer in made[1:]:
            assert (consumer._outbox.size, len(consumer._outbox.waiting)) == (0, 0)
        await run.ado(lambda p: p.status("still served"))
        assert "still served" in (await witness.hear())["liveop_html"]
        for socket in sockets:
            assert await closing(socket) == 4409
        await asyncio.gather(*[leave(socket) for socket in sockets])
    await nothing_is_left(run.operation)


@pytest.mark.promise("sockets-per-user")
@asynchronous
async def test_one_socket_too_many_is_told_so_and_closed(
    run: HeldRun, owner: Any, settings: Any
) -> None:
    settings.LIVEOPS = {"RUNNER": "eager", "MAX_SOCKETS_PER_USER": 2}
    other = await sync_to_async(person)("other")
    async with Socket(owner) as first, Socket(owner) as second:
        async with Socket(owner) as third:
            refused = await third.hear()
            assert (refused["op"], refused["error"]) == (None, "too_many")
            assert refused["detail"].endswith(".")
            await third.say({"subscribe": {"op": str(run.operation.pk)}})
            assert await closing(third) == 4429
        async with Socket(other) as theirs, Socket() as nobodys:
            for socket in (theirs, nobodys):
                assert (await socket.subscribe(run.operation))["error"] == "not_found"
        for socket in (first, second):
            assert (await socket.subscribe(run.operation))["snapshot"]
    async with Socket(owner) as again:
        assert (await again.subscribe(run.operation))["snapshot"]
    await nothing_is_left(run.operation)


@asynchronous
async def test_a_socket_that_was_refused_everything_is_closed(settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": "eager", "SUBSCRIBE_SECONDS": 0.2}
    async with Socket() as socket:
        await socket.say({"subscribe": {"op": "6b1f0a52-6b7e-4f2a-9d0e-3c8f5b1d7a90"}})
        assert (await socket.hear())["error"] == "not_found"
        assert await closing(socket) == 4408
