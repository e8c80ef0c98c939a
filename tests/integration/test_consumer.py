"""The socket: snapshot, frames, end; who is told what; and what a page may ask."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.test import Client

from liveops import control
from liveops.progress import Progress
from liveops.protocol import SOCKET_PATH
from liveops.routing import websocket_urlpatterns
from tests.integration.conftest import Templates
from tests.integration.edge import HeldRun, Socket, asynchronous, missing, person
from tests.integration.markup import REGIONS, Element, fragments, log_numbers, log_texts
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)


def shown(frame: dict[str, Any]) -> dict[str, Element]:
    """Return the fragments of a frame, by region."""
    return fragments(frame["liveop_html"], frame["op"])


def work(p: Progress) -> None:
    """Leave something in every region."""
    with p.stage("Load"):
        p.log("one")
        p.log("two")
    p.status("At work")
    p.percent(40)


@asynchronous
async def test_the_first_answer_is_a_snapshot_of_all_regions(run: HeldRun, owner: Any) -> None:
    await run.ado(work)
    async with Socket(owner) as socket:
        frame = await socket.subscribe(run.operation)
    assert frame["op"] == str(run.operation.pk)
    assert frame["snapshot"] is True
    regions = shown(frame)
    assert set(regions) == REGIONS
    assert "At work" in regions["op-status"].text
    assert regions["op-progress"].all("progress")[-1].attributes["value"] == "40.00"
    states = [step.attributes["data-state"] for step in regions["op-stages"].all("li")]
    assert states == ["done", "pending", "pending"]
    assert log_texts(regions["op-log"]) == ["one", "two"]
    assert regions["op-result"].elements == []
    assert regions["op-controls"].one("form").attributes["action"].endswith("/cancel/")


@asynchronous
async def test_frames_follow_the_snapshot_without_a_gap(run: HeldRun, owner: Any) -> None:
    await run.ado(work)
    async with Socket(owner) as socket:
        seq = (await socket.subscribe(run.operation))["seq"]
        for number in range(5):
            text = f"step {number}"
            await run.ado(lambda p, text=text: p.status(text))  # type: ignore[misc]
            frame = await socket.hear()
            seq += 1
            assert frame["seq"] == seq
            assert "snapshot" not in frame
            assert text in shown(frame)["op-status"].text
        await run.ado(lambda p: p.log("three"))
        assert log_numbers(shown(await socket.hear())["op-log"]) == [3]


@asynchronous
async def test_the_end_is_told_with_its_state_and_addresses(
    run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "get_success_url", lambda op: "/shop/")
    pk = str(run.operation.pk)
    end = {"state": "FINISHED_OK", "url": f"/live/{pk}/", "success_url": "/shop/"}
    async with Socket(owner) as socket:
        await socket.subscribe(run.operation)
        await run.ado(lambda p: p.result(count=3))
        await run.aend()
        heard = await socket.hear_until(lambda frame: "liveop_finished" in frame)
        assert heard[-1] == {"op": pk, "liveop_finished": end}
        last = shown(heard[-2])
        assert [entry.text for entry in last["op-result"].all("dd")] == ["3"]
        assert last["op-controls"].one("form").attributes["action"].endswith("/restart/")
        assert await socket.hear_rest() == []
        again = await socket.subscribe(run.operation)
        assert again["snapshot"] is True
        assert [entry.text for entry in shown(again)["op-result"].all("dd")] == ["3"]
        assert await socket.hear() == {"op": pk, "liveop_finished": end}
        assert await socket.hear_rest() == []


@asynchronous
async def test_several_operations_share_a_socket_and_one_can_be_left(
    run: HeldRun, other_run: HeldRun, owner: Any
) -> None:
    async with Socket(owner) as socket, Socket(owner) as witness:
        for one in (run, other_run):
            assert (await socket.subscribe(one.operation))["op"] == str(one.operation.pk)
            await witness.subscribe(one.operation)
        await run.ado(lambda p: p.status("first"))
        await other_run.ado(lambda p: p.status("second"))
        heard = {frame["op"]: shown(frame) for frame in [await socket.hear() for _ in "ab"]}
        assert "first" in heard[str(run.operation.pk)]["op-status"].text
        assert "second" in heard[str(other_run.operation.pk)]["op-status"].text
        await socket.say({"unsubscribe": {"op": str(run.operation.pk)}})
        assert await socket.hear_rest() == []
        await run.ado(lambda p: p.status("unheard"))
        await witness.hear_until(lambda frame: "unheard" in frame["liveop_html"])
        assert await socket.hear_rest() == []
        await other_run.ado(lambda p: p.status("heard"))
        assert (await socket.hear())["op"] == str(other_run.operation.pk)


@asynchronous
async def test_what_is_not_there_and_what_is_not_yours_look_the_same(owner: Any) -> None:
    theirs = await Walk.objects.acreate(owner=owner)
    stranger = await sync_to_async(person)("stranger", "testapp.view_scripted")
    for user in (stranger, None):
        async with Socket(user) as socket:
            hidden, unknown = await socket.subscribe(theirs), await socket.subscribe(missing())
            assert hidden.pop("op") == str(theirs.pk)
            assert unknown.pop("op") != str(theirs.pk)
            assert hidden == unknown
            assert hidden["error"] == "not_found"
            assert hidden["detail"].endswith(".")


@asynchronous
async def test_no_frame_reaches_whom_the_operation_was_refused(run: HeldRun, owner: Any) -> None:
    stranger = await sync_to_async(person)("stranger")
    async with Socket(stranger) as socket, Socket(owner) as witness:
        await socket.subscribe(run.operation)
        await witness.subscribe(run.operation)
        await run.ado(lambda p: p.status("secret"))
        await witness.hear()
        assert await socket.hear_rest() == []


@pytest.mark.parametrize(
    ("permission", "steers", "debugs"),
    [
        ("testapp.view_scripted", False, False),
        ("liveops.view_liveoperation", False, False),
        ("testapp.change_scripted", True, True),
        ("", True, False),
    ],
)
@asynchronous
async def test_controls_are_for_those_who_may(
    run: HeldRun, owner: Any, permission: str, steers: bool, debugs: bool
) -> None:
    somebody = await sync_to_async(person)("somebody", permission) if permission else owner
    async with Socket(somebody) as socket:
        first = shown(await socket.subscribe(run.operation))["op-controls"]
        assert [form.attributes["action"].split("/")[-2] for form in first.all("form")] == (
            ["cancel"] if steers else []
        )
        await sync_to_async(control.cancel)(run.operation)
        await run.ado(lambda p: p.status("after the click"))
        frame = shown(await socket.hear())
        assert ("op-controls" in frame) == steers
        assert not steers or "disabled" in frame["op-controls"].one("button").attributes
        with pytest.raises(ZeroDivisionError):
            await run.ado(lambda p: 1 / 0)
        heard = await socket.hear_until(lambda frame: "liveop_finished" in frame)
        last = shown(heard[-2]).get("op-controls", Element("none"))
        actions = [e.attributes["action"].split("/")[-2] for e in last.all("form")]
        assert actions == (["restart"] if steers else [])
        assert len(last.all("a")) == debugs, "the way to the traceback"


@asynchronous
async def test_a_token_opens_one_operation_for_watching_only(run: HeldRun, owner: Any) -> None:
    token = run.operation.subscription_token
    other = await Walk.objects.acreate(owner=owner)
    async with Socket() as socket:
        assert (await socket.subscribe(run.operation))["error"] == "not_found"
        assert (await socket.subscribe(other, token=token))["error"] == "not_found"
        assert (await socket.subscribe(run.operation, token=token[:-2]))["error"] == "not_found"
        odd = await socket.subscribe(run.operation, token="\ud800:x:y")
        assert odd["error"] == "not_found"
        snapshot = await socket.subscribe(run.operation, token=token)
        assert snapshot["snapshot"] is True
        assert shown(snapshot)["op-controls"].elements == []
        await sync_to_async(control.cancel)(run.operation)
        await run.ado(lambda p: p.status("seen"))
        assert "op-controls" not in shown(await socket.hear())
        again = await socket.subscribe(run.operation)
        assert again["snapshot"] is True, "the socket remembers the token"


@asynchronous
async def test_a_token_that_is_too_old_opens_nothing(
    run: HeldRun, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIVEOPS = {"TOKEN_MAX_AGE": 60}
    now = 1_800_000_000.0
    monkeypatch.setattr("django.core.signing.time.time", lambda: now)
    token = run.operation.subscription_token
    now += 61
    async with Socket() as socket:
        assert (await socket.subscribe(run.operation, token=token))["error"] == "not_found"


@asynchronous
async def test_the_session_of_the_page_says_who_is_there(run: HeldRun, owner: Any) -> None:
    client = Client()
    await sync_to_async(client.force_login)(owner)
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    site = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
    for headers, answer in (([(b"cookie", cookie)], "snapshot"), ([], "error")):
        socket = Socket()
        socket.wire = WebsocketCommunicator(site, SOCKET_PATH, headers=headers)
        async with socket:
            assert answer in await socket.subscribe(run.operation)


@pytest.mark.parametrize(
    ("after", "mode", "numbers"),
    [
        (None, "innerHTML", [1, 2, 3]),
        (0, "innerHTML", [1, 2, 3]),
        (1, "beforeend", [2, 3]),
        (3, "beforeend", []),
        (4, "innerHTML", [1, 2, 3]),
        (2**63 - 1, "innerHTML", [1, 2, 3]),
    ],
)
@asynchronous
async def test_only_the_lines_that_the_page_does_not_show_yet(
    run: HeldRun, owner: Any, after: int | None, mode: str, numbers: list[int]
) -> None:
    await run.ado(lambda p: p.log("1\n2\n3"))
    async with Socket(owner) as socket:
        log = shown(await socket.subscribe(run.operation, log_after=after))["op-log"]
    assert (log.attributes["mode"], log_numbers(log)) == (mode, numbers)


@asynchronous
async def test_a_page_that_is_too_far_behind_gets_the_last_lines_anew(
    run: HeldRun, owner: Any
) -> None:
    await run.ado(lambda p: p.log("\n".join("x" * 1_500)))
    async with Socket(owner) as socket:
        log = shown(await socket.subscribe(run.operation, log_after=400))["op-log"]
        assert log.attributes["mode"] == "innerHTML"
        assert log_numbers(log) == list(range(501, 1_501))
        assert "500" in log.one("p", class_="liveop-log-edge").text
        log = shown(await socket.subscribe(run.operation, log_after=500))["op-log"]
        assert (log.attributes["mode"], len(log_numbers(log))) == ("beforeend", 1_000)


@asynchronous
async def test_everything_speaks_the_language_of_the_operation(
    owner: Any, run: HeldRun, templates: Templates
) -> None:
    spoken = "{% load i18n %}{% get_current_language as now %}<i>{{ now }}</i>"
    templates({"liveops/_status.html": spoken, "liveops/_controls.html": spoken})
    await Scripted.objects.filter(pk=run.operation.pk).aupdate(language="pl")
    run.operation.language = "pl"
    await run.ado(lambda p: setattr(p.operation, "language", "pl"))
    async with Socket(owner) as socket:
        frames = [await socket.subscribe(run.operation)]
        await sync_to_async(control.cancel)(run.operation)
        await run.ado(lambda p: p.status("x"))
        frames.append(await socket.hear())
    for frame in frames:
        regions = shown(frame)
        assert regions["op-status"].one("i").text == "pl"
        assert regions["op-controls"].one("i").text == "pl"
