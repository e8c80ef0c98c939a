"""The socket: bad frames, too many of them, and readers that fall behind."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from liveops import consumers, protocol, registry, watching
from liveops.consumers import LiveOperationConsumer
from liveops.hub import current_hub
from tests.integration.edge import DEADLINE, HeldRun, Socket, asynchronous, missing, person
from tests.integration.markup import fragments, log_numbers
from tests.integration.watching import Page
from tests.testapp.models import Walk

pytestmark = pytest.mark.django_db(transaction=True)

PK = "6b1f0a52-6b7e-4f2a-9d0e-3c8f5b1d7a90"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "frame",
    [
        "",
        "no JSON",
        "null",
        "17",
        '"subscribe"',
        "[]",
        "{}",
        '{"subscribe": null}',
        '{"subscribe": []}',
        '{"subscribe": "' + PK + '"}',
        '{"subscribe": {}}',
        '{"subscribe": {"op": null}}',
        '{"subscribe": {"op": 1}}',
        '{"subscribe": {"op": "1"}}',
        '{"subscribe": {"op": ["' + PK + '"]}}',
        '{"unsubscribe": {}}',
        '{"publish": {"op": "' + PK + '"}}',
        json.dumps({"subscribe": {"op": PK}, "unsubscribe": {"op": PK}}),
        json.dumps({"subscribe": {"op": PK, "token": 7}}),
        json.dumps({"subscribe": {"op": PK, "token": None}}),
        json.dumps({"subscribe": {"op": PK, "log_after": "7"}}),
        json.dumps({"subscribe": {"op": PK, "log_after": 1.5}}),
        json.dumps({"subscribe": {"op": PK, "log_after": True}}),
        json.dumps({"subscribe": {"op": PK, "log_after": float("nan")}}),
        json.dumps({"subscribe": {"op": PK, "token": "x" * protocol.MAX_FRAME}}),
        "[" * protocol.MAX_FRAME,
        '{"subscribe": {"op": "' + PK + '", "log_after": ' + "9" * 5_000 + "}}",
        b'{"subscribe": {"op": "x"}}',
        b"\xff\x00",
    ],
)
@asynchronous
async def test_a_bad_frame_is_answered_and_the_socket_goes_on(frame: Any) -> None:
    async with Socket() as socket:
        await socket.say(frame)
        answer = await socket.hear()
        assert (answer["op"], answer["error"]) == (None, "bad_frame")
        assert answer["detail"].endswith(".")
        assert (await socket.subscribe(missing()))["error"] == "not_found"


@asynchronous
async def test_an_id_may_be_written_in_any_form_and_is_answered_in_one(owner: Any) -> None:
    walk = await Walk.objects.acreate(owner=owner)
    async with Socket(owner) as socket:
        for form in (walk.pk.hex, f"{{{walk.pk}}}", f"urn:uuid:{walk.pk}", str(walk.pk).upper()):
            await socket.say({"subscribe": {"op": form}})
            assert (await socket.hear())["op"] == str(walk.pk)


@asynchronous
async def test_leaving_what_was_never_watched_is_no_mistake() -> None:
    async with Socket() as socket:
        await socket.say({"unsubscribe": {"op": PK}})
        assert await socket.hear_rest() == []


@asynchronous
async def test_a_page_watches_only_so_many(owner: Any, settings: Any) -> None:
    settings.LIVEOPS = {"MAX_SUBSCRIPTIONS": 2}
    walks = [await Walk.objects.acreate(owner=owner) for _ in range(3)]
    async with Socket(owner) as socket:
        assert "snapshot" in await socket.subscribe(walks[0])
        assert (await socket.subscribe(missing()))["error"] == "not_found"
        assert "snapshot" in await socket.subscribe(walks[1]), "a refusal takes no place"
        refused = await socket.subscribe(walks[2])
        assert (refused["op"], refused["error"]) == (str(walks[2].pk), "too_many")
        assert refused["detail"].endswith(".")
        assert "snapshot" in await socket.subscribe(walks[0]), "to ask again is always allowed"
        await socket.say({"unsubscribe": {"op": str(walks[0].pk)}})
        assert "snapshot" in await socket.subscribe(walks[2])


@asynchronous
async def test_a_page_asks_only_so_often(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=100.0)
    clock.monotonic = clock.time = lambda: clock.now
    monkeypatch.setattr(consumers, "time", clock)
    monkeypatch.setattr(consumers, "_BURST", 3.0)
    monkeypatch.setattr(consumers, "_RATE", 2.0)
    walk = await Walk.objects.acreate(owner=owner)
    async with Socket(owner) as socket:
        for _ in range(3):
            assert "snapshot" in await socket.subscribe(walk)
        refused = await socket.subscribe(walk)
        assert (refused["op"], refused["error"]) == (None, "rate_limited")
        assert refused["detail"].endswith(".")
        for pause, allowed in ((0.5, 1), (3_600.0, 3)):
            clock.now += pause
            for _ in range(allowed):
                assert "snapshot" in await socket.subscribe(walk)
            assert (await socket.subscribe(walk))["error"] == "rate_limited"


@asynchronous
async def test_who_goes_on_asking_is_closed_out(
    owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "_BURST", 1.0)
    monkeypatch.setattr(consumers, "_RATE", 0.0)
    monkeypatch.setattr(consumers, "_PATIENCE", 5)
    async with Socket(owner) as socket:
        for _ in range(6):
            await socket.say("no JSON")
        errors = [(await socket.hear())["error"] for _ in range(2)]
        assert errors == ["bad_frame", "rate_limited"]
        closing = await socket.wire.receive_output(timeout=10)
    assert closing == {"type": "websocket.close", "code": 4403}


class Tap:
    """Holds back what is sent to one user, as a slow connection would."""

    def __init__(self, user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = asyncio.Event()
        self.open.set()
        send = LiveOperationConsumer.send

        async def slow(consumer: Any, *args: Any, **kwargs: Any) -> None:
            if consumer.scope["user"] == user:
                await self.open.wait()
            await send(consumer, *args, **kwargs)

        monkeypatch.setattr(LiveOperationConsumer, "send", slow)


@asynchronous
async def test_a_reader_that_falls_behind_gets_a_new_snapshot(
    run: HeldRun, other_run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_OUTBOX", 5)
    quick = await sync_to_async(person)("quick", "liveops.view_liveoperation")
    tap = Tap(owner, monkeypatch)
    async with Socket(owner) as slow, Socket(quick) as witness:
        for one in (run, other_run):
            await slow.subscribe(one.operation)
            await witness.subscribe(one.operation)
        tap.open.clear()
        await other_run.ado(lambda p: p.status("before the flood"))
        for number in range(1, 41):
            await run.ado(lambda p, n=number: p.log(f"line {n}"))  # type: ignore[misc]
        heard = await witness.hear_until(lambda frame: "line 40" in frame["liveop_html"])
        assert len(heard) == 41, "nobody else waits or misses anything"
        tap.open.set()
        late: list[dict[str, Any]] = []
        while sum(frame.get("snapshot", False) for frame in late) < 2:
            late.append(await slow.hear())
        late += await slow.hear_rest()
        assert len(late) < 20
        snapshots = {frame["op"]: frame for frame in late if frame.get("snapshot")}
        assert snapshots.keys() == {str(run.operation.pk), str(other_run.operation.pk)}
        regions = fragments(snapshots[str(run.operation.pk)]["liveop_html"], run.operation.pk)
        assert log_numbers(regions["op-log"]) == list(range(1, 41))
        assert "before the flood" in snapshots[str(other_run.operation.pk)]["liveop_html"]
        await run.ado(lambda p: p.log("line 41"))
        after = await slow.hear()
        last = snapshots[str(run.operation.pk)]["seq"]
        assert after["seq"] == last + 1
        assert "line 41" in after["liveop_html"]


@asynchronous
async def test_a_reader_that_falls_behind_sees_no_gap_before_the_snapshot(
    run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_OUTBOX", 5)
    quick = await sync_to_async(person)("quick", "liveops.view_liveoperation")
    tap = Tap(owner, monkeypatch)
    async with Socket(owner) as slow, Socket(quick) as witness:
        seq = (await slow.subscribe(run.operation))["seq"]
        await witness.subscribe(run.operation)
        tap.open.clear()
        for number in range(8):
            await run.ado(lambda p, n=number: p.status(f"status {n}"))  # type: ignore[misc]
        await run.aend()
        await witness.hear_until(lambda frame: "liveop_finished" in frame)
        tap.open.set()
        late = await slow.hear_until(lambda frame: "liveop_finished" in frame)
        late += await slow.hear_rest()
    for frame in (one for one in late if "seq" in one):
        assert frame.get("snapshot") or frame["seq"] == seq + 1, late
        seq = frame["seq"]
    assert [frame for frame in late if "liveop_finished" in frame] == late[-1:], "told once"
    assert "status 7" in late[-2]["liveop_html"]


@pytest.mark.parametrize("most", [100, 4], ids=["few", "too many"])
@asynchronous
async def test_what_comes_while_a_snapshot_is_due_is_shown_after_it(
    most: int, run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Have a snapshot due that only has what is saved, as with a worker elsewhere."""
    settings.LIVEOPS = {"RUNNER": "eager", "PERSIST_SECONDS": 3_600}
    monkeypatch.setattr(registry, "find", lambda pk: None)
    monkeypatch.setattr(watching, "_WAITING", most)
    quick = await sync_to_async(person)("quick", "liveops.view_liveoperation")
    tap = Tap(owner, monkeypatch)
    async with Socket(owner) as slow, Socket(quick) as witness:
        await slow.subscribe(run.operation)
        await witness.subscribe(run.operation)
        tap.open.clear()
        await run.ado(lambda p: p.status("shown before"))
        await witness.hear_until(lambda frame: "shown before" in frame["liveop_html"])
        current_hub()._missed(run.operation.get_channel_name())
        for number in range(1, 6):
            await run.ado(lambda p, n=number: p.log(f"line {n}"))  # type: ignore[misc]
        await run.ado(lambda p: p.status("not saved"))
        await witness.hear_until(lambda frame: "not saved" in frame["liveop_html"])
        tap.open.set()
        heard = await slow.hear_until(lambda frame: "not saved" in frame["liveop_html"])
    page = Page()
    for frame in heard[1:]:
        page.take(frame)
    assert [frame for frame in heard if frame.get("snapshot")] == heard[1:2]
    assert page.lines == list(range(1, 6))


