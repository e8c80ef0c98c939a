"""Many sockets at once, and the moments at which a reading of theirs can be held back."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from liveops import guests, readings, rendering, snapshot, watching
from liveops.hub import current_hub
from liveops.readings import current_readings
from liveops.sinks.sender import sender
from tests.integration.edge import DEADLINE, Socket
from tests.integration.watching import Gate


def all_sent() -> None:
    """Return when all that was said is sent: who joins from now on hears nothing of it."""
    assert sender().flush(DEADLINE)


@pytest.fixture
def no_hurry(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is known hold for as long as a slow machine needs, from when the run has begun."""
    if "run" in request.fixturenames:
        request.getfixturevalue("run")
        all_sent()
    monkeypatch.setattr(readings, "_KEPT_SECONDS", 3_600.0)
    monkeypatch.setattr(readings, "_LONGEST_KEPT_SECONDS", 3_600.0)
    monkeypatch.setattr(readings, "_RENEWED_SECONDS", 3_600.0)
    monkeypatch.setattr(watching, "_FRESH_SECONDS", 3_600.0)
    monkeypatch.setattr(guests, "_HOLDS_SECONDS", 3_600.0)


def counted(patch: pytest.MonkeyPatch, place: Any, name: str) -> list[Any]:
    """Have the calls of a function noted in the list that is returned."""
    calls: list[Any] = []
    original = getattr(place, name)

    def noting(*arguments: Any, **more: Any) -> Any:
        calls.append(arguments)
        return original(*arguments, **more)

    patch.setattr(place, name, noting)
    return calls


@asynccontextmanager
async def crowd(*users: Any) -> AsyncIterator[list[Socket]]:
    """Open a socket for each of the users."""
    async with AsyncExitStack() as opened:
        yield [await opened.enter_async_context(Socket(user)) for user in users]


async def ask(sockets: list[Socket], operation: Any, **details: Any) -> None:
    """Have sockets subscribe, and wait for no answer."""
    for socket in sockets:
        await socket.say({"subscribe": {"op": str(operation.pk), **details}})


def watchers() -> list[Any]:
    """Return the sockets that watch anything."""
    return [one for some in current_hub()._watchers.values() for one in some]


async def waiting(operation: Any, number: int) -> None:
    """Return when so many wait for the next reading."""
    async with asyncio.timeout(DEADLINE):
        while len(current_readings()._askers.get(operation.pk, ())) != number:  # noqa: ASYNC110  (nothing tells of it)
            await asyncio.sleep(0)


def keep_nothing() -> None:
    """Have whoever asks next get a reading that begins then."""
    current_readings()._kept.clear()


def before_reading(gate: Gate, patch: pytest.MonkeyPatch) -> None:
    """Hold back before anything is read."""
    _hold(gate, patch, snapshot, "find", before=True)


def after_the_row(gate: Gate, patch: pytest.MonkeyPatch) -> None:
    """Hold back when the operation was read, and the rest not yet."""
    _hold(gate, patch, snapshot, "take", before=True)


def after_the_rest(gate: Gate, patch: pytest.MonkeyPatch) -> None:
    """Hold back when everything was read, and nothing rendered yet."""
    _hold(gate, patch, snapshot, "take", before=False)


def after_rendering(gate: Gate, patch: pytest.MonkeyPatch) -> None:
    """Hold back when the regions are rendered."""
    _hold(gate, patch, rendering, "snapshot_fragments", before=False)


def _hold(gate: Gate, patch: pytest.MonkeyPatch, place: Any, name: str, *, before: bool) -> None:
    keep_nothing()
    original = getattr(place, name)

    def held(*arguments: Any) -> Any:
        ours = threading.current_thread() is threading.main_thread()
        if ours and before:
            gate.hold()
        found = original(*arguments)
        if ours and not before:
            gate.hold()
        return found

    patch.setattr(place, name, held)


MOMENTS = [before_reading, after_the_row, after_the_rest, after_rendering]
