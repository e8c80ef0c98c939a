"""What waits to be sent over one socket, and the task that sends it.

Most sockets take a text at once. Then it is sent where it is put, and the task need not be woken:
its turn in the event loop would cost as much again as the text. A socket that makes it wait is
waited for by the task, together with all that is put meanwhile, so that nobody else is held up.
"""

import asyncio
import logging
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import copy_context
from types import CoroutineType
from typing import Any

logger = logging.getLogger("liveops")


_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 1.0

_Send = Callable[[str], Awaitable[None]]


def patient(send: _Send, is_full: Callable[[], bool] | None) -> _Send:
    """Return what sends a text as soon as there is room for it.

    Args:
        send: sends a text to a server that takes everything at once.
        is_full: whether that server holds more than it should be given; None for one that has
            whoever sends wait, so that nothing needs to be done.
    """
    if is_full is None:
        return send

    async def send_later(text: str) -> None:
        pause = _FIRST_PAUSE
        while is_full():  # nothing tells when it is not any more
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        await send(text)

    return lambda text: send_later(text) if is_full() else send(text)


class Outbox:
    """Sends texts in order, each as soon as the one before was taken.

    Args:
        send: sends a text; it may wait for a reader that is slow.
        then: is awaited when all is sent, again and again until it returns False, which means that
            there is nothing to do; :meth:`wake` has it asked again.
        fail: is awaited when the socket cannot be served any more.

    Attributes:
        waiting: the texts that wait, oldest first.
        size: how many characters they have.
        under_way: characters of the text that the reader has not taken yet; 0 if there is none.
        taken: how many texts the reader was waited for and has taken.
    """

    # There are as many as sockets: an empty deque, or an event, takes 760 bytes by itself.
    __slots__ = (
        *("_context", "_fail", "_is_closed", "_is_idle", "_loop", "_rest", "_send", "_task"),
        *("_then", "_wakeup", "size", "taken", "under_way", "waiting"),
    )

    def __init__(
        self,
        send: _Send,
        then: Callable[[], Awaitable[bool]],
        fail: Callable[[], Awaitable[None]],
    ) -> None:
        self._send = send
        self._then = then
        self._fail = fail
        self.waiting: list[str] = []
        self.size = self.under_way = self.taken = 0
        self._rest: _Rest | None = None
        self._is_idle = self._is_closed = False
        self._loop = asyncio.get_running_loop()
        self._wakeup: asyncio.Future[None] = self._loop.create_future()
        self._context = copy_context()
        self._task = self._loop.create_task(self._serve(), context=self._context)

    def put(self, text: str) -> None:
        """Send a text, now or later; never block."""
        if not self._is_idle:
            if not self._is_closed:
                self.waiting.append(text)
                self.size += len(text)
            return
        self._is_idle = False
        self._rest = self._begin(text)
        if self._rest is None and not self.waiting:
            self._is_idle = not self._is_closed
            return
        if self._rest is not None:
            self.under_way = len(text)
        self._wake_task()

    def clear(self) -> None:
        """Forget what waits."""
        self.waiting.clear()
        self.size = 0

    def drop(self, beginning: str) -> None:
        """Forget those of the texts that wait which begin with something."""
        kept = [text for text in self.waiting if not text.startswith(beginning)]
        self.waiting = kept
        self.size = sum(map(len, kept))

    def wake(self) -> None:
        """Have ``then`` asked again, once all is sent."""
        if self._is_idle:
            self._is_idle = False
            self._wake_task()

    def _wake_task(self) -> None:
        if not self._wakeup.done():  # it may have been cancelled just now
            self._wakeup.set_result(None)

    def close(self) -> None:
        """Send nothing more, and keep nothing."""
        self._is_idle, self._is_closed = False, True
        self.clear()
        self._task.cancel()

    def _begin(self, text: str) -> "_Rest | None":
        """Send a text as far as that goes without waiting; return what is left to wait for."""
        sending = self._send(text)
        coroutine: Coroutine[Any, Any, None] = (
            sending if isinstance(sending, CoroutineType) else _awaiting(sending)
        )
        # What is called knows no difference: it goes on in the same task as it began in.
        current = asyncio.current_task(self._loop)
        if current is not None:
            _leave_task(self._loop, current)
        _enter_task(self._loop, self._task)
        try:
            return _Rest(coroutine, self._context.run(coroutine.send, None))
        except StopIteration:
            return None
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  (the task raises it)
            return _Rest(_raising(error), None)
        finally:
            _leave_task(self._loop, self._task)
            if current is not None:
                _enter_task(self._loop, current)

    async def _serve(self) -> None:
        try:
            while True:
                while self.waiting:
                    text = self.waiting.pop(0)
                    self.under_way = len(text)
                    self.size -= self.under_way
                    await self._send(text)
                    self._note_taken()
                    del text  # it may be large, and long in nobody else's hands
                if await self._then() or self.waiting:
                    continue
                self._is_idle = True
                self._wakeup = self._loop.create_future()
                try:
                    await self._wakeup
                except asyncio.CancelledError as error:
                    if self._rest is None:
                        raise
                    self._rest.cancelled = error  # it is what began that has to know, first of all
                if self._rest is not None:
                    rest, self._rest = self._rest, None
                    await rest
                    self._note_taken()
        except Exception as error:
            if _says_that_nobody_is_there(error):
                logger.debug("liveops: the other end of a socket is gone (%s)", error)
                return
            # Without this task the page would stand still; closed, it connects again.
            logger.exception("liveops: a socket could not be served and is closed")
            await self._fail()
        finally:
            self._is_idle = False
            self.under_way = 0

    def _note_taken(self) -> None:
        self.under_way = 0
        self.taken += 1


def _says_that_nobody_is_there(error: Exception) -> bool:
    # Daphne's library has an error of its own for it; that of other servers is an OSError.
    kind = type(error)
    is_autobahns = kind.__module__ == "autobahn.exception" and kind.__name__ == "Disconnected"
    return is_autobahns or isinstance(error, OSError)


class _Rest:
    """A coroutine that began already: what is left of it can be awaited.

    Args:
        coroutine: what began.
        waits_for: what it yielded then.

    Attributes:
        cancelled: what it is to be told at once, instead of waiting.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for
        self.cancelled: asyncio.CancelledError | None = None

    def __await__(self) -> Generator[Any, Any, None]:
        coroutine, waits_for = self._coroutine, self._waits_for
        step: Callable[[Any], Any]
        while True:
            try:
                if self.cancelled is not None:
                    error, self.cancelled = self.cancelled, None
                    raise error
                sent = yield waits_for
            except BaseException as error:  # noqa: BLE001  (a cancellation, say: it is its affair)
                step, argument = coroutine.throw, error
            else:
                step, argument = coroutine.send, sent
            try:
                waits_for = step(argument)
            except StopIteration:
                return


async def _awaiting(sending: Awaitable[None]) -> None:
    await sending


async def _raising(error: BaseException) -> None:
    raise error
