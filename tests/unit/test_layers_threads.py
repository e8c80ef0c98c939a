"""The in-memory layer between threads, each with a loop of its own: nothing lost, order kept."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from liveops.layers import InMemoryChannelLayer
from tests.unit.helpers import PATIENCE, in_loop


def in_threads(*mains: Callable[[], Coroutine[Any, Any, Any]]) -> list[Any]:
    """Run each coroutine on a loop of its own in a thread of its own; return their results."""
    with ThreadPoolExecutor(len(mains)) as pool:
        return list(pool.map(in_loop, mains))


async def take(layer: InMemoryChannelLayer, channel: str, count: int) -> list[Any]:
    return [(await layer.receive(channel))["body"] for _ in range(count)]


@settings(max_examples=8)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 60))
def test_every_member_gets_everything_in_each_sender_s_order(
    senders: int, receivers: int, count: int
) -> None:
    layer = InMemoryChannelLayer()

    async def join() -> None:
        for number in range(receivers):
            await layer.group_add("group", f"channel{number}")

    def sending(sender: int) -> Callable[[], Coroutine[Any, Any, None]]:
        async def send() -> None:
            for number in range(count):
                await layer.group_send("group", {"body": (sender, number)})

        return send

    def receiving(receiver: int) -> Callable[[], Coroutine[Any, Any, list[Any]]]:
        return lambda: take(layer, f"channel{receiver}", senders * count)

    in_loop(join)
    results = in_threads(*map(receiving, range(receivers)), *map(sending, range(senders)))
    for got in results[:receivers]:
        for sender in range(senders):
            assert [n for s, n in got if s == sender] == list(range(count))


def test_receivers_that_share_a_channel_share_its_messages_and_none_is_lost() -> None:
    layer, senders, receivers, count = InMemoryChannelLayer(), 3, 4, 400

    def sending(sender: int) -> Callable[[], Coroutine[Any, Any, None]]:
        async def send() -> None:
            for number in range(count):
                await layer.send("shared", {"body": (sender, number)})
                if number % 50 == 0:
                    await asyncio.sleep(0)

        return send

    async def receive() -> list[Any]:
        return await take(layer, "shared", senders * count // receivers)

    results = in_threads(*[receive] * receivers, *map(sending, range(senders)))
    got = [body for result in results[:receivers] for body in result]
    assert sorted(got) == [(s, n) for s in range(senders) for n in range(count)]
    for result in results[:receivers]:
        for sender in range(senders):
            mine = [n for s, n in result if s == sender]
            assert mine == sorted(mine)


def test_a_sleeping_loop_is_woken_by_another_thread() -> None:
    layer, asleep = InMemoryChannelLayer(), threading.Event()

    async def receive() -> list[Any]:
        loop = asyncio.get_running_loop()
        waiting = asyncio.create_task(take(layer, "c", 1))
        loop.call_soon(loop.call_soon, asleep.set)  # after the task has begun to wait
        return await waiting

    async def send() -> None:
        assert asleep.wait(PATIENCE)
        await layer.send("c", {"body": "now"})

    assert in_threads(receive, send)[0] == ["now"]
