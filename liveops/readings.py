"""Questions about one operation that come at once share one reading.

A snapshot may only go to a socket that joined the operation's group before the reading of it began,
or frames between the two would be lost. So whoever asks while a reading is under way waits for the
next one, together with all who asked meanwhile.

But as long as nothing new was heard of the operation there is nothing between the two, and the last
reading is as good as the next one: it is kept for the rest of the crowd that comes.
"""

import asyncio
import math
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.db import close_old_connections

from liveops.hub import PREFIX, current_hub
from liveops.reading import Reading

T = TypeVar("T")

_HOP_SECONDS = 0.05  # others want the thread that reads the database, too
_REST = 2  # times what an operation's reading and rendering took, so that a crowd gathers meanwhile
_LONGEST_REST = 0.25
_KEPT_SECONDS = 1.0  # after the last question
_LONGEST_KEPT_SECONDS = 10.0
_RENEWED_SECONDS = 2.0  # a change of its owner, say, has no frame that would tell of it


@dataclass(slots=True, eq=False)
class _Asker:
    """A question, and who waits for the answer."""

    question: Callable[[Reading], Any]
    answer: "asyncio.Future[_Reply]"
    anew: bool


@dataclass(slots=True, eq=False)
class _Kept:
    """A reading that may serve whoever asks next.

    Attributes:
        reading: the reading.
        version: of the operation, when the reading began.
        began_at: seconds of the loop's clock; ``asked_at`` is when the last question was answered,
            and ``renewed_at`` when it was read last who may see the operation.
    """

    reading: Reading
    version: int
    began_at: float
    asked_at: float
    renewed_at: float


@dataclass(frozen=True, slots=True)
class _Reply:
    """What a question gave: a result, or an error that several may have to raise."""

    result: Any = None
    error: Exception | None = None
    trace: TracebackType | None = None


class Readings:
    """The readings of one event loop: of each operation one at a time.

    Args:
        version: tells of an operation whether anything new is known of it; see
            :meth:`liveops.hub.Hub.version`.
    """

    def __init__(self, version: Callable[[uuid.UUID], int | None] = lambda pk: None) -> None:
        self._version = version
        self._askers: dict[uuid.UUID, list[_Asker]] = {}
        self._kept: dict[uuid.UUID, _Kept] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._rights_changed_at = -math.inf

    def renew(self) -> None:
        """Have those who ask from now on judged by what is stored then: rights have changed."""
        self._rights_changed_at = asyncio.get_running_loop().time()

    async def ask(
        self, pk: uuid.UUID, question: Callable[[Reading], T], *, anew: bool = False
    ) -> T:
        """Return the answer to a question, from a reading that knows all that was heard till now.

        Args:
            pk: the operation.
            question: is called with the reading, in the thread for the database.
            anew: whether the reading has to begin from now on.

        Raises:
            Exception: whatever the question raises.
        """
        asker = _Asker(question, asyncio.get_running_loop().create_future(), anew)
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
        rest, is_crowd = 0.0, len(askers) > 1
        kept = self._kept_for(pk, askers)
        reading, version = (kept.reading, None) if kept else (Reading(pk), self._version(pk))
        began_at = asyncio.get_running_loop().time()
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
        if version is not None and reading.is_sound:
            kept = _Kept(reading, version, began_at, began_at, began_at)
        if kept is not None:
            self._keep(pk, kept)
        return rest

    def _kept_for(self, pk: uuid.UUID, askers: Sequence[_Asker]) -> _Kept | None:
        """Return the reading that these may share with others before them, if there is one."""
        kept, now = self._kept.pop(pk, None), asyncio.get_running_loop().time()
        if kept is None or any(asker.anew for asker in askers):
            return None
        is_old = now - kept.asked_at > _KEPT_SECONDS or now - kept.began_at > _LONGEST_KEPT_SECONDS
        if is_old or kept.version != self._version(pk):
            return None
        if now - kept.renewed_at > _RENEWED_SECONDS or kept.renewed_at <= self._rights_changed_at:
            kept.renewed_at = now
            kept.reading.renew()
        return kept

    def _keep(self, pk: uuid.UUID, kept: _Kept) -> None:
        loop = asyncio.get_running_loop()
        kept.asked_at = loop.time()
        self._kept[pk] = kept
        loop.call_later(_KEPT_SECONDS, self._forget, pk, kept, kept.asked_at)

    def _forget(self, pk: uuid.UUID, kept: _Kept, asked_at: float) -> None:
        if self._kept.get(pk) is kept and kept.asked_at == asked_at:
            del self._kept[pk]


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
        version = current_hub().version
        found = _readings[loop] = Readings(lambda pk: version(f"{PREFIX}{pk}"))
    return found
