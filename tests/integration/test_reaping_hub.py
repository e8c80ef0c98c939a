"""Reaping while pages are watched: who watches a run that died is told, without anything else."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from liveops import hub, reaping
from liveops.models import LiveOperation
from liveops.reaping_thread import Watchman
from tests.integration.edge import Socket, asynchronous, person
from tests.integration.markup import fragments
from tests.integration.reaping import NOTING, Noting, dead, fresh_runner
from tests.integration.resuming import Voyage

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = {"HEARTBEAT_SECONDS": 0.05, "STALE_SECONDS": 1.0, "REAP_SECONDS": 0.1}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(hub, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(reaping, "_MARGIN_SECONDS", 0.05)
    settings.LIVEOPS = {"RUNNER": "eager", **QUICK}


def owned_dead() -> tuple[Any, Any]:
    operation = dead(Pack="done", Sail="active")
    owner = person("owner")
    LiveOperation.objects.filter(pk=operation.pk).update(owner=owner)
    return operation, owner


def counted_steps(monkeypatch: pytest.MonkeyPatch) -> list[Watchman]:
    """Let rounds only be counted."""
    steps: list[Watchman] = []

    def step(self: Watchman) -> float:
        steps.append(self)
        return 600.0

    monkeypatch.setattr(Watchman, "step", step)
    return steps


@asynchronous
async def test_watchers_see_a_dead_run_end_with_its_stage_and_the_offer_to_resume() -> None:
    operation, owner = await sync_to_async(owned_dead)()
    async with Socket(owner) as socket:
        first = await socket.subscribe(operation)
        frames = await socket.hear_until(lambda frame: "liveop_finished" in frame)
    assert frames[-1]["liveop_finished"]["state"] == "INTERRUPTED"
    shown = [fragments(f["liveop_html"], f["op"]) for f in frames if "liveop_html" in f]
    stages = [one["op-stages"] for one in shown if "op-stages" in one]
    assert [li.attributes["data-state"] for li in stages[-1].all("li")][1] == "interrupted"
    controls = [one["op-controls"] for one in shown if "op-controls" in one]
    assert "Resume" in controls[-1].text
    numbers = [frame["seq"] for frame in frames if "seq" in frame]
    assert all(number > first["seq"] for number in numbers)


@asynchronous
async def test_the_first_watcher_makes_it_look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_LOOK_SECONDS", 600.0)
    looked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def step(self: Watchman) -> float:
        loop.call_soon_threadsafe(looked.set)
        return 600.0

    monkeypatch.setattr(Watchman, "step", step)
    operation, owner = await sync_to_async(owned_dead)()
    async with Socket(owner) as socket:
        await socket.subscribe(operation)
        await asyncio.wait_for(looked.wait(), 10)


@asynchronous
async def test_it_looks_no_more_often_than_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = counted_steps(monkeypatch)
    ours = hub.Hub()
    for _ in range(3):
        await ours._reap()
    assert len(steps) == 1


@asynchronous
async def test_where_it_is_switched_off_nobody_looks(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.LIVEOPS = {"RUNNER": "eager", "REAP_SECONDS": 0}
    steps = counted_steps(monkeypatch)
    await hub.Hub()._reap()
    assert steps == []


@pytest.mark.parametrize(("runner", "times"), [("eager", 0), (NOTING, 1)])
def test_the_eager_runner_is_handed_nothing_by_a_page(
    runner: str, times: int, settings: Any
) -> None:
    settings.LIVEOPS = {"RUNNER": NOTING, **QUICK, "REQUEUE_SECONDS": 0.01}
    with fresh_runner():
        operation = Voyage.objects.create()
        operation.enqueue()
        Noting.given.clear()
        LiveOperation.objects.update(enqueued_on=operation.created_on.replace(year=2020))
        settings.LIVEOPS = {"RUNNER": runner, **QUICK}

        @asynchronous
        async def look() -> None:
            await hub.Hub()._reap()

        look()
        assert len(Noting.given) == times
    assert LiveOperation.objects.get().get_state() == "NOT_STARTED"
