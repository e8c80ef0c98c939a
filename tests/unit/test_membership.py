"""Groups of a channel layer that goes away, comes back empty, or forgets who is a member."""

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from liveops import membership
from liveops.membership import Membership


class Layer:
    """A layer that fails while it is told to."""

    def __init__(self) -> None:
        self.is_away = False
        self.members: set[str] = set()
        self.adds: list[str] = []
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def _reach(self) -> None:
        if self.is_away:
            raise ConnectionError("away")

    async def new_channel(self) -> str:
        self._reach()
        return "channel"

    async def group_add(self, group: str, channel: str) -> None:
        self._reach()
        self.adds.append(group)
        self.members.add(group)

    async def group_discard(self, group: str, channel: str) -> None:
        self._reach()
        self.members.discard(group)

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        self._reach()
        await self._queue.put(message)

    async def receive(self, channel: str) -> dict[str, Any]:
        self._reach()
        return await self._queue.get()


class Ours(Membership):
    """A membership that notes what it hears."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.missed: list[str] = []
        super().__init__(self.taken.append, self.missed.append)


Scene = Callable[[Layer, Ours], Coroutine[Any, Any, None]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Scene], None]:
    """Return a function that carries out a scene in an event loop of its own."""
    monkeypatch.setattr(membership, "_RETRY_SECONDS", 0.001)
    monkeypatch.setattr(membership, "_PATIENCE_SECONDS", 5.0)

    def play(scene: Scene) -> None:
        async def main() -> None:
            layer, ours = Layer(), Ours()
            monkeypatch.setattr(membership, "channel_layer", lambda: layer)
            await scene(layer, ours)
            if ours._listener is not None:
                ours._listener.cancel()

        asyncio.run(main())

    return play


def told(log: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage().split(" (")[0]
        for record in log.records
        if "channel layer" in record.getMessage() and record.levelno > logging.DEBUG
    ]


AWAY_AND_BACK = [
    "liveops: the channel layer cannot be reached",
    "liveops: the channel layer is back",
]


def test_a_layer_that_is_away_at_first_is_joined_when_it_is_there(
    play: Callable[[Scene], None], caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(layer: Layer, ours: Ours) -> None:
        layer.is_away = True
        await ours.join("a")
        await ours.join("b")
        await ours.tend()
        assert layer.members == set()
        layer.is_away = False
        await ours.tend()
        assert layer.members == {"a", "b"}
        assert ours.missed == ["a", "b"], "what was sent before nobody heard"

    play(scene)
    assert told(caplog) == AWAY_AND_BACK


def test_groups_are_joined_again_after_an_outage(
    play: Callable[[Scene], None], caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(layer: Layer, ours: Ours) -> None:
        await ours.join("a")
        assert ours.missed == []
        layer.is_away = True
        layer.members.clear()
        ours._heard_at = float("-inf")  # silent for long, so it is asked whether it is there
        await ours.tend()
        assert ours.doubts("a"), "what comes now comes after a gap"
        await ours.tend()
        layer.is_away = False
        await ours.tend()
        assert layer.members == {"a"}
        assert ours.missed == ["a"]
        assert not ours.doubts("a")

    play(scene)
    assert told(caplog) == AWAY_AND_BACK


def test_a_group_that_the_layer_forgot_is_joined_again(play: Callable[[Scene], None]) -> None:
    async def scene(layer: Layer, ours: Ours) -> None:
        await ours.join("a")
        await ours.join("b")
        ours.doubt("a")
        ours.doubt("unknown")
        assert ours.doubts("a")
        await ours.tend()
        assert layer.adds == ["a", "b", "a"]
        assert ours.missed == ["a"]

    play(scene)


def test_messages_are_taken_and_echoes_are_not(play: Callable[[Scene], None]) -> None:
    async def scene(layer: Layer, ours: Ours) -> None:
        await ours.join("a")
        ours._heard_at = float("-inf")
        await ours.tend()
        await layer.send("channel", {"type": "liveop.frame"})
        for _ in range(100):
            await asyncio.sleep(0)
        assert ours.taken == [{"type": "liveop.frame"}]

    play(scene)


def test_a_quiet_layer_whose_client_stops_waiting_is_not_away(
    play: Callable[[Scene], None],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """redis-py gives up after five seconds without a message, which is no outage."""
    monkeypatch.setattr(membership, "_BREATH_SECONDS", 0.0)

    async def scene(layer: Layer, ours: Ours) -> None:
        receive, waits = layer.receive, [0]

        async def receive_late(channel: str) -> dict[str, Any]:
            waits[0] += 1
            if waits[0] <= 2:
                raise TimeoutError("Timeout reading from the server")
            return await receive(channel)

        monkeypatch.setattr(layer, "receive", receive_late)
        await ours.join("a")
        await layer.send("channel", {"type": "liveop.frame"})
        for _ in range(100):
            await asyncio.sleep(0)
        assert ours.taken == [{"type": "liveop.frame"}]
        assert ours.missed == []

    play(scene)
    assert told(caplog) == []


def test_leaving_a_layer_that_is_away_is_no_trouble(
    play: Callable[[Scene], None], caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(layer: Layer, ours: Ours) -> None:
        await ours.join("a")
        layer.is_away = True
        await ours.leave("a")
        await ours.tend()
        layer.is_away = False
        assert not ours.doubts("a")

    play(scene)


class PubSub(Layer):
    """Stands for the layer that logs each try to reach its server."""

    __module__ = "channels_redis.pubsub"


class RedisError(Exception):
    """Stands for what Redis' client raises."""

    __module__ = "redis.exceptions"


@pytest.mark.parametrize("error", [ConnectionError("away"), RedisError("away")])
def test_a_layer_that_tells_of_each_try_is_hushed(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[BaseException] = []
    source = logging.getLogger("channels_redis.pubsub")
    membership._hush(PubSub(), lambda error: None)
    membership._hush(PubSub(), heard.append)
    for _ in range(3):
        source.error("Unexpected exception in receive task", exc_info=error)
    source.error("something else", exc_info=ValueError("odd"))
    assert heard == [error] * 3
    assert [record.getMessage() for record in caplog.records] == ["something else"]
    source.filters.clear()


def test_what_is_written_leaves_before_the_layer_is_asked_for_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server like Daphne writes to a socket when its loop finds that there is room."""
    happened: list[str] = []
    near, far = socket.socketpair()

    class Told(Layer):
        async def receive(self, channel: str) -> dict[str, Any]:
            happened.append("asked")
            return await super().receive(channel)

    async def main() -> None:
        loop, layer, done = asyncio.get_running_loop(), Told(), asyncio.Event()

        def written() -> None:
            loop.remove_writer(near)
            happened.append("written")
            done.set()

        def take(message: dict[str, Any]) -> None:
            happened.append("taken")
            loop.add_writer(near, written)

        monkeypatch.setattr(membership, "channel_layer", lambda: layer)
        ours = Membership(take, print)
        await ours.join("group")
        for _ in range(2):
            await layer.send("channel", {"op": "1"})
            await done.wait()
            done.clear()
        assert ours._listener is not None
        ours._listener.cancel()

    with near, far:
        asyncio.run(main())
    assert happened[:5] == ["asked", "taken", "written", "asked", "taken"]
