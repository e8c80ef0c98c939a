"""Questions about one operation that come at once share one reading.

A snapshot may only go to a socket that joined the operation's group before the reading of it began,
or frames between the two would be lost. So whoever asks while a reading is under way waits for the
next one, together with all who asked meanwhile.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.db import close_old_connections

from liveops.reading import Reading

T = TypeVar("T")

_HOP_SECONDS = 0.05  # others want the thread that reads the database, too
_REST = 2  # times what an operation's reading and rendering took, so that a crowd gathers meanwhile
_LONGEST_REST = 0.25


@dataclass(slots=True, eq=False)
class _Asker:
    """A question, and who waits for the answer."""

    question: Callable[[Reading], Any]
    answer: "asyncio.Future[_Reply]"


@dataclass(frozen=True, slots=True)
class _Reply:
    """What a question gave: a result, or an error that several may have to raise."""

    result: Any = None
    error: Exception | None = None
    trace: TracebackType | None = None


class Readings:
    """The readings of one event loop: of each operation one at a time."""

    def __init__(self) -> None:
        self._askers: dict[uuid.UUID, list[_Asker]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, pk: uuid.UUID, question: Callable[[Reading], T]) -> T:
        """Return the answer to a question, from a reading that has not begun yet.

        Args:
            pk: the operation.
            question: is called with the reading, in the thread for the database.

        Raises:
            Exception: whatever the question raises.
        """
        asker = _Asker(question, asyncio.get_running_loop().create_future())
        if pk in self._askers:
            self._askers[pk].append(asker)
        else:
            self._askers[pk] = [asker]
            task = asyncio.create_task(self._serve(pk))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        reply = await asker.answer
        if reply.error is not None:
            raise reply.error.with_traceback(reply.trace)  # or it would grow each time
        result: T = reply.result
        return result

    async def _serve(self, pk: uuid.UUID) -> None:
        try:
            while askers := self._askers[pk]:
                self._askers[pk] = []
                rest = await self._answer_all(pk, askers)
                await asyncio.sleep(rest)
        finally:
            for left in self._askers.pop(pk):
                left.answer.cancel()

    async def _answer_all(self, pk: uuid.UUID, askers: Sequence[_Asker]) -> float:
        """Answer with one reading; return how long to rest after it, in seconds."""
        reading, rest, is_crowd = Reading(pk), 0.0, len(askers) > 1
        try:
            while askers := [asker for asker in askers if not asker.answer.done()]:
                replies, took = await database_sync_to_async(_replies)(reading, askers)
                if is_crowd:
                    rest = min(rest + took * _REST, _LONGEST_REST)
                for asker, reply in zip(askers, replies, strict=False):
                    _settle(asker, reply)
                askers = askers[len(replies) :]
        except Exception as error:  # noqa: BLE001  (each of those who ask raises it)
            for asker in askers:
                _settle(asker, _failed(error))
        finally:
            for asker in askers:
                asker.answer.cancel()
        return rest


def _replies(reading: Reading, askers: Sequence[_Asker]) -> tuple[list[_Reply], float]:
    """Answer as many as there is time for, but one at least; return how long that took, too."""
    replies: list[_Reply] = []
    began = time.monotonic()
    for asker in askers:
        try:
            replies.append(_Reply(asker.question(reading)))
        except Exception as error:  # noqa: BLE001  (raised where it was asked)
            replies.append(_failed(error))
            close_old_connections()  # it may be the connection that failed
        if time.monotonic() - began > _HOP_SECONDS:
            break
    return replies, time.monotonic() - began


def _failed(error: Exception) -> _Reply:
    return _Reply(error=error, trace=error.__traceback__)


def _settle(asker: _Asker, reply: _Reply) -> None:
    if not asker.answer.done():  # whoever asked may have left
        asker.answer.set_result(reply)


_readings: "WeakKeyDictionary[asyncio.AbstractEventLoop, Readings]" = WeakKeyDictionary()


def current_readings() -> Readings:
    """Return the readings of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _readings.get(loop)
    if found is None:
        found = _readings[loop] = Readings()
    return found
