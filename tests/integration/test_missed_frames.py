"""A frame that was saved and not heard: the group is joined again, and nothing else is held up."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from liveops import hub, registry, store
from tests.integration.edge import DEADLINE, HeldRun, Socket, asynchronous

pytestmark = pytest.mark.django_db(transaction=True)

Looks = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def often_saved(settings: Any) -> None:
    """Have the run save each frame; it asks for this when it begins."""
    settings.LIVEOPS = {"RUNNER": "eager", "PERSIST_SECONDS": 1e-6}


@pytest.fixture
def looks(run: HeldRun, monkeypatch: pytest.MonkeyPatch) -> Looks:
    """Return a function that has the hub look at the run so often, and then not for long.

    Its arguments are the numbers of the last saved frame that the database answers.
    """
    monkeypatch.setattr(registry, "find", lambda pk: None)
    monkeypatch.setattr(hub, "_LOOK_SECONDS", 0.01)
    answers: list[int] = []
    looked: list[asyncio.Event] = []

    def marks(_: Any) -> dict[str, tuple[int, str]]:
        if not answers:
            return {}
        return {str(run.operation.pk): (answers.pop(0), "STARTED")}

    async def between_looks(_: hub.Hub) -> None:
        if looked and not answers:
            monkeypatch.setattr(hub, "_LOOK_SECONDS", 3_600.0)
            looked[0].set()

    monkeypatch.setattr(store, "marks", marks)
    monkeypatch.setattr(hub.Hub, "_reap", between_looks)

    async def have(*numbers: int) -> None:
        answers.extend(numbers)
        looked.append(asyncio.Event())
        await asyncio.wait_for(looked[0].wait(), DEADLINE)

    return have


@asynchronous
async def test_a_frame_that_the_snapshot_included_was_not_missed(
    run: HeldRun, owner: Any, looks: Looks
) -> None:
    """Save the number of a frame after the page was opened that it has in its snapshot."""
    await run.ado(lambda p: p.status("before"))
    async with Socket(owner) as socket:
        seq = (await socket.subscribe(run.operation))["seq"]
        await looks(seq - 1, seq)
        await run.ado(lambda p: p.status("after"))
        heard = await socket.hear_until(lambda frame: "after" in frame["liveop_html"])
    assert not any("snapshot" in frame for frame in heard)


@asynchronous
async def test_after_one_that_was_missed_others_are_heard_at_once(
    run: HeldRun, owner: Any, looks: Looks
) -> None:
    async with Socket(owner) as socket:
        seq = (await socket.subscribe(run.operation))["seq"]
        await looks(seq, seq + 1)
        await run.ado(lambda p: p.status("after"))
        heard = await socket.hear_until(lambda frame: "after" in frame["liveop_html"])
    assert any("snapshot" in frame for frame in heard), "what was missed is made up for"
