"""Sending in the thread that has something to send: in order, and never for long."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from channels.layers import BaseChannelLayer
from channels.layers import InMemoryChannelLayer as ChannelsLayer

from liveops.layers import InMemoryChannelLayer
from liveops.sinks import direct as module
from liveops.sinks import sender as sender_module
from liveops.sinks.direct import DirectSender, send_directly
from liveops.sinks.sender import Sender
from tests.unit.helpers import PATIENCE


class Layer(InMemoryChannelLayer):
    """Keeps what it is sent, with the thread that sent it; fails or hangs while it is told to."""

    def __init__(self, clock: list[float]) -> None:
        super().__init__()
        self.sent: list[int] = []
        self.threads: list[str] = []
        self.takes = 0.0
        self.failing = self.hanging = False
        self.held: int | None = None  # the message that waits to be let go
        self.holding, self.go = threading.Event(), threading.Event()
        self._clock = clock

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Take a message, or fail."""
        self._clock[0] += self.takes
        if self.hanging:
            await asyncio.Event().wait()
        if self.failing:
            raise ConnectionError("the layer is away")
        if message["n"] == self.held:
            self.holding.set()
            assert self.go.wait(PATIENCE)
        self.sent.append(message["n"])
        self.threads.append(threading.current_thread().name)


@pytest.fixture
def clock() -> list[float]:
    """Return the time, which passes when a layer or a test says so."""
    return [100.0]


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> Layer:
    """Return the layer that all senders find."""
    fake = Layer(clock)
    for one in (module, sender_module):
        monkeypatch.setattr(one, "channel_layer", lambda: fake)
    monkeypatch.setattr(module, "_LONGEST_WAIT", 1e-3)
    return fake


@pytest.fixture
def direct(clock: list[float]) -> Iterator[DirectSender]:
    """Return what this test's thread sends through."""
    ours = DirectSender(lambda: clock[0])
    send_directly(ours)
    yield ours
    send_directly(None)
    ours.close()


def sent_directly(layer: Layer) -> list[bool]:
    return [name != "liveops-sender" for name in layer.threads]


def test_a_message_is_with_the_layer_when_it_was_handed_over(
    layer: Layer, direct: DirectSender
) -> None:
    sender = Sender()
    for number in range(3):
        sender.send("group", {"n": number})
        assert layer.sent[-1] == number
    assert sent_directly(layer) == [True] * 3
    assert sender._loop is None, "no thread was needed"


def test_a_thread_that_does_not_ask_for_it_waits_for_nothing(layer: Layer) -> None:
    sender = Sender()
    sender.send("group", {"n": 1})
    assert sender.flush(PATIENCE)
    assert sent_directly(layer) == [False]


@pytest.mark.parametrize("trouble", ["failing", "hanging"])
def test_what_the_layer_does_not_take_in_time_is_sent_later(
    layer: Layer, direct: DirectSender, clock: list[float], trouble: str
) -> None:
    assert direct.send("group", {"n": 0})
    setattr(layer, trouble, True)
    assert not direct.send("group", {"n": 1})
    setattr(layer, trouble, False)
    assert not direct.send("group", {"n": 1}), "it is left alone for a while"
    clock[0] += 1.0
    assert direct.send("group", {"n": 1})
    assert layer.sent == [0, 1]


@pytest.mark.parametrize(("took", "rest"), [(0.006, 0.12), (0.04, 0.8), (0.09, 1.0)])
def test_one_that_is_slow_is_left_to_the_sender_for_a_while(
    layer: Layer, direct: DirectSender, clock: list[float], took: float, rest: float
) -> None:
    sender = Sender()
    layer.takes = took
    sender.send("group", {"n": 0})
    layer.takes = 0.0
    clock[0] += rest * 0.99
    sender.send("group", {"n": 1})
    assert sender.flush(PATIENCE)
    clock[0] += rest * 0.02
    sender.send("group", {"n": 2})
    assert layer.sent == [0, 1, 2]
    assert sent_directly(layer) == [True, False, True]


def test_none_overtakes_those_that_wait(
    layer: Layer, direct: DirectSender, clock: list[float]
) -> None:
    sender, layer.held = Sender(), 0
    elsewhere = threading.Thread(target=sender.send, args=("group", {"n": 0}))
    elsewhere.start()
    elsewhere.join()
    assert layer.holding.wait(PATIENCE), "in the sender's thread"
    sender.send("group", {"n": 1})
    layer.go.set()
    assert sender.flush(PATIENCE)
    assert layer.sent == [0, 1]
    assert sent_directly(layer) == [False, False]


def test_flushing_waits_for_one_that_is_on_its_way(layer: Layer) -> None:
    sender, direct = Sender(), DirectSender()
    layer.held = 0

    def send() -> None:
        send_directly(direct)
        sender.send("group", {"n": 0})
        direct.close()

    thread = threading.Thread(target=send)
    thread.start()
    assert layer.holding.wait(PATIENCE)
    assert not sender.flush(1e-3)
    layer.go.set()
    assert sender.flush(PATIENCE)
    assert layer.sent == [0]
    thread.join()


class Wrapped(InMemoryChannelLayer):
    """A layer of a project's own, above a known one."""


class Steady(BaseChannelLayer):
    """A layer that nobody knows: it may need its loop between two messages."""


@pytest.mark.parametrize(
    ("found", "is_known"),
    [(InMemoryChannelLayer, True), (Wrapped, True), (Steady, False), (ChannelsLayer, False)],
)
def test_only_layers_that_do_nothing_by_themselves_are_sent_to_directly(
    monkeypatch: pytest.MonkeyPatch, direct: DirectSender, found: type, is_known: bool
) -> None:
    monkeypatch.setattr(module, "channel_layer", found)
    assert direct.send("group", {"n": 1}) is is_known
    assert direct.is_open is is_known


def test_a_project_without_a_layer_has_nothing_opened(
    monkeypatch: pytest.MonkeyPatch, direct: DirectSender
) -> None:
    monkeypatch.setattr(module, "channel_layer", lambda: None)
    assert not direct.send("group", {"n": 1})
    assert not direct.is_open


def test_one_that_was_closed_opens_again(layer: Layer, direct: DirectSender) -> None:
    assert direct.send("group", {"n": 1})
    direct.close()
    assert not direct.is_open
    assert direct.send("group", {"n": 2})
    assert layer.sent == [1, 2]
