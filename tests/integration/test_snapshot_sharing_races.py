"""Many who come while a snapshot is read, restarted or left: nobody misses anything."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from liveops import control, reading, readings
from liveops.models import LiveOperation
from liveops.progress import Progress
from tests.integration.crowds import (
    MOMENTS,
    ask,
    before_reading,
    counted,
    crowd,
    waiting,
    watchers,
)
from tests.integration.edge import HeldRun, Socket, asynchronous
from tests.integration.watching import Gate, Page
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Leave no body behind that answers to a test."""
    yield
    Scripted.body = lambda op, p: None


@pytest.fixture
def frames_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sockets take frames while a reading is held back.

    Channels looks after the thread's connections before each, and a test has one thread for all.
    """

    async def nothing() -> None:
        pass

    monkeypatch.setattr("channels.consumer.aclose_old_connections", nothing)


@pytest.mark.usefixtures("source", "frames_pass")
@pytest.mark.parametrize("hold", MOMENTS)
@asynchronous
async def test_whoever_comes_while_it_is_read_misses_nothing(
    hold: Callable[..., None],
    run: HeldRun,
    owner: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def first_stage(p: Progress) -> None:
        with p.stage("Load"):
            p.log("1")
            p.log("2")

    gate, reads = Gate(), counted(monkeypatch, reading, "Reading")
    monkeypatch.setattr(readings, "Reading", reading.Reading)
    await run.ado(first_stage)
    pages = [Page() for _ in range(9)]
    async with crowd(*[owner] * 9) as sockets, Socket(owner) as witness:
        await witness.subscribe(run.operation)
        reads.clear()
        hold(gate, monkeypatch)
        await ask(sockets[:1], run.operation)
        await gate.wait_until_reached()
        await ask(sockets[1:3], run.operation)
        await run.ado(lambda p: p.log("3"))
        await ask(sockets[3:6], run.operation, log_after=2)
        await run.ado(lambda p: p.status("late"))
        await run.ado(lambda p: p.log("4"))
        await ask(sockets[6:], run.operation)
        await waiting(run.operation, 8)
        await witness.hear_until(lambda frame: 'data-n="4"' in frame["liveop_html"])
        gate.go.set()
        for socket, page in zip(sockets, pages, strict=True):
            page.take(await socket.hear())
        await run.ado(lambda p: p.log("5"))
        await run.aend()
        for socket, page in zip(sockets, pages, strict=True):
            for frame in await socket.hear_until(lambda frame: "liveop_finished" in frame):
                assert "snapshot" not in frame
                page.take(frame)
    assert len(reads) == 2, "one, and one for all who came while it was under way"
    for page, after in zip(pages, [0, 0, 0, 2, 2, 2, 0, 0, 0], strict=True):
        assert page.lines == list(range(after + 1, 6))
        assert page.stages[0] == "done"
        assert "late" in page.regions["op-status"].text
        assert page.ends == ["FINISHED_OK"]


@pytest.mark.usefixtures("frames_pass")
@pytest.mark.parametrize("hold", MOMENTS)
@asynchronous
async def test_a_restart_while_it_is_read_is_shown_to_all(
    hold: Callable[..., None],
    run: HeldRun,
    owner: Any,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    settings.LIVEOPS = {"RUNNER": "eager"}
    gate = Gate()

    def restart() -> None:
        control.restart(LiveOperation.objects.get(pk=run.operation.pk))
        connections.close_all()

    def again(op: Scripted, p: Progress) -> None:
        p.log("again")
        p.status("the second run")

    await run.ado(lambda p: p.log("1\n2"))
    await run.aend()
    Scripted.body = again
    pages = [Page() for _ in range(4)]
    async with crowd(*[owner] * 4) as sockets, Socket(owner) as witness:
        await witness.subscribe(run.operation)
        await witness.hear()
        hold(gate, monkeypatch)
        await ask(sockets[:2], run.operation)
        await gate.wait_until_reached()
        await waiting(run.operation, 0)
        await asyncio.to_thread(restart)
        await ask(sockets[2:], run.operation)
        await waiting(run.operation, 2)
        await witness.hear_until(lambda frame: "liveop_finished" in frame)
        gate.go.set()
        for socket, page in zip(sockets, pages, strict=True):
            heard = [await socket.hear()]
            while "the second run" not in str(heard) or "liveop_finished" not in heard[-1]:
                heard.append(await socket.hear())
            for frame in [*heard, *await socket.hear_rest()]:
                page.take(frame)
    for page in pages:
        assert page.lines == [3]
        assert "the second run" in page.regions["op-status"].text
        assert page.ends[-1] == "FINISHED_OK"


@pytest.mark.usefixtures("frames_pass")
@asynchronous
async def test_who_leaves_while_it_is_read_disturbs_no_other(
    run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    async with crowd(*[owner] * 4) as leave, crowd(owner, owner) as stay:
        before_reading(gate, monkeypatch)
        await ask([leave[0], stay[0]], run.operation)
        await gate.wait_until_reached()
        await ask([*leave[1:], stay[1]], run.operation)
        await waiting(run.operation, 4)
        for socket in leave[:2]:
            await socket.say({"unsubscribe": {"op": str(run.operation.pk)}})
        for socket in leave[2:]:
            await socket.wire.send_input({"type": "websocket.disconnect", "code": 1001})
        gate.go.set()
        for socket in stay:
            assert (await socket.hear())["snapshot"]
        for socket in leave[:2]:
            await socket.hear_rest()
        await run.ado(lambda p: p.status("more"))
        for socket in stay:
            assert "more" in (await socket.hear())["liveop_html"]
        assert len(watchers()) == 2
