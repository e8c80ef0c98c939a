"""An in-memory channel layer that may be sent to from any thread.

The one that Channels ships wakes its receivers through ``asyncio.Queue``, which does not wake an
event loop of another thread: a message from a worker thread lies until that loop happens to
turn. This one hands every wake-up over to the receiver's own loop. Like the other, it joins the
parts of one process only; several processes need a layer such as channels_redis.
"""

import asyncio
import os
import random
import string
import threading
import time
from collections import deque
from copy import deepcopy
from typing import Any

from channels.exceptions import ChannelFull
from channels.layers import BaseChannelLayer, get_channel_layer

__all__ = ["InMemoryChannelLayer"]

_making = threading.RLock()


def channel_layer() -> BaseChannelLayer | None:
    """Return the project's channel layer, the same to every thread; None if it has none.

    Channels makes it when it is first asked for, and would make two if two threads asked at the
    same time: what is sent to one in memory is not heard by who listens to the other.
    """
    with _making:
        return get_channel_layer()


def _after_fork() -> None:
    # Another thread of the parent may have held it.
    global _making  # noqa: PLW0603
    _making = threading.RLock()


os.register_at_fork(after_in_child=_after_fork)

_Waiter = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]
_ALPHABET = string.ascii_letters + string.digits


class _Channel:
    """The messages of one channel with the times they expire at, and who waits for them."""

    __slots__ = ("messages", "waiters")

    def __init__(self) -> None:
        self.messages: deque[tuple[float, dict[str, Any]]] = deque()
        self.waiters: deque[_Waiter] = deque()

    def wake_one(self) -> None:
        """Wake one receiver on its own loop; a loop that is closed is passed over."""
        while self.waiters:
            loop, future = self.waiters.popleft()
            try:
                loop.call_soon_threadsafe(_resolve, future)
            except RuntimeError:
                continue
            return


class InMemoryChannelLayer(BaseChannelLayer):
    """The layer for one process: thread-safe, in order, bounded.

    Args:
        expiry: seconds after which a message that nobody received is dropped.
        group_expiry: seconds after which a membership ends unless it is renewed.
        capacity: most messages in one channel; what comes on top is dropped.
        channel_capacity: the same for channels by name pattern.
    """

    extensions = ("groups", "flush")

    def __init__(
        self,
        expiry: int = 60,
        group_expiry: int = 86_400,
        capacity: int = 10_000,
        channel_capacity: dict[Any, int] | None = None,
    ) -> None:
        super().__init__(expiry=expiry, capacity=capacity)
        compiled: Any = self.compile_capacities(channel_capacity or {})
        self.channel_capacity = compiled  # what get_capacity() reads, whatever its type says
        self.group_expiry = group_expiry
        self._channels: dict[str, _Channel] = {}
        self._groups: dict[str, dict[str, float]] = {}
        self._lock = threading.Lock()

    async def new_channel(self, prefix: str = "specific") -> str:
        """Return the name of a channel that nobody else has."""
        name = "".join(random.choices(_ALPHABET, k=20))  # noqa: S311  (a name, not a secret)
        return f"{prefix}.inmemory!{name}"

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Put a message into a channel.

        Args:
            channel: its name.
            message: what JSON could take; a copy is kept.

        Raises:
            ChannelFull: the channel holds as many messages as it may.
        """
        self.require_valid_channel_name(channel)
        with self._lock:
            if not self._put(channel, message):
                raise ChannelFull(channel)

    async def receive(self, channel: str) -> dict[str, Any]:
        """Return the oldest message of a channel, waiting for one if need be."""
        self.require_valid_channel_name(channel)
        loop = asyncio.get_running_loop()
        while True:
            with self._lock:
                queue = self._channels.setdefault(channel, _Channel())
                self._drop_expired(queue)
                if queue.messages:
                    return queue.messages.popleft()[1]
                future: asyncio.Future[None] = loop.create_future()
                queue.waiters.append((loop, future))
            try:
                await future
            except asyncio.CancelledError:
                with self._lock:
                    if (loop, future) in queue.waiters:
                        queue.waiters.remove((loop, future))
                    elif queue.messages:  # this wake-up was meant for whoever waits next
                        queue.wake_one()
                    if (
                        not queue.waiters
                        and not queue.messages
                        and self._channels.get(channel) is queue
                    ):
                        del self._channels[channel]
                raise

    async def group_add(self, group: str, channel: str) -> None:
        """Make a channel a member of a group, or renew its membership."""
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        with self._lock:
            self._groups.setdefault(group, {})[channel] = time.monotonic() + self.group_expiry

    async def group_discard(self, group: str, channel: str) -> None:
        """End a channel's membership."""
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        with self._lock:
            members = self._groups.get(group, {})
            members.pop(channel, None)
            if not members:
                self._groups.pop(group, None)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send a message to all members of a group; a full channel does not get it."""
        self.require_valid_group_name(group)
        now = time.monotonic()
        with self._lock:
            members = self._groups.get(group, {})
            for channel in [name for name, ends in members.items() if ends <= now]:
                del members[channel]
            for channel in members:
                self._put(channel, message)

    async def flush(self) -> None:
        """Forget all messages and groups."""
        with self._lock:
            for queue in self._channels.values():
                queue.messages.clear()
            self._groups.clear()

    async def close(self) -> None:
        """Forget everything; there is no connection to close."""
        await self.flush()

    def _put(self, channel: str, message: dict[str, Any]) -> bool:
        queue = self._channels.setdefault(channel, _Channel())
        if len(queue.messages) >= self.get_capacity(channel):
            self._drop_expired(queue)
            if len(queue.messages) >= self.get_capacity(channel):
                return False
        queue.messages.append((time.monotonic() + self.expiry, deepcopy(message)))
        queue.wake_one()
        return True

    def _drop_expired(self, queue: _Channel) -> None:
        now = time.monotonic()
        while queue.messages and queue.messages[0][0] <= now:
            queue.messages.popleft()


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
