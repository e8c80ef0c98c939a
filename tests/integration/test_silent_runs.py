"""A run whose frames never reach this process is followed by looking at the database."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from liveops import hub, store
from liveops.models import LiveProgress, LogLine
from liveops.states import State
from liveops.store import Ending
from tests.integration.edge import Socket, asynchronous, person
from tests.integration.markup import fragments, log_numbers
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_LOOK_SECONDS", 0.05)


def elsewhere(operation: Scripted, seq: int, **values: Any) -> None:
    """Save progress as a run in another process does."""
    LiveProgress.objects.filter(pk=operation.pk).update(seq=seq, log_seq=seq, **values)
    LogLine.objects.create(
        operation=operation, seq=seq, time=operation.created_on, level="info", text=f"line {seq}"
    )


@asynchronous
async def test_the_page_follows_to_the_end_and_no_line_comes_twice() -> None:
    owner = await sync_to_async(person)("owner")
    operation = await Scripted.objects.acreate(owner=owner)
    await sync_to_async(store.claim)(operation)
    await sync_to_async(elsewhere)(operation, 1, percent=10)
    async with Socket(owner) as socket:
        first = await socket.subscribe(operation)
        assert first["seq"] == 1
        await sync_to_async(elsewhere)(operation, 2, percent=70)
        second = (await socket.hear_until(lambda frame: "liveop_html" in frame))[-1]
        assert (second["seq"], second["snapshot"]) == (2, True)
        assert "70 %" in second["liveop_html"]
        log = fragments(second["liveop_html"], second["op"])["op-log"]
        assert log_numbers(log) == [2], "only what is new"
        await sync_to_async(store.finish)(operation, Ending(State.FINISHED_OK))
        end = (await socket.hear_until(lambda frame: "liveop_finished" in frame))[-1]
    assert end["liveop_finished"]["state"] == "FINISHED_OK"
