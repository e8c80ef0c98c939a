"""What waits for a socket: in order, sent at once where that goes, and waited for by one task."""

import asyncio
import sys
from collections.abc import Generator
from typing import Any

from tests.unit.outboxes import Wire, in_a_loop, until


def test_what_is_put_first_waits_for_the_task() -> None:
    async def run() -> None:
        wire = Wire()
        wire.outbox.put("a")
        wire.outbox.put("b")
        assert (wire.sent, list(wire.outbox.waiting)) == ([], ["a", "b"])
        await wire.idle()
        assert (wire.sent, list(wire.outbox.waiting)) == (["a", "b"], [])
        wire.outbox.close()

    asyncio.run(run())


def test_a_quick_socket_is_sent_to_at_once_in_the_outbox_s_own_task() -> None:
    async def scene(wire: Wire) -> None:
        here = asyncio.current_task()
        for text in "abc":
            wire.outbox.put(text)
            assert wire.sent[-1] == text
        assert asyncio.current_task() is here
        assert wire.tasks == [wire.outbox._task] * 3

    in_a_loop(scene)


def test_it_is_sent_to_at_once_from_where_there_is_no_task() -> None:
    async def scene(wire: Wire) -> None:
        asyncio.get_running_loop().call_soon(wire.outbox.put, "a")
        await until(lambda: wire.sent)
        assert wire.sent == ["a"]
        assert wire.tasks == [wire.outbox._task]

    in_a_loop(scene)


def test_a_slow_socket_holds_up_nobody_and_misses_nothing() -> None:
    async def scene(wire: Wire) -> None:
        wire.open.clear()
        for text in "abcd":
            wire.outbox.put(text)
        assert (wire.sent, list(wire.outbox.waiting)) == ([], ["b", "c", "d"]), "one is under way"
        await asyncio.sleep(0)
        wire.outbox.put("e")
        wire.open.set()
        await wire.idle()
        assert wire.sent == list("abcde")
        assert set(wire.tasks) == {wire.outbox._task}, "before it waited, and after"
        wire.outbox.put("f")
        assert wire.sent == list("abcdef"), "at once again"

    in_a_loop(scene)


def test_what_is_cleared_is_not_sent() -> None:
    async def scene(wire: Wire) -> None:
        wire.open.clear()
        for text in "abc":
            wire.outbox.put(text)
        wire.outbox.clear()
        wire.open.set()
        await wire.idle()
        assert wire.sent == ["a"]

    in_a_loop(scene)


def test_what_is_due_is_done_once_all_is_sent() -> None:
    async def scene(wire: Wire) -> None:
        wire.open.clear()
        wire.outbox.put("a")
        wire.outbox.put("b")
        wire.due = [lambda: wire.outbox.put("d"), lambda: wire.outbox.put("c")]
        wire.outbox.wake()
        wire.open.set()
        await wire.idle()
        assert wire.sent == list("abcd")
        wire.due = [lambda: wire.outbox.put("e")]
        wire.outbox.wake()
        wire.outbox.put("f")
        await wire.idle()
        assert sorted(wire.sent[4:]) == ["e", "f"]
        asked = wire.asked
        await asyncio.sleep(0)
        assert wire.asked == asked, "nobody asks again by itself"

    in_a_loop(scene)


def test_what_is_put_while_another_is_put_comes_after_it() -> None:
    async def scene(wire: Wire) -> None:
        async def nesting(text: str) -> None:
            if text == "a":
                wire.outbox.put("b")
            wire.sent.append(text)

        wire.outbox._send = nesting
        wire.outbox.put("a")
        await wire.idle()
        assert wire.sent == ["a", "b"]

    in_a_loop(scene)


def test_servers_may_return_whatever_can_be_awaited() -> None:
    class Sending:
        def __init__(self, sent: list[str], text: str) -> None:
            self._sent, self._text = sent, text

        def __await__(self) -> Generator[Any, Any, None]:
            yield from asyncio.sleep(0).__await__()
            self._sent.append(self._text)

    async def scene(wire: Wire) -> None:
        wire.outbox._send = lambda text: Sending(wire.sent, text)
        for text in "ab":
            wire.outbox.put(text)
        await wire.idle()
        assert wire.sent == ["a", "b"]

    in_a_loop(scene)


def test_a_text_costs_few_calls() -> None:
    async def scene(wire: Wire) -> None:
        async def nothing(text: str) -> None:
            pass

        wire.outbox._send = nothing
        calls: list[str] = []
        put = wire.outbox.put
        sys.setprofile(lambda frame, event, arg: calls.append(event))
        for _ in range(100):
            put("a")
        sys.setprofile(None)
        made = sum(event in ("call", "c_call") for event in calls)
        assert made <= 100 * 11 + 10

    in_a_loop(scene)
