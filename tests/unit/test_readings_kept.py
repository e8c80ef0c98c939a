"""A reading is kept for the rest of a crowd, as long as nothing new is known of its operation."""

import asyncio
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from liveops import readings
from liveops.reading import Reading
from liveops.readings import Readings
from tests.unit.test_readings import Held, begin, reached, which

DEADLINE = 10.0
ONE, OTHER = uuid.uuid4(), uuid.uuid4()


class Known:
    """What is known of an operation, as the hub would tell it."""

    def __init__(self) -> None:
        self.version: int | None = 1

    def __call__(self, pk: uuid.UUID) -> int | None:
        return self.version


Scene = Callable[[Readings, Known], Any]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Scene], None]:
    """Return a function that carries out a scene with readings of nothing, all of them sound."""
    monkeypatch.setattr(Reading, "is_sound", True)

    def carry_out(scene: Scene) -> None:
        async def run() -> None:
            async with asyncio.timeout(DEADLINE):
                known = Known()
                await scene(Readings(known), known)

        asyncio.run(run())

    return carry_out


def test_who_comes_later_gets_it_too(play: Callable[[Scene], None]) -> None:
    async def scene(ours: Readings, known: Known) -> None:
        first = await ours.ask(ONE, which)
        assert await ours.ask(ONE, which) is first
        assert {await ours.ask(ONE, which) for _ in range(20)} == {first}
        assert await ours.ask(OTHER, which) is not first

    play(scene)


def test_now_and_then_it_is_read_again_who_may_see_it(
    play: Callable[[Scene], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed: list[Reading] = []

    def note(reading: Reading) -> None:
        renewed.append(reading)

    monkeypatch.setattr(Reading, "renew", note)

    async def scene(ours: Readings, known: Known) -> None:
        first = await ours.ask(ONE, which)
        monkeypatch.setattr(readings, "_RENEWED_SECONDS", 3_600.0)
        await ours.ask(ONE, which)
        assert renewed == []
        monkeypatch.setattr(readings, "_RENEWED_SECONDS", -1.0)
        assert await ours.ask(ONE, which) is first
        assert len(renewed) == 1

    play(scene)


@pytest.mark.parametrize("version", [2, None], ids=["something new", "nobody knows"])
def test_not_once_there_is_something_new(
    version: int | None, play: Callable[[Scene], None]
) -> None:
    async def scene(ours: Readings, known: Known) -> None:
        first = await ours.ask(ONE, which)
        known.version = version
        second = await ours.ask(ONE, which)
        third = await ours.ask(ONE, which)
        assert second is not first
        assert (third is second) == (version is not None)

    play(scene)


def test_not_if_there_was_something_new_while_it_was_read(play: Callable[[Scene], None]) -> None:
    async def scene(ours: Readings, known: Known) -> None:
        held = Held()
        task = await begin(ours, held)
        await reached(held.asked)
        known.version = 2
        held.go.set()
        assert await ours.ask(ONE, which) is not await task

    play(scene)


def test_not_for_who_wants_one_that_begins_now(play: Callable[[Scene], None]) -> None:
    async def scene(ours: Readings, known: Known) -> None:
        first = await ours.ask(ONE, which)
        anew = await ours.ask(ONE, which, anew=True)
        assert anew is not first
        assert await ours.ask(ONE, which) is anew
        both = await asyncio.gather(ours.ask(ONE, which), ours.ask(ONE, which, anew=True))
        assert both[0] is both[1] is not anew, "whoever asks at the same time has it, too"

    play(scene)


def test_not_if_there_is_nothing_sound(
    play: Callable[[Scene], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(ours: Readings, known: Known) -> None:
        monkeypatch.setattr(Reading, "is_sound", False)
        assert await ours.ask(ONE, which) is not await ours.ask(ONE, which)

    play(scene)


def test_not_for_ever(play: Callable[[Scene], None], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=100.0)

    async def scene(ours: Readings, known: Known) -> None:
        loop = asyncio.get_running_loop()
        times = SimpleNamespace(
            time=lambda: clock.now,
            call_later=loop.call_later,
            create_future=loop.create_future,
        )
        ours_asyncio = SimpleNamespace(**{**vars(asyncio), "get_running_loop": lambda: times})
        monkeypatch.setattr(readings, "asyncio", ours_asyncio)
        first = await ours.ask(ONE, which)
        for _ in range(12):
            clock.now += 0.8
            assert await ours.ask(ONE, which) is first, "the crowd goes on"
        clock.now += 0.8
        second = await ours.ask(ONE, which)
        assert second is not first, "however long it goes on"
        clock.now += 1.1
        assert await ours.ask(ONE, which) is not second, "nobody came for a while"

    play(scene)


def test_it_is_forgotten_when_nobody_comes(
    play: Callable[[Scene], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(ours: Readings, known: Known) -> None:
        monkeypatch.setattr(readings, "_KEPT_SECONDS", 0.0)
        await ours.ask(ONE, which)
        while ours._kept:  # noqa: ASYNC110  (nothing tells of it)
            await asyncio.sleep(0)

    play(scene)
