"""Sending to the channel layer from any thread, over one event loop that stays open.

``async_to_sync`` would open a loop, and with Redis a connection, for each call. Frames leave in
order, by a thread of the sender's own or by one that sends directly (:mod:`liveops.sinks.direct`).
While the layer fails they wait, the oldest give way when there are too many, and one line in the
log says so at the start and at the end of the trouble. Of many that wait for one operation only the
last is sent then.
"""

import asyncio
import logging
import os
import threading
from collections import Counter, deque
from typing import Any

from liveops import outages
from liveops.layers import channel_layer
from liveops.sinks.direct import direct_sender

logger = logging.getLogger("liveops")

_BOUND = 10_000
_REPLAYED = 50  # half of what fits into a channel of Redis by default
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0


class Sender:
    """A daemon thread with an event loop that sends what other threads hand over.

    Args:
        bound: most messages that wait while the layer cannot be reached.
    """

    def __init__(self, bound: int = _BOUND) -> None:
        self.dropped = 0
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()
        self._bound = bound
        self._lock = threading.Lock()
        self._going_directly = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Event | None = None

    def send(self, group: str, message: dict[str, Any]) -> None:
        """Hand over a message for a group; returns at once, unless this thread sends directly."""
        direct = direct_sender()
        if direct is None:
            self._send_soon(group, message)
            return
        with self._going_directly:  # and not past those that wait
            if self._waiting or not direct.send(group, message):
                self._send_soon(group, message)

    def _send_soon(self, group: str, message: dict[str, Any]) -> None:
        with self._lock:
            if len(self._waiting) >= self._bound:
                self.dropped += bool(self._waiting.popleft()[0])  # a flush's marker is no frame
            is_busy = bool(self._waiting)  # it looks again before it sleeps
            self._waiting.append((group, message))
            loop, work = self._ensure_loop()
        if not is_busy:
            loop.call_soon_threadsafe(work.set)

    def flush(self, timeout: float) -> bool:
        """Wait until all is sent; False if that took longer than ``timeout`` seconds."""
        if not self._going_directly.acquire(timeout=timeout):
            return False
        self._going_directly.release()  # what the layer did not take waits with the others now
        with self._lock:
            if self._loop is None:
                return True
            loop = self._loop
        done = asyncio.run_coroutine_threadsafe(self._drained(), loop)
        try:
            done.result(timeout)
        except TimeoutError:
            done.cancel()
            return False
        return True

    def _ensure_loop(self) -> tuple[asyncio.AbstractEventLoop, asyncio.Event]:
        if self._loop is None or self._work is None:
            self._loop = asyncio.new_event_loop()
            self._work = asyncio.Event()
            threading.Thread(
                target=self._run, args=(self._loop, self._work), name="liveops-sender", daemon=True
            ).start()
        return self._loop, self._work

    def _run(self, loop: asyncio.AbstractEventLoop, work: asyncio.Event) -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(self._serve(work))

    async def _serve(self, work: asyncio.Event) -> None:
        pause, told = 0.0, 0
        while True:
            await work.wait()
            work.clear()
            while self._waiting:
                group, message = self._waiting[0]
                try:
                    if group:
                        await _send(group, message)
                    else:
                        message["reached"].set()
                except Exception as error:
                    outages.layer().begins(self, error)
                    logger.debug("liveops: a frame waits to be sent", exc_info=error)
                    pause = min(pause * 2 or _FIRST_PAUSE, _LONGEST_PAUSE)
                    await asyncio.sleep(pause)
                    continue
                with self._lock:
                    if self._waiting and self._waiting[0][1] is message:
                        self._waiting.popleft()
                if pause and group:
                    pause, lost = 0.0, self.dropped - told
                    told += lost
                    self._thin_out(has_lost=lost > 0)
                    outages.layer().ends(self)
                    if lost:
                        logger.warning("liveops: %d frames were lost meanwhile", lost)

    def _thin_out(self, *, has_lost: bool) -> None:
        """Leave only the last frame of each group for which many wait.

        So many at once do not fit into the channels of watchers. The last one says that it comes
        after a gap, which whoever takes it makes up for from the database.
        """
        with self._lock:
            counts = Counter(group for group, _ in self._waiting)
            last = dict(self._waiting)
            kept: deque[tuple[str, dict[str, Any]]] = deque()
            for group, message in self._waiting:
                is_crowded = bool(group) and counts[group] > _REPLAYED
                if group and message is last[group] and (is_crowded or has_lost):
                    kept.append((group, {**message, "after_gap": True}))
                elif not is_crowded:
                    kept.append((group, message))
            self._waiting = kept

    async def _drained(self) -> None:
        # A marker behind everything that waits now; the loop that sends sets it in its turn.
        reached = asyncio.Event()
        with self._lock:
            self._waiting.append(("", {"reached": reached}))
        if self._work is not None:
            self._work.set()
        await reached.wait()


async def _send(group: str, message: dict[str, Any]) -> None:
    layer = channel_layer()
    if layer is not None:
        await layer.group_send(group, message)


_sender = Sender()


def sender() -> Sender:
    """Return the sender of this process."""
    return _sender


def _after_fork() -> None:
    global _sender  # noqa: PLW0603
    _sender = Sender()


os.register_at_fork(after_in_child=_after_fork)
