"""How much waits in an outbox, what is under way, and what is dropped before it is sent."""

import asyncio

from liveops.outbox import patient
from tests.unit.outboxes import Wire, in_a_loop


def test_it_knows_how_much_waits_and_what_is_under_way() -> None:
    async def scene(wire: Wire) -> None:
        outbox = wire.outbox
        outbox.put("quick")
        assert (outbox.size, outbox.under_way, outbox.taken) == (0, 0, 0), "nothing was waited for"
        wire.open.clear()
        for text in ("a", "bb", "ccc"):
            outbox.put(text)
        assert (outbox.size, outbox.under_way, outbox.taken) == (5, 1, 0)
        await asyncio.sleep(0)
        assert (outbox.size, outbox.under_way, outbox.taken) == (5, 1, 0)
        wire.open.set()
        await wire.idle()
        assert (outbox.size, outbox.under_way, outbox.taken) == (0, 0, 3)
        wire.open.clear()
        outbox.put("dddd")
        outbox.put("e")
        outbox.clear()
        assert (outbox.size, outbox.under_way) == (0, 4)
        outbox.put("ff")
        outbox.close()
        outbox.put("late")
        assert (outbox.size, len(outbox.waiting)) == (0, 0), "what is closed keeps nothing"
        await asyncio.gather(outbox._task, return_exceptions=True)
        assert outbox.under_way == 0

    in_a_loop(scene)


def test_the_second_of_those_that_wait_is_under_way_while_it_is_sent() -> None:
    async def scene(wire: Wire) -> None:
        wire.open.clear()
        wire.outbox.put("a")
        wire.outbox.put("bb")
        seen: list[tuple[int, int]] = []
        send = wire.send

        async def noting(text: str) -> None:
            seen.append((wire.outbox.size, wire.outbox.under_way))
            await send(text)

        wire.outbox._send = noting
        wire.open.set()
        await wire.idle()
        assert seen == [(0, 2)]

    in_a_loop(scene)


def test_what_must_not_be_seen_any_more_is_dropped_and_the_rest_stays_in_order() -> None:
    async def scene(wire: Wire) -> None:
        wire.open.clear()
        for text in ("under way", "x1", "y1", "x2", "y2"):
            wire.outbox.put(text)
        wire.outbox.drop("x")
        assert (list(wire.outbox.waiting), wire.outbox.size) == (["y1", "y2"], 4)
        wire.outbox.put("y3")
        wire.open.set()
        await wire.idle()
        assert wire.sent == ["under way", "y1", "y2", "y3"]

    in_a_loop(scene)


def test_a_server_that_takes_everything_is_given_no_more_than_there_is_room_for() -> None:
    async def scene(wire: Wire) -> None:
        full = [True]
        wire.outbox._send = patient(wire.send, lambda: full[0])
        for text in "abc":
            wire.outbox.put(text)
        await asyncio.sleep(0)
        assert (wire.sent, wire.outbox.under_way, wire.outbox.size) == ([], 1, 2)
        full[0] = False
        await wire.idle()
        assert wire.sent == ["a", "b", "c"]
        wire.outbox.put("d")
        assert wire.sent[-1] == "d", "at once again"

    in_a_loop(scene)
