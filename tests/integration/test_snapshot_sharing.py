"""Many watchers of one operation at once: one reading for all, and nobody misses anything."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liveops import reading, rendering
from tests.integration.crowds import all_sent, ask, counted, crowd, no_hurry, watchers
from tests.integration.edge import DEADLINE, HeldRun, Socket, asynchronous, person
from tests.integration.markup import fragments, log_numbers
from tests.testapp.models import Scripted, Walk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_hurry")]

__all__ = ["no_hurry"]


@pytest.mark.usefixtures("source")
def test_three_hundred_at_once_cost_one_reading(
    run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = person("viewer", "liveops.view_liveoperation")
    changer = person("changer", "liveops.change_liveoperation")
    people = [owner, viewer, changer] * 100
    renders = counted(monkeypatch, rendering, "snapshot_fragments")
    run.do(lambda p: p.log("1\n2\n3"))
    all_sent()

    @asynchronous
    async def watch() -> None:
        async with crowd(*people) as sockets:
            await ask(sockets, run.operation)
            frames = [await socket.hear() for socket in sockets]
            await run.ado(lambda p: p.log("4"))
            last = [await socket.hear() for socket in sockets]
        assert all(frame["snapshot"] and frame["token"] for frame in frames)
        assert {last[n]["seq"] - frames[n]["seq"] for n in range(300)} == {1}
        assert len({frame["liveop_html"] for frame in frames}) == 2, "with controls and without"
        for frame, user in zip(frames, people, strict=True):
            shown = fragments(frame["liveop_html"], run.operation.pk)
            assert log_numbers(shown["op-log"]) == [1, 2, 3]
            assert bool(shown["op-controls"].all("form")) == (user != viewer)

    with CaptureQueriesContext(connection) as queries:
        watch()
    assert len(renders) == 1
    of_users = [query for query in queries if '"auth_' in query["sql"]]
    tending = [
        query for query in queries if 'U0."heartbeat_on"' in query["sql"] or " IN (" in query["sql"]
    ]
    assert len(of_users) <= 2 * 3, "once for each user"
    assert len(queries) - len(of_users) - len(tending) <= 3


@asynchronous
async def test_only_who_may_not_see_it_is_refused(run: HeldRun, owner: Any) -> None:
    viewer = await sync_to_async(person)("viewer", "liveops.view_liveoperation")
    stranger = await sync_to_async(person)("stranger")
    token = run.operation.subscription_token
    async with crowd(owner, stranger, viewer, stranger, stranger) as sockets:
        await ask(sockets[:4], run.operation)
        await ask(sockets[4:], run.operation, token=token)
        answers = [await socket.hear() for socket in sockets]
        await run.ado(lambda p: p.status("more"))
        shown_to = [
            await socket.hear_until(lambda frame: "more" in frame["liveop_html"])
            for socket in sockets[::2]
        ]
        others = [await socket.hear_rest() for socket in sockets[1::2]]
    assert [answer.get("error") for answer in answers] == [
        None, "not_found", None, "not_found", None,
    ]  # fmt: skip
    assert [len(frames) for frames in shown_to] == [1, 1, 1]
    assert [len(frames) for frames in others] == [0, 0]
    shown = fragments(answers[4]["liveop_html"], run.operation.pk)
    assert not shown["op-controls"].all("form"), "a token is no right to steer"


@asynchronous
async def test_one_for_whom_it_fails_is_closed_alone(
    run: HeldRun,
    owner: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    odd = await sync_to_async(person)("odd")

    def fragile(operation: Any, user: Any) -> bool:
        if user == odd:
            raise LookupError("a rule of the project is broken")
        return True

    monkeypatch.setattr(Scripted, "can_view", fragile)
    async with crowd(owner, odd, owner) as sockets:
        await ask(sockets, run.operation)
        for socket in (sockets[0], sockets[2]):
            assert (await socket.hear())["snapshot"]
        closing = await sockets[1].wire.receive_output(timeout=DEADLINE)
    assert closing == {"type": "websocket.close", "code": 4500}
    assert caplog.text.count("a subscription failed") == 1


@asynchronous
async def test_a_user_is_judged_once_for_all_sockets(
    run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = counted(monkeypatch, Scripted, "can_view")
    controls = counted(monkeypatch, Scripted, "can_control")
    async with crowd(*[owner] * 20) as sockets:
        await ask(sockets, run.operation)
        for socket in sockets:
            assert (await socket.hear())["snapshot"]
    assert len(views) == len(controls) == 1


@asynchronous
async def test_lines_are_rendered_once_for_all_who_show_the_same(
    run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run.ado(lambda p: p.log("1\n2\n3"))
    await asyncio.to_thread(all_sent)
    whole = counted(monkeypatch, rendering, "log_replacement")
    added = counted(monkeypatch, rendering, "log_addition")
    async with crowd(*[owner] * 12) as sockets:
        for number, after in enumerate((None, 2, 0)):
            await ask(sockets[number::3], run.operation, log_after=after)
        frames = [await socket.hear() for socket in sockets]
    logs = [fragments(frame["liveop_html"], run.operation.pk)["op-log"] for frame in frames]
    assert [log_numbers(log) for log in logs] == [[1, 2, 3], [3], [1, 2, 3]] * 4
    assert len(whole) == len(added) == 1


@asynchronous
async def test_a_crowd_is_handed_over_with_one_reading(
    run: HeldRun, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = await Walk.objects.acreate(owner=owner)
    containers = counted(monkeypatch, reading, "container_html")
    async with crowd(*[owner] * 20) as sockets:
        await ask(sockets, run.operation)
        for socket in sockets:
            await socket.hear()
        await run.ado(lambda p: p.chain_to(following))
        for socket in sockets:
            *_, swap, signal = await socket.hear_until(lambda frame: "liveop_chain" in frame)
            assert f'<section id="op-{following.pk}"' in swap["liveop_html"]
            assert signal["liveop_chain"]["op"] == str(following.pk)
    assert 1 <= len(containers) <= 2


@asynchronous
async def test_what_was_sent_is_not_kept(run: HeldRun, owner: Any) -> None:
    async with Socket(owner) as socket:
        await socket.subscribe(run.operation)
        (consumer,) = watchers()
        watch = consumer._subscriptions[str(run.operation.pk)].watch
        assert (watch.html, watch.encoded, watch.follow_up) == ("", "", ())
