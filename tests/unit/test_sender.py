"""The sending thread: order kept, trouble outlived, told once at its start and once at its end."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from liveops.sinks import sender as module
from liveops.sinks.sender import Sender
from tests.unit.helpers import PATIENCE, Bell


class Layer:
    """Keeps what it is sent, fails while it is told to, or waits until it is let go."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.after_gap: list[Any] = []
        self.loops: set[tuple[int, int]] = set()
        self.failing = False
        self.failures = 0
        self.waits = False
        self.waiting = False
        self.bell = Bell()
        self._gate = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Take a message, or fail."""
        self._loop = asyncio.get_running_loop()
        self.loops.add((threading.get_ident(), id(self._loop)))
        if self.waits:
            self.waiting = True
            self.bell.ring()
            await self._gate.wait()
        if self.failing:
            self.failures += 1
            self.bell.ring()
            raise ConnectionError("the layer is away")
        self.sent.append((group, message["n"]))
        if message.get("after_gap"):
            self.after_gap.append(message["n"])

    def let_go(self) -> None:
        """Let what waits go on."""
        self.waits = False
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._gate.set)

    def fail_some_times(self) -> None:
        """Wait until a send that began after this call has failed."""
        enough = self.failures + 2
        assert self.bell.wait_for(lambda: self.failures >= enough)


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch) -> Layer:
    """Return the layer that senders find; they try again almost at once."""
    fake = Layer()
    monkeypatch.setattr(module, "channel_layer", lambda: fake)
    monkeypatch.setattr(module, "_FIRST_PAUSE", 1e-4)
    monkeypatch.setattr(module, "_LONGEST_PAUSE", 1e-3)
    return fake


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Capture what the sender says."""
    with caplog.at_level(logging.INFO, "liveops"):
        yield caplog


def lines(log: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(r.levelname, r.getMessage()) for r in log.records if r.name == "liveops"]


AWAY = (
    "ERROR",
    (
        "liveops: the channel layer cannot be reached (ConnectionError: the layer is away); "
        "pages follow the database meanwhile"
    ),
)
BACK = ("WARNING", "liveops: the channel layer is back")


def lost(frames: int) -> tuple[str, str]:
    return ("WARNING", f"liveops: {frames} frames were lost meanwhile")


def test_nothing_is_lost_and_each_thread_s_order_is_kept(
    layer: Layer, log: pytest.LogCaptureFixture
) -> None:
    sender, threads, count = Sender(), 5, 400

    def send(thread: int) -> None:
        for number in range(count):
            sender.send(f"group{thread}", {"n": number})

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(send, range(threads)))
    assert sender.flush(PATIENCE)
    assert len(layer.sent) == threads * count
    for thread in range(threads):
        mine = [number for group, number in layer.sent if group == f"group{thread}"]
        assert mine == list(range(count))
    assert len(layer.loops) == 1, "one loop in one thread sends everything"
    assert threading.get_ident() not in {thread for thread, _ in layer.loops}
    assert lines(log) == []


def test_frames_wait_in_order_until_the_layer_is_back(
    layer: Layer, log: pytest.LogCaptureFixture
) -> None:
    sender = Sender()
    layer.failing = True
    for number in range(25):
        sender.send("group", {"n": number})
    layer.fail_some_times()
    for number in range(25, 50):
        sender.send("group", {"n": number})
    layer.fail_some_times()
    assert layer.sent == []
    layer.failing = False
    assert sender.flush(PATIENCE)
    assert [number for _, number in layer.sent] == list(range(50))
    assert layer.after_gap == []
    assert lines(log) == [AWAY, BACK]
    assert sender.dropped == 0


def test_the_oldest_frames_give_way_when_too_many_wait(
    layer: Layer, log: pytest.LogCaptureFixture
) -> None:
    sender = Sender(bound=10)
    layer.failing = True
    for number in range(35):
        sender.send("group", {"n": number})
    layer.fail_some_times()
    layer.failing = False
    assert sender.flush(PATIENCE)
    assert [number for _, number in layer.sent] == list(range(25, 35))
    assert lines(log) == [AWAY, BACK, lost(25)]
    assert sender.dropped == 25


