"""The moment between subscription and snapshot: nothing is lost, nothing comes twice."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer

from liveops import consumers, hub, registry, snapshot, subscription, watching
from liveops.progress import Progress
from tests.integration.crowds import keep_nothing
from tests.integration.edge import HeldRun, Socket, asynchronous, person
from tests.integration.watching import Gate, Page
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


def before_reading(gate: Gate, patch: pytest.MonkeyPatch) -> None:
    """Hold back before anything is read."""
    look_up = subscription.look_up

    def held(*arguments: Any) -> Any:
        gate.hold()
        return look_up(*arguments)

    patch.setattr(watching, "look_up", held)


def after_the_row(gate: Gate, patch: pytest.MonkeyPatch) -> None:
    """Hold back when the operation was read, and the rest not yet."""
    take = snapshot.take

    def held(operation: Any) -> Any:
        gate.hold()
        return take(operation)

    patch.setattr(snapshot, "take", held)


def after_the_lines(gate: Gate, patch: pytest.MonkeyPatch) -> None:
    """Hold back when the log was read, and the run not yet asked."""
    find = registry.find

    def held(pk: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            gate.hold()
        return find(pk)

    patch.setattr(registry, "find", held)


def after_reading(gate: Gate, patch: pytest.MonkeyPatch) -> None:
    """Hold back when everything was read."""
    look_up = subscription.look_up

    def held(*arguments: Any) -> Any:
        found = look_up(*arguments)
        gate.hold()
        return found

    patch.setattr(watching, "look_up", held)


MOMENTS = [before_reading, after_the_row, after_the_lines, after_reading]


def first_stage(p: Progress) -> None:
    with p.stage("Load"):
        p.log("1")
        p.log("2")
    p.status("early")


def second_stage(p: Progress) -> None:
    with p.stage("Validate"):
        p.log("3")
        p.percent(60)
        p.log("4")
    p.status("late")
    p.percent(70)


@pytest.mark.parametrize("ends", [False, True], ids=["goes on", "ends"])
@pytest.mark.parametrize("hold", MOMENTS)
@pytest.mark.usefixtures("source")
@asynchronous
async def test_what_happens_while_the_snapshot_is_read_is_shown_once(
    hold: Callable[..., None], ends: bool, run: HeldRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = run.operation.owner
    page, gate = Page(), Gate()
    await run.ado(first_stage)
    async with Socket(owner) as socket, Socket(owner) as witness:
        await witness.subscribe(run.operation)
        hold(gate, monkeypatch)
        keep_nothing()
        await socket.say({"subscribe": {"op": str(run.operation.pk)}})
        await gate.wait_until_reached()
        await run.ado(second_stage)
        if ends:
            await run.aend()
            await witness.hear_until(lambda frame: "liveop_finished" in frame)
        else:
            await run.ado(lambda p: p.log("mark"))
            await witness.hear_until(lambda frame: "mark" in frame["liveop_html"])
        gate.go.set()
        first = await socket.hear()
        assert first["snapshot"] is True
        page.take(first)
        for frame in await socket.hear_rest():
            assert "snapshot" not in frame
            page.take(frame)
    assert page.lines == ([1, 2, 3, 4] if ends else [1, 2, 3, 4, 5])
    assert page.stages == ["done", "done", "pending"]
    assert "late" in page.regions["op-status"].text
    value = page.regions["op-progress"].all("progress")[-1].attributes["value"]
    assert value == ("100.00" if ends else "70.00")
    assert page.ends == (["FINISHED_OK"] if ends else [])


@pytest.mark.parametrize("hold", MOMENTS[:3])
@asynchronous
async def test_a_frame_that_the_snapshot_includes_does_not_come_again(
    hold: Callable[..., None], run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    async with Socket(owner) as socket, Socket(owner) as witness:
        await witness.subscribe(run.operation)
        hold(gate, monkeypatch)
        keep_nothing()
        await socket.say({"subscribe": {"op": str(run.operation.pk)}})
        await gate.wait_until_reached()
        await run.ado(lambda p: p.log("one"))
        await witness.hear()
        await run.ado(lambda p: p.html("#rows", "<b>one</b>", mode="beforeend"))
        await witness.hear()
        gate.go.set()
        frame = await socket.hear()
        assert frame["snapshot"] is True
        assert "one" in frame["liveop_html"]
        assert await socket.hear_rest() == []


@asynchronous
async def test_leaving_before_the_snapshot_is_there(
    run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    async with Socket(owner) as socket, Socket(owner) as witness:
        await witness.subscribe(run.operation)
        before_reading(gate, monkeypatch)
        await socket.say({"subscribe": {"op": str(run.operation.pk)}})
        await socket.say({"unsubscribe": {"op": str(run.operation.pk)}})
        await gate.wait_until_reached()
        gate.go.set()
        await socket.hear()
        assert await socket.hear_rest() == []
        await run.ado(lambda p: p.status("unheard"))
        await witness.hear()
        assert await socket.hear_rest() == []


@asynchronous
async def test_asking_again_gives_a_new_snapshot_and_frames_go_on(run: HeldRun, owner: Any) -> None:
    async with Socket(owner) as socket:
        await socket.subscribe(run.operation)
        await run.ado(lambda p: p.log("1"))
        await socket.hear()
        again = await socket.subscribe(run.operation, log_after=1)
        assert again["snapshot"] is True
        await run.ado(lambda p: p.log("2"))
        frame = await socket.hear()
        assert frame["seq"] == again["seq"] + 1
        assert await socket.hear_rest() == [], "and each comes once"


@asynchronous
async def test_a_process_joins_a_group_once_and_leaves_with_the_last_socket(
    run: HeldRun, owner: Any
) -> None:
    layer: Any = get_channel_layer()
    group = run.operation.get_channel_name()
    async with Socket(owner) as one:
        async with Socket(owner) as other, Socket(owner) as third:
            for socket in (one, other, third, third):
                await socket.subscribe(run.operation)
            assert len(layer._groups[group]) == 1
            await third.say({"unsubscribe": {"op": str(run.operation.pk)}})
            assert await third.hear_rest() == []
        assert len(layer._groups[group]) == 1, "one is still there"
        await run.ado(lambda p: p.status("still"))
        assert "still" in (await one.hear())["liveop_html"]
        await one.subscribe(run.operation)
    assert group not in layer._groups
    assert hub.current_hub()._watchers == {}


@asynchronous
async def test_whoever_is_refused_is_no_member(run: HeldRun, owner: Any) -> None:
    stranger = await sync_to_async(person)("stranger")
    layer: Any = get_channel_layer()
    async with Socket(stranger) as socket:
        await socket.subscribe(run.operation)
        assert run.operation.get_channel_name() not in layer._groups


@asynchronous
async def test_one_socket_in_trouble_disturbs_no_other(
    run: HeldRun,
    owner: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    quick = await sync_to_async(person)("quick", "liveops.view_liveoperation")
    deliver = consumers.LiveOperationConsumer.deliver

    def fragile(consumer: Any, message: Any) -> None:
        if consumer.scope["user"] == owner:
            raise RuntimeError("a template of the project is broken")
        deliver(consumer, message)

    async with Socket(owner) as broken, Socket(quick) as sound:
        await broken.subscribe(run.operation)
        await sound.subscribe(run.operation)
        monkeypatch.setattr(consumers.LiveOperationConsumer, "deliver", fragile)
        for text in ("one", "two"):
            await run.ado(lambda p, text=text: p.status(text))  # type: ignore[misc]
            assert text in (await sound.hear())["liveop_html"]
    assert "a template of the project is broken" in caplog.text


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Leave no body behind that answers to a test."""
    yield
    Scripted.body = lambda op, p: None
