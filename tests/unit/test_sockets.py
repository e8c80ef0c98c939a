"""What one task looks after for all sockets: idleness, slowness, numbers; with a hand clock."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from liveops.rechecking import NOBODY, Identity, Question, Verdict
from liveops.rechecks import Rechecks
from liveops.sockets import Sockets
from tests.unit.helpers import Clock, in_loop

IDLE, SLOW = 4408, 4409


class FakeHub:
    """A hub that nobody else hears."""

    def listens(self, group: str) -> bool:
        """Say no."""
        return False


class FakeSocket:
    """A socket of a user, of which a test says how it fares."""

    def __init__(self, user_pk: str = "") -> None:
        self.identity = Identity(user_pk=user_pk) if user_pk else NOBODY
        self.outbox: Any = SimpleNamespace(under_way=0, size=0, taken=0)
        self.is_watching = True
        self.ended: list[int] = []

    def question(self, *, is_over: bool) -> Question:
        """Ask for nothing."""
        return Question(self.identity, is_over, ())

    def judged(self, question: Question, verdict: Verdict) -> None:
        """Take note of nothing."""

    def end(self, code: int) -> None:
        """Note with what code it ends."""
        self.ended.append(code)


class Room:
    """Sockets that are looked after when a test says so."""

    def __init__(self) -> None:
        self.clock = Clock()
        hub: Any = FakeHub()
        rechecks = Rechecks(hub, lambda questions: [Verdict(False, ()) for _ in questions])
        self.sockets = Sockets(rechecks, self.clock)

    def add(self, user_pk: str = "") -> FakeSocket:
        """Return a socket that is looked after."""
        socket = FakeSocket(user_pk)
        assert self.sockets.add(socket)
        return socket

    def after(self, seconds: float) -> None:
        """Look at all of them some seconds later."""
        self.clock.advance(seconds)
        self.sockets.look()


def in_a_room(scene: Callable[[Room], Awaitable[None]]) -> None:
    """Play a scene; nobody is left in the room afterwards."""

    async def main() -> None:
        room = Room()
        await scene(room)
        for socket in list(room.sockets._seats):
            room.sockets.remove(socket)
        assert len(room.sockets) == 0
        task = room.sockets._task
        assert task is not None
        await asyncio.wait_for(task, 5)

    in_loop(main)


@pytest.mark.promise("socket-idle")
def test_a_socket_that_watches_nothing_for_too_long_is_ended(settings: Any) -> None:
    settings.LIVEOPS = {"SUBSCRIBE_SECONDS": 10}

    async def scene(room: Room) -> None:
        idle, busy, left = room.add(), room.add(), room.add()
        idle.is_watching = False
        room.after(4)
        left.is_watching = False
        room.after(1)
        room.after(4.9)
        assert idle.ended == []
        room.after(0.1)
        assert (idle.ended, busy.ended, left.ended) == ([IDLE], [], [])
        idle.is_watching = True
        room.after(5)
        assert (busy.ended, left.ended) == ([], [IDLE])

    in_a_room(scene)


def test_who_watches_something_again_has_all_the_time_again(settings: Any) -> None:
    settings.LIVEOPS = {"SUBSCRIBE_SECONDS": 10}

    async def scene(room: Room) -> None:
        socket = room.add()
        room.after(0)
        for _ in range(3):
            socket.is_watching = False
            room.after(1)
            room.after(9)
            assert socket.ended == []
            socket.is_watching = True
            room.after(100)

    in_a_room(scene)


def test_a_reader_that_takes_nothing_for_too_long_is_dropped(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.LIVEOPS = {"SLOW_READER_SECONDS": 30}
    caplog.set_level(logging.INFO, "liveops")

    async def scene(room: Room) -> None:
        stuck, slow, quick = room.add(), room.add(), room.add()
        for socket in (stuck, slow):
            socket.outbox = SimpleNamespace(under_way=100, size=900, taken=0)
        for _ in range(5):
            room.after(10)
            slow.outbox.taken += 1
        assert (stuck.ended, slow.ended, quick.ended) == ([SLOW], [], [])

    in_a_room(scene)
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert "1000 characters wait" in record.getMessage()


def test_a_long_text_is_waited_for_longer(settings: Any) -> None:
    settings.LIVEOPS = {"SLOW_READER_SECONDS": 30}

    async def scene(room: Room) -> None:
        socket = room.add()
        socket.outbox.under_way = 32_768 * 60  # a minute of a slow line
        room.after(0)
        room.after(89)
        assert socket.ended == []
        room.after(2)
        assert socket.ended == [SLOW]

    in_a_room(scene)


def test_a_pause_between_two_slow_texts_counts_for_neither(settings: Any) -> None:
    settings.LIVEOPS = {"SLOW_READER_SECONDS": 30}

    async def scene(room: Room) -> None:
        socket = room.add()
        for _ in range(3):
            socket.outbox.under_way = 10
            room.after(1)
            room.after(25)
            socket.outbox.under_way = 0
            room.after(25)
        assert socket.ended == []

    in_a_room(scene)


def test_a_user_has_so_many_sockets_and_the_oldest_stay(settings: Any) -> None:
    settings.LIVEOPS = {"MAX_SOCKETS_PER_USER": 2}

    async def scene(room: Room) -> None:
        first, second = room.add("7"), room.add("7")
        assert not room.sockets.add(FakeSocket("7"))
        room.add("8")
        for _ in range(5):
            room.add()  # nobody in particular is not counted
        room.sockets.remove(first)
        room.add("7")
        assert not room.sockets.add(FakeSocket("7"))
        assert (first.ended, second.ended) == ([], [])

    in_a_room(scene)


def test_the_number_need_not_be_limited(settings: Any) -> None:
    settings.LIVEOPS = {"MAX_SOCKETS_PER_USER": 0}

    async def scene(room: Room) -> None:
        for _ in range(300):
            room.add("7")

    in_a_room(scene)


def test_the_task_looks_by_itself_as_often_as_the_shortest_time_needs(settings: Any) -> None:
    settings.LIVEOPS = {"SUBSCRIBE_SECONDS": 0.01}

    async def scene(room: Room) -> None:
        socket = room.add()
        socket.is_watching = False
        room.clock.advance(1)
        async with asyncio.timeout(10):
            while not socket.ended:  # noqa: ASYNC110  (nothing tells of it)
                await asyncio.sleep(0)

    in_a_room(scene)
