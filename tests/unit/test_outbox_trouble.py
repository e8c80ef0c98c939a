"""Outboxes of sockets that are gone, closed, or in trouble while a text is sent."""

import asyncio
import contextvars

import pytest

from tests.unit.outboxes import Wire, in_a_loop, until


@pytest.mark.parametrize("is_slow", [False, True], ids=["quick", "slow"])
@pytest.mark.parametrize(
    ("text", "failures"),
    [("broken", 0), ("closed protocol", 0), ("odd", 1), ("given up", 0)],
    ids=["the other end is gone", "so it is under Daphne", "an error", "given up"],
)
def test_a_socket_that_cannot_be_sent_to(text: str, failures: int, is_slow: bool) -> None:
    async def scene(wire: Wire) -> None:
        if is_slow:
            wire.open.clear()
        wire.outbox.put(text)  # raises nothing here
        wire.open.set()
        await until(wire.outbox._task.done)
        assert wire.failed == failures
        wire.outbox.put("more")
        wire.outbox.wake()
        assert wire.sent == []

    in_a_loop(scene)


def test_nothing_is_sent_once_it_is_closed() -> None:
    async def scene(wire: Wire) -> None:
        async def closing(text: str) -> None:
            wire.sent.append(text)
            wire.outbox.close()

        wire.outbox._send = closing
        wire.outbox.put("a")
        wire.outbox.put("b")
        await until(wire.outbox._task.done)
        wire.outbox.put("c")
        assert wire.sent == ["a"]

    in_a_loop(scene)


def test_who_is_waited_for_is_told_when_it_is_closed() -> None:
    async def scene(wire: Wire) -> None:
        told: list[str] = []

        async def slow(text: str) -> None:
            try:
                await asyncio.Event().wait()
            except BaseException as error:
                told.append(type(error).__name__)
                raise

        wire.outbox._send = slow
        wire.outbox.put("a")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        wire.outbox.close()
        await until(wire.outbox._task.done)
        assert told == ["CancelledError"]

    in_a_loop(scene)


def test_closed_before_it_is_waited_for_nothing_is_left_half_done() -> None:
    async def scene(wire: Wire) -> None:
        left: list[str] = []

        async def slow(text: str) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                left.append(text)

        wire.outbox._send = slow
        wire.outbox.put("a")
        wire.outbox.close()
        await until(wire.outbox._task.done)
        assert left == ["a"]

    in_a_loop(scene)


def test_a_time_limit_of_who_sends_is_its_own() -> None:
    """Begin to send in a task that must not be the one that the limit ends."""

    async def scene(wire: Wire) -> None:
        async def limited(text: str) -> None:
            try:
                async with asyncio.timeout(0):
                    await asyncio.Event().wait()
            except TimeoutError:
                wire.sent.append(f"{text} took too long")

        wire.outbox._send = limited
        wire.outbox.put("a")
        await wire.idle()
        assert wire.sent == ["a took too long"]

    in_a_loop(scene)


def test_variables_are_those_of_the_outbox() -> None:
    async def scene(wire: Wire) -> None:
        there: contextvars.ContextVar[str] = contextvars.ContextVar("there", default="nothing")

        async def noting(text: str) -> None:
            token = there.set(text)
            await asyncio.sleep(0)
            wire.sent.append(there.get())
            there.reset(token)

        wire.outbox._send = noting
        there.set("the caller's")
        wire.outbox.put("a")
        await wire.idle()
        assert wire.sent == ["a"]
        assert there.get() == "the caller's"

    in_a_loop(scene)
