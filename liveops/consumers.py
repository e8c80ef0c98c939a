"""The socket: one for each page, for any number of operations.

The wire format is described in docs/reference/wire.md.
"""

import asyncio
import logging
import time
from typing import Any, cast

from django.utils.translation import gettext as _

from liveops import protocol
from liveops.addresses import adopt_script_prefix
from liveops.hub import current_hub
from liveops.outbox import Outbox
from liveops.protocol import NOT_SERVED, POLICY_REFUSAL, TOO_MANY_SOCKETS, BadFrameError
from liveops.sockets import current_sockets
from liveops.watching import WatchingConsumer

logger = logging.getLogger("liveops")

_RATE = 20.0
_BURST = 200.0
_REQUESTS = 200  # that wait for their turn
_PATIENCE = 1_000
_CLOSE_SECONDS = 10.0


class LiveOperationConsumer(WatchingConsumer):
    """Serves one socket: takes its frames, within limits, until it is closed.

    Requests are carried out one after the other, beside the taking of frames: a server such as
    Daphne would keep what a page sends meanwhile, however much that is.
    """

    # The hub listens for all sockets of a process. The channel of its own that Channels would make
    # for each is one connection more, and takes the socket down when the layer is away.
    channel_layer_alias = "none of its own"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve until the socket is closed, or the server has had enough of it."""
        self._is_open = self._is_given_up = False
        self._serving = asyncio.current_task()
        try:
            await super().__call__(scope, receive, send)
        except (Exception, asyncio.CancelledError):
            if self._is_given_up and self._serving is not None and not self._serving.uncancel():
                return  # it was cancelled here, and by nobody else
            # Without a disconnect(): this task may be cancelled again, and must not wait.
            if self._is_open:
                current_hub().run(self._part())
            raise
        finally:
            self._serving = None

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Take what the server hands over; a frame without the detours that Channels makes.

        It would ask the thread for the database to close old connections each time, and wait for
        its turn there. Whatever asks the database here does that by itself.
        """
        if message["type"] == "websocket.receive":
            await self.websocket_receive(cast("Any", message))
        else:
            await super().dispatch(message)

    async def connect(self) -> None:
        """Accept the socket; what it may see is decided for each subscription."""
        adopt_script_prefix(self.scope.get("root_path", ""))
        self._requests: list[protocol.Request] = []  # few, and there are many sockets
        self._worker: asyncio.Task[None] | None = None
        self._allowance = _BURST
        self._counted_at = time.monotonic()
        self._refused = 0
        self._is_ending = False
        self._begin()
        self._is_open = True
        await self.accept()
        if not current_sockets().add(self):
            self._is_ending = True
            detail = _("You have too many pages open that are kept live. Close some of them.")
            await self.send(protocol.error_text(None, "too_many", detail))
            await self.close(code=TOO_MANY_SOCKETS)

    async def disconnect(self, code: int) -> None:
        """Leave all groups and stop writing."""
        await self._part()

    async def _part(self) -> None:
        self._is_ending = True
        current_sockets().remove(self)
        self._requests.clear()
        if self._worker is not None:
            self._worker.cancel()
        await self._end()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take a frame from the page; whatever is wrong with it gets an answer."""
        if self._is_ending:
            return
        if not self._within_rate() or len(self._requests) >= _REQUESTS:
            await self._refuse()
            return
        self._refused = 0
        try:
            request = protocol.parse(text_data)
        except BadFrameError as error:
            self._error(None, "bad_frame", str(error))
            return
        if isinstance(request, protocol.ViewRequest):
            self._overviews.take(request)
            return
        self._requests.append(request)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())

    async def _work(self) -> None:
        """Carry out what the page asked for."""
        try:
            await current_sockets().rechecks.listen()
            while self._requests:
                request = self._requests.pop(0)
                if request.action == "unsubscribe":
                    await self._unsubscribe(request.op)
                else:
                    await self._subscribe(request)
        except Exception:
            # Nobody else would hear of it, and the page would wait.
            logger.exception("liveops: a subscription failed; the socket is closed")
            await self._fail()
        finally:
            self._worker = None  # what is done keeps its memory as long as it is held

    @property
    def outbox(self) -> Outbox:
        """What waits to be sent."""
        return self._outbox

    @property
    def is_watching(self) -> bool:
        """Whether the socket watches anything, or has asked for something."""
        return bool(self._requests) or super().is_watching

    def end(self, code: int) -> None:
        """Close the socket, whatever becomes of what waits."""
        if not self._is_ending:
            self._is_ending = True
            current_hub().run(self._end_with(code))

    async def _end_with(self, code: int) -> None:
        await self._part()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.close(code=code)
        except Exception as error:
            logger.debug("liveops: a socket could not be closed", exc_info=error)
            # Nothing may ever be heard of it again: a server need not send pings.
            if self._serving is not None and not self._serving.done():
                self._is_given_up = True
                self._serving.cancel()

    async def _fail(self) -> None:
        await self.close(code=NOT_SERVED)

    async def _refuse(self) -> None:
        """Say once that there are too many requests, and close the socket of whoever goes on."""
        self._refused += 1
        if self._refused == 1:
            self._error(None, "rate_limited", _("Too many requests on this connection."))
        elif self._refused == _PATIENCE:
            await self.close(code=POLICY_REFUSAL)

    def _within_rate(self) -> bool:
        now = time.monotonic()
        self._allowance = min(_BURST, self._allowance + (now - self._counted_at) * _RATE)
        self._counted_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
