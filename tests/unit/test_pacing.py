"""Frames for a crowd: in portions, in order, made one when they come too fast, and never lost."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import pytest

from liveops import pacing
from liveops.pacing import Pacer, merged

Message = dict[str, Any]


@pytest.fixture(autouse=True)
def small_crowds(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a hundred are a crowd here."""
    monkeypatch.setattr(pacing, "_CROWD", 100)


def message(seq: int, html: str = "", **more: Any) -> Message:
    """Return a message as the web sink makes it."""
    frame = {"op": "a", "seq": seq, "liveop_html": html or f"<p>{seq}</p>"}
    told = {"op": "a", "seq": seq, "log_seq": 0, "text": json.dumps(frame), "state": "STARTED"}
    return {**told, "controls": False, "finished": "", "chained": False, **more}


class Crowd:
    """So many watchers, and what each was given."""

    def __init__(self, number: int) -> None:
        self.given: dict[int, list[Message]] = {each: [] for each in range(number)}
        self.pacer: Pacer[int] = Pacer(lambda group: list(self.given), self._give)
        self.others_turns = 0
        self.most_in_one_turn = 0
        self._in_this_turn = 0

    def _give(self, watcher: int, message: Message) -> None:
        self.given[watcher].append(message)
        self._in_this_turn += 1
        self.most_in_one_turn = max(self.most_in_one_turn, self._in_this_turn)

    async def settle(self, seq: int) -> None:
        """Let the loop turn until all were given a frame; count the turns."""
        async with asyncio.timeout(30):
            while any(not got or got[-1]["seq"] < seq for got in self.given.values()):
                self._in_this_turn = 0
                self.others_turns += 1
                await asyncio.sleep(0)


def run(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scene)


def html_of(message: Message) -> str:
    html: str = json.loads(message["text"])["liveop_html"]
    return html


def test_a_few_are_served_where_the_frame_is_heard() -> None:
    async def scene() -> None:
        crowd = Crowd(100)
        crowd.pacer.put("liveop.a", told := message(1))
        assert all(got == [told] for got in crowd.given.values())

    run(scene())


def test_a_crowd_is_served_in_portions() -> None:
    async def scene() -> None:
        crowd = Crowd(500)
        crowd.pacer.put("liveop.a", told := message(1))
        await crowd.settle(1)
        assert all(got == [told] for got in crowd.given.values())
        assert crowd.most_in_one_turn == 50
        assert crowd.others_turns >= 10

    run(scene())


def test_what_comes_meanwhile_is_made_one() -> None:
    async def scene() -> None:
        crowd = Crowd(300)
        for seq in range(1, 6):
            crowd.pacer.put("liveop.a", message(seq))
        await crowd.settle(5)
        for got in crowd.given.values():
            (one,) = got
            assert json.loads(one["text"])["after"] == 0
            assert html_of(one) == "<p>1</p><p>2</p><p>3</p><p>4</p><p>5</p>"

    run(scene())


def test_frames_stay_in_order_when_a_crowd_shrinks_to_a_few() -> None:
    async def scene() -> None:
        crowd = Crowd(200)
        crowd.pacer.put("liveop.a", message(1))
        await crowd.settle(1)
        crowd.pacer.put("liveop.a", message(2))
        for gone in range(10, 200):
            del crowd.given[gone]
        crowd.pacer.put("liveop.a", message(3))  # few enough now, but one is still on its way
        await crowd.settle(3)
        for got in crowd.given.values():
            assert "".join(map(html_of, got)) == "<p>1</p><p>2</p><p>3</p>"
        crowd.pacer.put("liveop.b", message(4))
        assert all(got[-1]["seq"] == 4 for got in crowd.given.values())

    run(scene())


def test_one_crowd_does_not_keep_another_waiting_for_ever() -> None:
    async def scene() -> None:
        heard: list[str] = []
        pacer: Pacer[int] = Pacer(
            lambda group: range(200), lambda watcher, message: heard.append(message["op"])
        )
        pacer.put("liveop.a", message(1))
        pacer.put("liveop.b", message(1, op="b"))
        for seq in range(2, 50):
            pacer.put("liveop.a", message(seq))
        assert pacer._task is not None
        await asyncio.wait_for(asyncio.shield(pacer._task), 30)
        assert heard.index("b") == 200

    run(scene())


def test_too_much_for_a_crowd_is_left_to_a_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_MOST_WAITING", 1_000)

    async def scene() -> None:
        crowd = Crowd(200)
        for seq in range(1, 4):
            crowd.pacer.put("liveop.a", message(seq, "x" * 600))
        await crowd.settle(3)
        for got in crowd.given.values():
            assert [(each["seq"], each.get("after_gap")) for each in got] == [(3, True)]

    run(scene())


def test_long_frames_are_not_made_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_LONGEST_FRAME", 600)

    async def scene() -> None:
        crowd = Crowd(200)
        for seq in range(1, 4):
            crowd.pacer.put("liveop.a", message(seq, "x" * 600))
        await crowd.settle(3)
        for got in crowd.given.values():
            assert [each["seq"] for each in got] == [1, 2, 3]

    run(scene())


def test_one_message_of_several_has_all_that_they_have() -> None:
    end = json.dumps({"op": "a", "liveop_finished": {}})
    one = merged(
        [
            message(4, log_seq=9, controls=True),
            message(5, finished=end, state="FINISHED_OK"),
            message(6, state="FINISHED_OK"),
        ]
    )
    assert (one["seq"], one["log_seq"], one["state"]) == (6, 9, "FINISHED_OK")
    assert one["controls"]
    assert one["finished"] == end
    assert not one["chained"]
    assert json.loads(one["text"]) == {
        "op": "a",
        "seq": 6,
        "after": 3,
        "liveop_html": "<p>4</p><p>5</p><p>6</p>",
    }


def test_what_is_one_already_can_be_made_one_again() -> None:
    first = merged([message(4), message(5)])
    both = merged([first, message(6)])
    assert json.loads(both["text"])["after"] == 3
    assert html_of(both) == "<p>4</p><p>5</p><p>6</p>"


@pytest.mark.parametrize("flag", ["chained", "after_gap"])
def test_that_a_snapshot_is_due_is_not_lost(flag: str) -> None:
    assert merged([{**message(1), flag: True}, message(2)])[flag]


def test_what_is_no_frame_does_not_keep_the_others(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        crowd = Crowd(200)
        crowd.pacer.put("liveop.a", message(1))
        crowd.pacer.put("liveop.a", {**message(2), "text": "no frame"})
        await crowd.settle(2)
        assert all(got[-1]["after_gap"] for got in crowd.given.values())
        crowd.pacer.put("liveop.a", message(3))
        await crowd.settle(3)

    run(scene())
    assert "are no frames" in caplog.text