@asynchronous
async def test_answers_to_a_page_that_does_not_read_are_bounded(
    owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_OUTBOX", 5)
    walk = await Walk.objects.acreate(owner=owner)
    tap, taken, count = Tap(owner, monkeypatch), asyncio.Event(), [0]
    receive = LiveOperationConsumer.receive

    async def counted(consumer: Any, *args: Any, **kwargs: Any) -> None:
        await receive(consumer, *args, **kwargs)
        count[0] += 1
        if count == [300]:
            taken.set()

    monkeypatch.setattr(LiveOperationConsumer, "receive", counted)
    async with Socket(owner) as socket:
        tap.open.clear()
        for _ in range(300):
            await socket.say("no JSON")
        await asyncio.wait_for(taken.wait(), DEADLINE)
        monkeypatch.setattr(consumers, "_RATE", 1e9)
        tap.open.set()
        await socket.say({"subscribe": {"op": str(walk.pk)}})
        heard = await socket.hear_until(lambda frame: frame.get("snapshot"))
    assert len(heard) <= 8


@asynchronous
async def test_a_socket_that_cannot_be_served_is_closed_so_that_the_page_connects_again(
    run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watching, "_OUTBOX", 2)
    quick = await sync_to_async(person)("quick", "liveops.view_liveoperation")
    tap = Tap(owner, monkeypatch)

    def fail(*_: Any) -> None:
        raise RuntimeError("the database is away")

    async with Socket(owner) as slow, Socket(quick) as witness:
        await slow.subscribe(run.operation)
        await witness.subscribe(run.operation)
        tap.open.clear()
        for number in range(6):
            await run.ado(lambda p, n=number: p.status(f"status {n}"))  # type: ignore[misc]
        await witness.hear_until(lambda frame: "status 5" in frame["liveop_html"])
        monkeypatch.setattr(watching, "look_up", fail)
        tap.open.set()
        output = await slow.wire.receive_output(timeout=DEADLINE)
        while output["type"] == "websocket.send":
            output = await slow.wire.receive_output(timeout=DEADLINE)
    assert (output["type"], output["code"]) == ("websocket.close", 4500)
    assert "the database is away" in caplog.text
