"""How the frames of an operation that a crowd watches are handed out.

A few watchers are served where a frame is heard. A crowd is served in portions, so that whoever
wants the event loop in between gets it, and rests afterwards: crowds have two thirds of the loop,
all together. What is heard meanwhile is made one frame, for what a delivery costs hardly depends on
its length.
"""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any, Generic, TypeVar

logger = logging.getLogger("liveops")

_CROWD = 300
_PORTION = 50
_REST = 0.5  # times what the deliveries took
_LONGEST_REST = 1.0
_LONGEST_FRAME = 262_144  # characters of HTML from which frames are not made one any more
_MOST_WAITING = 4_194_304  # characters from which on a snapshot is shorter than what waits


_T = TypeVar("_T")


class Pacer(Generic[_T]):
    """Hands messages to the watchers of groups.

    Args:
        watchers_of: returns who watches a group now.
        deliver: hands a message to one watcher; must not block, nor raise.
    """

    def __init__(
        self,
        watchers_of: Callable[[str], Collection[_T]],
        deliver: Callable[[_T, dict[str, Any]], None],
    ) -> None:
        self._watchers_of = watchers_of
        self._deliver = deliver
        self._waiting: dict[str, _Waiting] = {}
        self._turns: deque[str] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, group: str, message: dict[str, Any]) -> None:
        """Hand a message to all who watch its group, now or a little later, in order."""
        waiting, watchers = self._waiting.get(group), self._watchers_of(group)
        if waiting is None and len(watchers) <= _CROWD:
            for watcher in tuple(watchers):
                self._deliver(watcher, message)
            return
        if waiting is None:
            waiting = self._waiting[group] = _Waiting()
            self._turns.append(group)
        waiting.put(message)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._serve())

    async def _serve(self) -> None:
        while self._turns:
            group = self._turns.popleft()
            waiting = self._waiting[group]
            took = await self._hand_out(group, _together(waiting.take()))
            if waiting.messages:
                self._turns.append(group)
            else:
                del self._waiting[group]
            await asyncio.sleep(min(took * _REST, _LONGEST_REST))

    async def _hand_out(self, group: str, message: dict[str, Any]) -> float:
        """Hand a message to a crowd; return the seconds that this took of the loop."""
        watchers, took = tuple(self._watchers_of(group)), 0.0
        for start in range(0, len(watchers), _PORTION):
            began = time.perf_counter()
            for watcher in watchers[start : start + _PORTION]:
                self._deliver(watcher, message)
            took += time.perf_counter() - began
            await asyncio.sleep(0)
        return took


class _Waiting:
    """What waits for a crowd, and how long it is."""

    def __init__(self) -> None:
        self.messages: deque[dict[str, Any]] = deque()
        self._length = 0

    def put(self, message: dict[str, Any]) -> None:
        """Add a message; too much is dropped, and whoever gets this one asks for a snapshot."""
        if self._length > _MOST_WAITING:
            self.messages.clear()
            self._length = 0
            message = {**message, "after_gap": True}
        self.messages.append(message)
        self._length += len(message["text"])

    def take(self) -> list[dict[str, Any]]:
        """Return the first of them, as many as should be made one."""
        taken, length = [self.messages.popleft()], 0
        while self.messages and (length := length + len(taken[-1]["text"])) < _LONGEST_FRAME:
            taken.append(self.messages.popleft())
        self._length -= sum(len(message["text"]) for message in taken)
        return taken


def _together(messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return one message for several; the last one, with a gap before it, if that cannot be."""
    try:
        return merged(messages)
    except Exception:
        # Of a process of another version, say: the others are not to wait for it for ever.
        logger.exception("liveops: frames of operation %s are no frames", messages[-1].get("op"))
        return {**messages[-1], "after_gap": True}


def merged(messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return one message that stands for several of a group, in order.

    Its frame holds the fragments of all of them; ``after`` in it is the number of the frame before
    the first, so that a page takes it for no gap.
    """
    first, last = messages[0], messages[-1]
    if first is last:
        return last
    frames = [json.loads(message["text"]) for message in messages]
    frame = {
        **frames[-1],
        "after": frames[0].get("after", first["seq"] - 1),
        "liveop_html": "".join(frame["liveop_html"] for frame in frames),
    }
    flags = ("chained", "after_gap", "controls")
    return {
        **last,
        **{flag: any(message.get(flag) for message in messages) for flag in flags},
        "text": json.dumps(frame),
        "log_seq": max(message["log_seq"] or 0 for message in messages),
        "finished": next((m["finished"] for m in reversed(messages) if m["finished"]), ""),
    }
