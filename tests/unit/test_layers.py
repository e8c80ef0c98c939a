"""The in-memory layer: from any thread, in order, nothing lost, bounded."""

import asyncio
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from channels.exceptions import ChannelFull
from channels.layers import channel_layers, get_channel_layer
from hypothesis import given
from hypothesis import strategies as st

from liveops import layers
from liveops.layers import InMemoryChannelLayer
from tests.unit.helpers import Clock, in_loop

EXPIRY = 60
actions = st.lists(st.sampled_from(["send", "send", "receive", "hop", "leap"]), max_size=40)


async def take(layer: InMemoryChannelLayer, channel: str, count: int) -> list[Any]:
    return [(await layer.receive(channel))["body"] for _ in range(count)]


async def settle() -> None:
    """Let everything run that is ready to."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_it_is_the_layer_of_the_test_project() -> None:
    assert isinstance(get_channel_layer(), InMemoryChannelLayer)


def test_threads_that_ask_first_at_the_same_time_are_given_the_same_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make, both_make_one = channel_layers.make_backend, threading.Barrier(2, timeout=0.2)

    def slowly(name: str) -> Any:
        with suppress(threading.BrokenBarrierError):
            both_make_one.wait()
        return make(name)

    monkeypatch.setattr(channel_layers, "backends", {})
    monkeypatch.setattr(channel_layers, "make_backend", slowly)
    with ThreadPoolExecutor(2) as pool:
        one, other = (pool.submit(layers.channel_layer) for _ in range(2))
        assert one.result() is other.result()
    assert both_make_one.broken


@given(st.integers(1, 6), actions)
def test_one_channel_is_a_bounded_queue_with_an_expiry(capacity: int, steps: list[str]) -> None:
    clock, model, number = Clock(), deque[tuple[float, int]](), 0

    async def play() -> None:
        nonlocal number
        layer = InMemoryChannelLayer(expiry=EXPIRY, capacity=capacity)
        for step in steps:
            while model and model[0][0] <= clock():
                model.popleft()
            if step == "send":
                number += 1
                if len(model) < capacity:
                    await layer.send("c", {"body": number})
                    model.append((clock() + EXPIRY, number))
                else:
                    with pytest.raises(ChannelFull):
                        await layer.send("c", {"body": number})
            elif step == "receive" and model:
                assert await take(layer, "c", 1) == [model.popleft()[1]]
            elif step == "hop":
                clock.advance(EXPIRY / 3)
            elif step == "leap":
                clock.advance(EXPIRY)

    with mock.patch.object(layers, "time", SimpleNamespace(monotonic=clock)):
        in_loop(play)


def test_a_receiver_whose_loop_is_closed_is_passed_over() -> None:
    layer = InMemoryChannelLayer()
    gone = asyncio.new_event_loop()
    lost = layer.receive("c")

    async def begin() -> None:
        lost.send(None)  # waits on this loop, and never comes back

    gone.run_until_complete(begin())
    gone.close()

    async def play() -> list[Any]:
        waiting = asyncio.create_task(take(layer, "c", 1))
        await settle()
        await layer.send("c", {"body": "kept"})
        return await waiting

    assert in_loop(play) == ["kept"]


def test_a_wake_up_whose_receiver_gives_up_goes_to_the_next() -> None:
    async def play() -> tuple[list[Any], bool]:
        layer = InMemoryChannelLayer()
        first = asyncio.create_task(take(layer, "c", 1))
        second = asyncio.create_task(take(layer, "c", 1))
        await settle()
        await layer.send("c", {"body": 1})
        first.cancel()
        return await second, first.cancelled() or first.done()

    assert in_loop(play) == ([1], True)


def test_giving_up_never_takes_a_message_along() -> None:
    async def play() -> list[Any]:
        layer = InMemoryChannelLayer()
        woken = asyncio.create_task(take(layer, "c", 1))
        other = asyncio.create_task(take(layer, "c", 1))
        await settle()
        await layer.send("c", {"body": 1})
        assert await take(layer, "c", 1) == [1]  # before the one that was woken for it
        other.cancel()
        await asyncio.sleep(0)  # the channel has no message and no receiver now
        await layer.send("c", {"body": 2})
        woken.cancel()
        await settle()
        return await take(layer, "c", 1)

    assert in_loop(play) == [2]


def test_a_channel_that_nobody_waits_for_is_forgotten() -> None:
    async def play() -> InMemoryChannelLayer:
        layer = InMemoryChannelLayer()
        for _ in range(50):
            channel = await layer.new_channel()
            waiting = asyncio.create_task(layer.receive(channel))
            await settle()
            waiting.cancel()
            await settle()
        return layer

    assert in_loop(play)._channels == {}


def test_a_message_is_the_receiver_s_own() -> None:
    async def play() -> None:
        layer, message = InMemoryChannelLayer(), {"body": ["sent"]}
        await layer.group_add("group", "one")
        await layer.group_add("group", "two")
        await layer.group_send("group", message)
        message["body"].append("changed later")
        one, two = await layer.receive("one"), await layer.receive("two")
        one["body"].append("changed by one")
        assert two == {"body": ["sent"]}

    in_loop(play)


def test_who_leaves_a_group_gets_no_more() -> None:
    async def play() -> list[Any]:
        layer = InMemoryChannelLayer()
        await layer.group_add("group", "one")
        await layer.group_add("group", "one")
        await layer.group_send("group", {"body": 1})
        await layer.group_discard("group", "one")
        await layer.group_discard("group", "one")
        await layer.group_discard("never", "one")
        await layer.group_send("group", {"body": 2})
        await layer.send("one", {"body": 3})
        assert layer._groups == {}
        return await take(layer, "one", 2)

    assert in_loop(play) == [1, 3]


def test_a_membership_ends_unless_it_is_renewed() -> None:
    clock = Clock()

    async def play() -> list[Any]:
        layer = InMemoryChannelLayer(expiry=10_000, group_expiry=100)
        await layer.group_add("group", "renewed")
        await layer.group_add("group", "ended")
        clock.advance(60)
        await layer.group_add("group", "renewed")
        clock.advance(60)
        for channel in ("renewed", "ended"):
            await layer.send(channel, {"body": "direct"})
        await layer.group_send("group", {"body": "to the group"})
        await layer.send("ended", {"body": "end"})
        assert await take(layer, "ended", 2) == ["direct", "end"]
        return await take(layer, "renewed", 2)

    with mock.patch.object(layers, "time", SimpleNamespace(monotonic=clock)):
        assert in_loop(play) == ["direct", "to the group"]


def test_a_full_member_misses_a_message_and_the_others_do_not() -> None:
    async def play() -> None:
        layer = InMemoryChannelLayer(capacity=5, channel_capacity={"small.*": 2})
        await layer.group_add("group", "small.one")
        await layer.group_add("group", "large")
        for number in range(4):
            await layer.group_send("group", {"body": number})
        with pytest.raises(ChannelFull):
            await layer.send("small.one", {"body": "more"})
        assert await take(layer, "small.one", 2) == [0, 1]
        assert await take(layer, "large", 4) == [0, 1, 2, 3]

    in_loop(play)


def test_flush_and_close_forget_everything() -> None:
    async def play() -> list[Any]:
        layer = InMemoryChannelLayer()
        for forget in (layer.flush, layer.close):
            await layer.group_add("group", "one")
            await layer.send("one", {"body": "old"})
            await forget()
            await layer.group_send("group", {"body": "to nobody"})
        await layer.send("one", {"body": "new"})
        return await take(layer, "one", 1)

    assert in_loop(play) == ["new"]


def test_new_channels_have_names_of_their_own_that_can_be_used() -> None:
    async def play() -> set[str]:
        layer = InMemoryChannelLayer()
        names = {await layer.new_channel("liveops") for _ in range(200)}
        for name in names:
            assert name.startswith("liveops.")
            await layer.send(name, {"body": name})
            assert await take(layer, name, 1) == [name]
        return names

    assert len(in_loop(play)) == 200


@pytest.mark.parametrize("name", ["", "with space", "umläut", "x" * 100, 7, None])
def test_names_that_other_layers_refuse_are_refused(name: Any) -> None:
    async def play() -> None:
        layer = InMemoryChannelLayer()
        for call in (
            layer.send(name, {}),
            layer.receive(name),
            layer.group_add(name, "channel"),
            layer.group_add("group", name),
            layer.group_discard(name, "channel"),
            layer.group_send(name, {}),
        ):
            with pytest.raises(TypeError):
                await call

    in_loop(play)
