"""How much a socket may hold: of what waits for a slow reader, and of what a page asks for."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from liveops import watching
from liveops.hub import current_hub
from tests.integration.crowds import before_reading, watchers
from tests.integration.edge import DEADLINE, HeldRun, Socket, asynchronous, person
from tests.integration.markup import fragments, log_numbers
from tests.integration.test_consumer_limits import Tap
from tests.integration.watching import Gate
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


async def until(happens: Callable[[], Any]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(DEADLINE):
        while not happens():  # noqa: ASYNC110  (nothing tells of it)
            await asyncio.sleep(0.005)


def watcher_of(user: Any) -> Any:
    """Return the one socket of a user that watches something."""
    (found,) = {one for one in watchers() if one.scope["user"] == user}
    return found


def message(op: Any, seq: int, length: int) -> dict[str, Any]:
    """Return a message with a frame that is so long, which is in no database."""
    frame = {"op": str(op), "seq": seq, "liveop_html": "x" * length}
    told = {"op": str(op), "seq": seq, "log_seq": 0, "text": json.dumps(frame)}
    return {**told, "state": "STARTED", "controls": False, "finished": ""}


@pytest.mark.promise("socket-bytes")
@asynchronous
async def test_what_waits_for_a_reader_is_bounded_in_bytes(
    run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tap = Tap(owner, monkeypatch)
    async with Socket(owner) as socket:
        seq = (await socket.subscribe(run.operation))["seq"]
        outbox = watcher_of(owner)._outbox
        tap.open.clear()
        most = 0
        for number in range(100):
            current_hub()._take(message(run.operation.pk, seq + 1 + number, 100_000))
            most = max(most, outbox.size + outbox.under_way)
        assert most <= watching._OUTBOX_SIZE + 200_100, "one over the bound, and one under way"
        assert outbox.size == 0, "it was too much: a snapshot is due instead"
        await run.ado(lambda p: p.log("the first line"))
        tap.open.set()
        heard = await socket.hear_until(lambda frame: frame.get("snapshot"))
    assert len(heard) == 2, "what was under way, and a snapshot"
    log = fragments(heard[-1]["liveop_html"], run.operation.pk)["op-log"]
    assert log_numbers(log) == [1]


@asynchronous
async def test_who_does_not_read_gets_no_further_snapshot(
    owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_OUTBOX_SIZE", 1_000)
    tap = Tap(owner, monkeypatch)
    operations = [await Scripted.objects.acreate(owner=owner) for _ in range(20)]
    async with Socket(owner) as socket:
        assert (await socket.subscribe(operations[0]))["snapshot"]
        outbox = watcher_of(owner)._outbox
        tap.open.clear()
        for operation in operations[1:]:
            await socket.say({"subscribe": {"op": str(operation.pk), "log_after": 0}})
        await until(lambda: len(watchers()) == 20)
        await until(lambda: not watcher_of(owner)._requests)
        assert len(outbox.waiting) <= 2
        tap.open.set()
        shown: set[str] = set()
        while len(shown) < 19:
            frame = await socket.hear()
            assert frame["snapshot"]
            shown.add(frame["op"])
    assert shown == {str(operation.pk) for operation in operations[1:]}


@pytest.mark.promise("socket-nothing-late")
@asynchronous
async def test_what_waits_is_not_sent_to_who_may_not_see_it_any_more(
    run: HeldRun, other_run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heir = await sync_to_async(person)("heir", "liveops.view_liveoperation")
    tap = Tap(owner, monkeypatch)
    async with Socket(owner) as socket, Socket(heir) as witness:
        for one in (run, other_run):
            await socket.subscribe(one.operation)
            await witness.subscribe(one.operation)
        tap.open.clear()
        await other_run.ado(lambda p: p.status("under way"))
        for number in range(5):
            await run.ado(lambda p, n=number: p.status(f"secret {n}"))  # type: ignore[misc]
            await other_run.ado(lambda p, n=number: p.status(f"shown {n}"))  # type: ignore[misc]
        await witness.hear_until(lambda frame: "shown 4" in frame["liveop_html"])
        watcher = watcher_of(owner)
        await until(lambda: len(watcher._outbox.waiting) == 10)
        given_away = await Scripted.objects.aget(pk=run.operation.pk)
        given_away.owner = heir
        await given_away.asave()
        await until(lambda: str(run.operation.pk) not in watcher._subscriptions)
        tap.open.set()
        heard = await socket.hear_until(lambda frame: "error" in frame)
    assert (heard[-1]["op"], heard[-1]["error"]) == (str(run.operation.pk), "not_found")
    assert {frame["op"] for frame in heard[:-1]} == {str(other_run.operation.pk)}
    assert "shown 4" in heard[-2]["liveop_html"]
    assert not any("secret" in frame.get("liveop_html", "") for frame in heard)


@pytest.mark.promise("socket-flood")
@asynchronous
async def test_what_a_page_sends_while_it_is_answered_is_taken_and_bounded(
    run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server such as Daphne would keep all of it in memory until the answer is there."""
    gate = Gate()
    async with Socket(owner) as socket:
        with monkeypatch.context() as patch:
            before_reading(gate, patch)
            await socket.say({"subscribe": {"op": str(run.operation.pk)}})
            await gate.wait_until_reached()
            (consumer,) = watchers()
            flood = json.dumps({"subscribe": {"op": str(run.operation.pk)}})
            for _ in range(900):
                await socket.say(flood)
            await until(socket.wire.input_queue.empty)
            assert len(consumer._requests) <= 200
            gate.go.set()
        told = await socket.hear_until(lambda frame: frame.get("error") == "rate_limited")
        assert len(told) <= 250
