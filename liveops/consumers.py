"""The socket: one for each page, for any number of operations.

The wire format is described in docs/reference/wire.md.
"""

import asyncio
import json
import logging
import time
import uuid
from dataclasses import replace
from functools import partial
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import translation
from django.utils.translation import gettext as _

from liveops import protocol, rendering
from liveops.conf import get_settings
from liveops.guests import LongKnown
from liveops.hub import current_hub
from liveops.outbox import Outbox
from liveops.overview.following import Overviews
from liveops.protocol import BadFrameError
from liveops.reading import Watch
from liveops.readings import current_readings
from liveops.subscription import Subscription, look_up

logger = logging.getLogger("liveops")

_OUTBOX = 1_000
_WAITING = 100
_RATE = 20.0
_BURST = 200.0
_PATIENCE = 1_000
_FRESH_SECONDS = 2.0  # for which what the session's user was known by is as good as asked anew
# Not 1011: Daphne refuses to send a code that RFC 6455 does not leave to applications, and the
# socket would stay open with nobody writing to it.
_INTERNAL_ERROR = 4500
_POLICY_REFUSAL = 4403  # liveops.js does not connect again after this one


class LiveOperationConsumer(AsyncWebsocketConsumer):
    """Serves one socket: subscriptions in, frames out.

    Frames go through a bounded outbox, so that a slow reader holds up nobody else. A reader that
    falls too far behind loses the frames that wait and gets a new snapshot.
    """

    # The hub listens for all sockets of a process. The channel of its own that Channels would make
    # for each is one connection more, and takes the socket down when the layer is away.
    channel_layer_alias = "none of its own"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve until the socket is closed, or the server has had enough of it."""
        self._is_open = False
        try:
            await super().__call__(scope, receive, send)
        except (Exception, asyncio.CancelledError):
            # Without a disconnect(): this task may be cancelled again, and must not wait.
            if self._is_open:
                current_hub().run(self._part())
            raise

    async def connect(self) -> None:
        """Accept the socket; what it may see is decided for each subscription."""
        self._subscriptions: dict[str, Subscription] = {}
        self._behind: set[str] = set()
        self._reading = asyncio.Lock()
        self._allowance = _BURST
        self._counted_at = time.monotonic()
        self._refused = 0
        self._known_since = time.monotonic()
        self._outbox = Outbox(self.send, self._catch_up, self._fail)
        self._overviews = Overviews(self.scope.get("user"), self._outbox.put, self._is_behind)
        self._is_open = True
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Leave all groups and stop writing."""
        await self._part()

    async def _part(self) -> None:
        self._outbox.close()
        await self._overviews.close()
        while self._subscriptions:
            _, subscription = self._subscriptions.popitem()
            await current_hub().leave(subscription.group, self)

    # Channels' own classes differ in what they take, too.
    def send(  # type: ignore[override]
        self, text_data: str | None = None, bytes_data: bytes | None = None, close: Any = False
    ) -> Any:
        """Send a frame; a text goes to the server without the detours that Channels makes."""
        if text_data is None or close:
            return super().send(text_data, bytes_data, close)
        frame: Any = {"type": "websocket.send", "text": text_data}
        return self.base_send(frame)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take a frame from the page; whatever is wrong with it gets an answer."""
        if not self._within_rate():
            await self._refuse()
            return
        self._refused = 0
        try:
            request = protocol.parse(text_data)
        except BadFrameError as error:
            self._error(None, "bad_frame", str(error))
            return
        try:
            if isinstance(request, protocol.ViewRequest):
                self._overviews.take(request)
            elif request.action == "unsubscribe":
                await self._unsubscribe(request.op)
            else:
                await self._subscribe(request)
        except Exception:
            # Channels would drop the socket without a disconnect(), and the hub would keep it.
            logger.exception("liveops: a subscription failed; the socket is closed")
            await self._fail()

    async def _fail(self) -> None:
        await self.close(code=_INTERNAL_ERROR)

    async def _refuse(self) -> None:
        """Say once that there are too many requests, and close the socket of whoever goes on."""
        self._refused += 1
        if self._refused == 1:
            self._error(None, "rate_limited", _("Too many requests on this connection."))
        elif self._refused == _PATIENCE:
            await self.close(code=_POLICY_REFUSAL)

    def deliver(self, message: dict[str, Any]) -> None:
        """Take a message from the hub."""
        subscription = self._subscriptions.get(message["op"])
        if subscription is None:
            return
        if subscription.waiting is None:
            self._pass_on(subscription, message)
        elif len(subscription.waiting) < _WAITING:
            subscription.waiting.append(message)
        else:
            # Log lines are saved before they are sent: a snapshot read from now on has them.
            subscription.waiting.clear()
            self._need_snapshot(subscription)

    def compare(self, op: str, seq: int, state: str) -> None:
        """Have a snapshot sent if the database is ahead of what this socket was sent."""
        subscription = self._subscriptions.get(op)
        if subscription is None or subscription.waiting is not None:
            return
        if seq > subscription.seq or state != subscription.state:
            self._need_snapshot(subscription)

    def _need_snapshot(self, subscription: Subscription) -> None:
        # A snapshot is what the database has: frames that are not saved yet have to wait for it.
        self._behind.add(subscription.op)
        if subscription.waiting is None:
            subscription.waiting = []
        self._outbox.wake()

    def _pass_on(self, subscription: Subscription, message: dict[str, Any]) -> None:
        if message["seq"] <= subscription.seq:
            return  # included in the snapshot, or of an earlier run
        # Both are absent from a process of an older version.
        if message.get("chained") or message.get("after_gap"):
            # Where it leads depends on who watches, and what was lost is lost: the snapshot knows.
            self._need_snapshot(subscription)
            return
        if len(self._outbox.waiting) >= _OUTBOX:
            self._outbox.clear()
            for behind in self._subscriptions.values():
                behind.log_seq = None
                self._need_snapshot(behind)
            self._overviews.forget()
            return
        subscription.seq, subscription.state = message["seq"], message["state"]
        subscription.log_seq = message["log_seq"] or subscription.log_seq
        text = message["text"]
        if message["controls"] and subscription.watch.steers:
            text = self._with_controls(subscription, message)
        self._outbox.put(text)
        if message["finished"]:
            self._outbox.put(message["finished"])

    def _with_controls(self, subscription: Subscription, message: dict[str, Any]) -> str:
        watch, frame = subscription.watch, json.loads(message["text"])
        with translation.override(watch.language):
            frame["liveop_html"] += rendering.controls_fragment(
                watch.pk,
                message["state"],
                can_control=watch.can_control,
                can_debug=watch.can_debug,
                cancel_requested=message["cancel_requested"],
                resumes_with=message["resumes_with"],
            )
        return json.dumps(frame)

    async def _subscribe(self, request: protocol.Request) -> None:
        known = self._subscriptions.get(request.op)
        if known is None and len(self._subscriptions) >= get_settings().MAX_SUBSCRIPTIONS:
            self._error(request.op, "too_many", _("This page watches too many operations."))
            return
        subscription = known or Subscription(request.op, waiting=[])
        self._subscriptions[request.op] = subscription
        await current_hub().join(subscription.group, self)
        await self._send_snapshot(
            subscription, request.token, request.log_after, is_first=known is None
        )

    async def _send_snapshot(
        self, subscription: Subscription, token: str, log_after: int | None, *, is_first: bool
    ) -> None:
        # One at a time: frames that follow one snapshot must not stand before an older one.
        async with self._reading:
            if subscription.waiting is None:
                subscription.waiting = []
            self._behind.discard(subscription.op)
            pk = uuid.UUID(subscription.op)
            question = partial(look_up, pk, self._user(), token or subscription.token, log_after)
            # Whoever asks again may have missed what the readings do not know of, either.
            watch = await current_readings().ask(pk, question, anew=not is_first)
            if is_first and watch is not None and (log_after or 0) > watch.log_seq:
                # The page knows more than a reading that was kept for a crowd.
                watch = await current_readings().ask(pk, question, anew=True)
            if watch is None:
                await self._unsubscribe(subscription.op)
                detail = _("There is no such operation, or it is not yours.")
                self._error(subscription.op, "not_found", detail)
            elif self._subscriptions.get(subscription.op) is subscription:
                subscription.token = token or subscription.token
                self._show(subscription, watch)

    def _show(self, subscription: Subscription, watch: Watch) -> None:
        # The HTML is large, shared with others, and not needed again.
        subscription.watch = replace(watch, html="", encoded="", follow_up=(), chained=None)
        subscription.seq = watch.seq
        subscription.log_seq, subscription.state = watch.log_seq, watch.state
        current_hub().note_snapshot(subscription.group, watch.seq)
        head = {
            "op": subscription.op,
            "seq": watch.seq,
            "snapshot": True,
            "token": watch.token,
            "now": time.time(),
        }
        self._outbox.put(f'{json.dumps(head)[:-1]}, "liveop_html": {watch.encoded}}}')
        for text in watch.follow_up:
            self._outbox.put(text)
        if subscription.op in self._behind:
            return  # another one is due already
        waiting, subscription.waiting = subscription.waiting or [], None
        for message in waiting:
            self.deliver(message)

    async def _unsubscribe(self, op: str) -> None:
        subscription = self._subscriptions.pop(op, None)
        if subscription is not None:
            await current_hub().leave(subscription.group, self)

    def _error(self, op: str | None, code: str, detail: str) -> None:
        if len(self._outbox.waiting) < _OUTBOX:
            self._outbox.put(json.dumps({"op": op, "error": code, "detail": detail}))

    def _is_behind(self) -> bool:
        return len(self._outbox.waiting) >= _OUTBOX // 10

    async def _catch_up(self) -> bool:
        """Send one of the snapshots that are due; return whether there was one."""
        if not self._behind:
            return False
        subscription = self._subscriptions.get(self._behind.pop())
        if subscription is not None:
            await self._send_snapshot(subscription, "", subscription.log_seq, is_first=False)
        return True

    def _user(self) -> Any:
        user = self.scope.get("user")
        is_fresh = time.monotonic() - self._known_since < _FRESH_SECONDS
        return user if is_fresh else LongKnown(user)

    def _within_rate(self) -> bool:
        now = time.monotonic()
        self._allowance = min(_BURST, self._allowance + (now - self._counted_at) * _RATE)
        self._counted_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