def test_of_many_frames_of_one_group_only_the_last_is_sent_when_the_layer_is_back(
    layer: Layer,
) -> None:
    sender = Sender()
    layer.failing = True
    for number in range(100):
        sender.send("crowded", {"n": number})
        if number < 40:
            sender.send("quiet", {"n": number})
    layer.fail_some_times()
    layer.failing = False
    assert sender.flush(PATIENCE)
    crowded = [number for group, number in layer.sent if group == "crowded"]
    assert crowded == [0, 99], "the one whose sending was tried, and the last"
    assert [number for group, number in layer.sent if group == "quiet"] == list(range(40))
    assert layer.after_gap == [99]
    assert sender.dropped == 0


def test_each_trouble_is_told_with_its_own_losses(
    layer: Layer, log: pytest.LogCaptureFixture
) -> None:
    sender = Sender(bound=10)
    for first, last in ((0, 15), (100, 105), (200, 212)):
        layer.failing = True
        sender.send("group", {"n": "before"})
        layer.fail_some_times()
        for number in range(first, last):
            sender.send("group", {"n": number})
        layer.fail_some_times()
        layer.failing = False
        assert sender.flush(PATIENCE)
    assert lines(log) == [AWAY, BACK, lost(6), AWAY, BACK, AWAY, BACK, lost(3)]
    assert sender.dropped == 9


def test_a_flush_during_trouble_is_no_sign_that_the_layer_is_back(
    layer: Layer, log: pytest.LogCaptureFixture
) -> None:
    sender = Sender(bound=3)
    layer.failing = True
    sender.send("group", {"n": 0})
    with ThreadPoolExecutor(1) as pool:
        flushing = pool.submit(sender.flush, PATIENCE)
        assert layer.bell.wait_for(lambda: len(sender._waiting) == 2)
        sender.send("group", {"n": 1})
        sender.send("group", {"n": 2})  # what the flush waited for gives way
        assert flushing.result(PATIENCE)
    layer.fail_some_times()
    assert lines(log) == [AWAY]
    for number in (3, 4):
        sender.send("group", {"n": number})
    layer.fail_some_times()
    layer.failing = False
    assert sender.flush(PATIENCE)
    assert [number for _, number in layer.sent] == [2, 3, 4]
    assert lines(log) == [AWAY, BACK, lost(2)]


def test_a_frame_that_gives_way_while_it_is_sent_takes_none_along(layer: Layer) -> None:
    sender = Sender(bound=2)
    layer.waits = True
    sender.send("group", {"n": 0})
    assert layer.bell.wait_for(lambda: layer.waiting)
    sender.send("group", {"n": 1})
    sender.send("group", {"n": 2})
    layer.let_go()
    assert sender.flush(PATIENCE)
    assert [number for _, number in layer.sent] == [0, 1, 2]


def test_handing_over_never_waits_for_the_layer(layer: Layer) -> None:
    sender = Sender()
    layer.waits = True
    sender.send("group", {"n": 0})
    assert layer.bell.wait_for(lambda: layer.waiting)
    for number in range(1, 100):
        sender.send("group", {"n": number})
    assert layer.sent == []
    assert not sender.flush(0.0)
    layer.let_go()
    assert sender.flush(PATIENCE)
    assert [number for _, number in layer.sent] == list(range(100))


def test_there_is_nothing_to_flush_before_the_first_frame(layer: Layer) -> None:
    before = threading.active_count()
    assert Sender().flush(0.0)
    assert threading.active_count() == before


def test_flushing_waits_for_everything_handed_over_before(layer: Layer) -> None:
    sender = Sender()
    for number in range(200):
        sender.send("group", {"n": number})
        if number % 20 == 0:
            assert sender.flush(PATIENCE)
            assert len(layer.sent) == number + 1


def test_a_project_without_a_layer_loses_nothing_but_the_frames(
    monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "channel_layer", lambda: None)
    sender = Sender()
    sender.send("group", {"n": 1})
    assert sender.flush(PATIENCE)
    assert lines(log) == []


def test_the_process_has_one_sender_and_a_forked_child_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parents = module.sender()
    monkeypatch.setattr(module, "_sender", parents)
    assert module.sender() is parents
    module._after_fork()  # what os.fork() calls in the child
    assert module.sender() is not parents
    assert module.sender() is module.sender()
