"""What a socket brings of controls and of those who used them, without a reload."""

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from liveops import control
from liveops.models import LiveOperation
from tests.integration.edge import HeldRun, Socket, asynchronous, person
from tests.integration.markup import fragments
from tests.integration.resuming import PHASES, Voyage, break_off

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def acts() -> Iterator[dict[str, Any]]:
    """Return what each stage is to do; nothing at first."""
    PHASES.clear()
    Voyage.acts = {}
    yield Voyage.acts
    Voyage.acts = {}


def has_ended(frame: dict[str, Any]) -> bool:
    """Return whether a frame tells of the end."""
    return "liveop_finished" in frame


def controls_in(frame: dict[str, Any], pk: Any) -> list[str]:
    """Return which controls a frame brings, by the last part of their address."""
    found = fragments(frame["liveop_html"], pk).get("op-controls")
    forms = found.all("form") if found is not None else []
    return [form.attributes["action"].split("/")[-2] for form in forms]


def test_the_frame_of_the_end_brings_the_buttons_to_those_who_may(
    owner: User, acts: dict[str, Any]
) -> None:
    viewer = person("viewer", "liveops.view_liveoperation")
    operation = Voyage.objects.create(owner=owner)
    acts["Sail"] = OSError()

    @asynchronous
    async def watch() -> None:
        async with Socket(owner) as mine, Socket(viewer) as theirs:
            await mine.subscribe(operation)
            await theirs.subscribe(operation)
            await sync_to_async(operation.enqueue)()
            for socket, expected in ((mine, ["resume", "restart"]), (theirs, [])):
                last = (await socket.hear_until(has_ended))[-2]
                assert controls_in(last, operation.pk) == expected
                assert ("Goes on with “Sail”" in last["liveop_html"]) == bool(expected)

    watch()


def test_a_cancel_before_the_start_brings_them_too(owner: User) -> None:
    operation = Voyage.objects.create(owner=owner)
    base = LiveOperation.objects.get(pk=operation.pk)

    @asynchronous
    async def watch() -> None:
        async with Socket(owner) as socket:
            await socket.subscribe(operation)
            await sync_to_async(control.cancel)(base, owner)
            last = (await socket.hear_until(has_ended))[-2]
        assert controls_in(last, operation.pk) == ["resume", "restart"]
        result = fragments(last["liveop_html"], operation.pk)["op-result"]
        assert "Cancelled by owner" in result.text

    watch()


def test_the_first_frame_of_a_restart_is_not_taken_for_the_one_of_the_end(owner: User) -> None:
    operation = Voyage.objects.create(owner=owner)
    base = LiveOperation.objects.get(pk=operation.pk)

    @asynchronous
    async def watch() -> None:
        async with Socket(owner) as socket:
            await socket.subscribe(operation)
            await sync_to_async(control.cancel)(base, owner)
            ended = (await socket.hear_until(has_ended))[-2]["seq"]
            await sync_to_async(control.restart)(base, owner)
            frames = await socket.hear_until(has_ended)
        assert frames[0]["seq"] == ended + 1
        status = fragments(frames[0]["liveop_html"], operation.pk)["op-status"]
        assert "Running" in status.text

    watch()


def test_a_page_that_subscribes_after_a_resume_keeps_its_log(
    owner: User, acts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    acts["Pack"] = lambda op, p: p.log("packed")
    operation = break_off(owner=owner)
    monkeypatch.setattr(LiveOperation, "enqueue", lambda op: None)
    control.resume(operation, owner)
    last = operation.log_lines.last().seq

    @asynchronous
    async def watch() -> None:
        async with Socket(owner) as socket:
            first = await socket.subscribe(operation, log_after=last)
            shown = fragments(first["liveop_html"], operation.pk)
            assert shown["op-log"].attributes["mode"] == "beforeend"
            assert shown["op-stages"].all("li")[0].attributes["data-state"] == "done"
            assert controls_in(first, operation.pk) == ["cancel"]
            assert "Resumed by owner" in shown["op-result"].text

    watch()


@asynchronous
async def test_watchers_read_who_cancels_while_the_run_stops(run: HeldRun, owner: User) -> None:
    async with Socket(owner) as socket:
        await socket.subscribe(run.operation)
        await sync_to_async(control.cancel)(run.operation, owner)
        await run.ado(lambda p: p.status("still busy"))
        heard = await socket.hear_until(
            lambda frame: "(asked by owner)" in frame.get("liveop_html", "")
        )
        last = fragments(heard[-1]["liveop_html"], run.operation.pk)
        assert "Asked to cancel by owner" in last["op-result"].text
        assert "disabled" in last["op-controls"].one("button").attributes
