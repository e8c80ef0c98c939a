"""What an event loop hears of the channel layer: the groups that it is a member of.

A layer may be away, or come back empty. Then nobody here fails: groups are joined as soon as they
can be, and whoever listens is told which ones may have missed something.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from liveops import outages
from liveops.layers import channel_layer

logger = logging.getLogger("liveops")

Take = Callable[[dict[str, Any]], None]

_ECHO = "liveop.echo"
# Less than the 5 seconds after which redis-py stops waiting for an answer, a message for example.
_ECHO_SECONDS = 3.0
_BREATH_SECONDS = 0.1
_LONGEST_RENEWAL = 3_600.0
_PATIENCE_SECONDS = 2.0
_RETRY_SECONDS = 1.0
_NEVER = float("-inf")


class Membership:
    """Joins groups, and takes what is sent to them, over one channel.

    Its methods raise nothing when the layer cannot be reached; :meth:`tend` makes up for it.

    Args:
        take: is called with each message; must not block, nor raise.
        missed: is called with a group that may have missed messages, once it is joined again.
    """

    def __init__(self, take: Take, missed: Callable[[str], None]) -> None:
        self._take = take
        self._missed = missed
        self._wanted: set[str] = set()
        self._joined: dict[str, float] = {}
        self._doubted: set[str] = set()
        self._channel: str | None = None
        self._listener: asyncio.Task[None] | None = None
        self._heard_at = time.monotonic()
        self._is_away = False
        self._echoed = asyncio.Event()
        self._lock = asyncio.Lock()

    async def join(self, group: str) -> None:
        """Take the messages of a group from now on, or from when the layer can be reached."""
        self._wanted.add(group)
        layer = channel_layer()
        if self._is_away:
            self._doubted.add(group)
        elif layer is not None:
            async with self._lock:
                if await self._open(layer) and group not in self._joined:
                    await self._add(layer, group)

    async def leave(self, group: str) -> None:
        """Take no more messages of a group."""
        self._wanted.discard(group)
        self._doubted.discard(group)
        if not self._wanted:
            outages.layer().forget(self)  # nobody here finds out when it is back
        was_joined = self._joined.pop(group, None) is not None
        layer = channel_layer()
        if layer is not None and self._channel is not None and was_joined and not self._is_away:
            await self._tried(layer.group_discard(group, self._channel))

    def has(self, group: str) -> bool:
        """Return whether a group is joined, or will be again when the layer is back."""
        return group in self._joined and group in self._wanted

    def is_sure_of(self, group: str) -> bool:
        """Return whether nothing that is sent to a group now is missed, as far as that is known."""
        return group in self._joined and group not in self._doubted and not self._is_away

    def doubts(self, group: str) -> bool:
        """Return whether messages of a group were missed, so that what comes now is out of order.

        It is to be dropped; ``missed`` is called before the next one that counts.
        """
        return group in self._doubted

    def doubt(self, group: str) -> None:
        """Have a group joined again: something was sent to it that was not heard here."""
        if self._joined.pop(group, None) is not None:
            self._doubted.add(group)

    async def tend(self) -> None:
        """Join what is not joined, and renew what the layer would forget; to be called often."""
        layer = channel_layer()
        if layer is None or not self._wanted:
            return
        async with self._lock:
            if await self._open(layer) and await self._is_there(layer):
                await self._renew(layer)

    async def _is_there(self, layer: Any) -> bool:
        """Return whether the layer answers; not asked while it is heard of anyway."""
        now = time.monotonic()
        if not self._is_away and now - self._heard_at < _ECHO_SECONDS:
            return True
        self._heard_at = now
        self._echoed.clear()
        if not await self._tried(layer.send(self._channel, {"type": _ECHO})):
            return False
        if self._is_away:
            # What can be sent need not be heard yet, over another connection perhaps.
            if not await self._tried(self._echoed.wait()):
                return False
            self._is_away = False
            self._joined.clear()
        return True

    async def _renew(self, layer: Any) -> None:
        # Layers forget a membership after a day, or after what they are told to.
        expiry = float(getattr(layer, "group_expiry", _LONGEST_RENEWAL))
        renew_before = time.monotonic() - min(expiry / 3, _LONGEST_RENEWAL)
        for group in sorted(self._wanted):
            if self._joined.get(group, _NEVER) > renew_before:
                continue
            if not await self._add(layer, group):
                return
        outages.layer().ends(self)

    async def _open(self, layer: Any) -> bool:
        """See to it that there is a channel and somebody who listens to it."""
        if self._channel is None:
            _hush(layer, self._lose)
            self._channel = await self._tried(layer.new_channel())
        if self._channel is None:
            return False
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen(self._channel))
        return True

    async def _add(self, layer: Any, group: str) -> bool:
        channel = self._channel
        if not await self._tried(layer.group_add(group, channel)):
            return False
        if group in self._wanted:
            self._joined[group] = time.monotonic()
        if group in self._doubted:
            self._doubted.discard(group)
            self._missed(group)
        return True

    async def _tried(self, call: Coroutine[Any, Any, Any]) -> Any:
        """Wait for a call of the layer; return its result, or True for none; None if it fails."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                result = await call
        except Exception as error:  # noqa: BLE001  (told once, and tried again)
            self._lose(error)
            return None
        return True if result is None else result

    def _lose(self, error: BaseException) -> None:
        self._is_away = True
        self._doubted |= self._wanted
        outages.layer().begins(self, error)
        logger.debug("liveops: the channel layer is away", exc_info=error)

    async def _listen(self, channel: str) -> None:
        while True:
            layer = channel_layer()
            if layer is None:
                return
            try:
                message = await layer.receive(channel)
            except Exception as error:  # noqa: BLE001  (told once, and tried again)
                if type(error).__name__ == "TimeoutError":  # of whatever library
                    # There was no message; whether the layer is away is for the echo to tell.
                    await asyncio.sleep(_BREATH_SECONDS)
                    continue
                self._lose(error)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self._heard_at = time.monotonic()
            if message.get("type") == _ECHO:
                self._echoed.set()
            else:
                self._take(message)
                await _let_writers_go_first()


async def _let_writers_go_first() -> None:
    """Have what was just sent leave before the layer is asked for more, which takes as long.

    Daphne's sockets are written to in the loop's next turn, after whatever is ready by then: so
    this one is ready once more, behind them.
    """
    await asyncio.sleep(0)
    await asyncio.sleep(0)


class _Hush(logging.Filter):
    """Keeps a library from telling every second that it cannot reach its server.

    Args:
        tell: is called with the error instead.
    """

    def __init__(self, tell: Callable[[BaseException], None]) -> None:
        super().__init__()
        self._tell = tell

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return True
        is_away = isinstance(error, OSError) or type(error).__module__.startswith("redis.")
        if is_away:
            self._tell(error)
        return not is_away


def _hush(layer: Any, tell: Callable[[BaseException], None]) -> None:
    """Have the outages of a layer that logs them by itself told once, like any other's."""
    module = type(layer).__module__
    if module == "channels_redis.pubsub":
        source = logging.getLogger(module)
        for known in list(source.filters):
            if isinstance(known, _Hush):
                source.removeFilter(known)
        source.addFilter(_Hush(tell))
