"""What a socket does with frames: subscriptions in, snapshots and frames out, in order.

The connection itself, and who may have one, is the affair of ``liveops.consumers``.
"""

import asyncio
import json
import time
import uuid
from dataclasses import replace
from functools import partial
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import AnonymousUser
from django.utils import translation
from django.utils.translation import gettext as _

from liveops import backpressure, protocol, rendering
from liveops.access import Grant
from liveops.conf import get_settings
from liveops.guests import LongKnown
from liveops.hub import current_hub
from liveops.outbox import Outbox, patient
from liveops.overview.following import Overviews
from liveops.protocol import POLICY_REFUSAL
from liveops.reading import Watch
from liveops.readings import current_readings
from liveops.rechecking import NOBODY, Identity, Question, Verdict
from liveops.server_send import for_frames
from liveops.sockets import current_sockets
from liveops.subscription import Subscription, look_up

_OUTBOX = 1_000  # texts that wait for a reader
_OUTBOX_SIZE = 1_048_576  # characters of them, and a snapshot may come on top
_WAITING = 100
_REFUSAL_SECONDS = 0.1  # until a refusal is told
_FRESH_SECONDS = 2.0  # for which what the session's user was known by is as good as asked anew
_LONG_AGO = float("-inf")


class WatchingConsumer(AsyncWebsocketConsumer):
    """The subscriptions of one socket.

    Frames go through a bounded outbox, so that a slow reader holds up nobody else. A reader that
    falls too far behind loses the frames that wait and gets a new snapshot.
    """

    def _begin(self) -> None:
        """Make ready for subscriptions, before the socket is accepted."""
        user: Any = self.scope.get("user")
        self.identity = self._present = Identity.of(self.scope)
        self._subscriptions: dict[str, Subscription] = {}
        self._behind: set[str] = set()
        self._reading = asyncio.Lock()
        self._known_since = time.monotonic()
        self._current_user = user
        self._send_frame = for_frames(self.base_send)
        send = patient(self.send, backpressure.fullness(self.base_send))
        self._outbox = Outbox(send, self._catch_up, self._fail)
        self._overviews = Overviews(user, self._outbox.put, self._is_behind)

    async def _end(self) -> None:
        """Send nothing more, and leave all groups."""
        self._outbox.close()
        self._behind.clear()
        await self._overviews.close()
        while self._subscriptions:
            _, subscription = self._subscriptions.popitem()
            await current_hub().leave(subscription.group, self)

    async def _fail(self) -> None:
        """Close the socket, for it cannot be served."""
        raise NotImplementedError

    @property
    def is_watching(self) -> bool:
        """Whether the socket watches anything, or has asked for something."""
        return bool(self._subscriptions) or self._overviews.follows_any

    def end(self, code: int) -> None:
        """Close the socket, whatever becomes of what waits."""
        raise NotImplementedError

    # Channels' own classes differ in what they take, too.
    def send(  # type: ignore[override]
        self, text_data: str | None = None, bytes_data: bytes | None = None, close: Any = False
    ) -> Any:
        """Send a frame; a text goes to the server without the detours that Channels makes."""
        if text_data is None or close:
            return super().send(text_data, bytes_data, close)
        frame: Any = {"type": "websocket.send", "text": text_data}
        return self._send_frame(frame)

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
        if len(self._outbox.waiting) >= _OUTBOX or self._outbox.size > _OUTBOX_SIZE:
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
        if self._outbox.size > _OUTBOX_SIZE:
            # Snapshots are large: who does not read gets no further one.
            subscription.token = request.token or subscription.token
            subscription.log_seq = request.log_after
            self._need_snapshot(subscription)
            return
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
            rechecks = current_sockets().rechecks
            news_heard, began = rechecks.news_heard, time.monotonic()
            pk = uuid.UUID(subscription.op)
            question = partial(look_up, pk, self._user(), token or subscription.token, log_after)
            # Whoever asks again may have missed what the readings do not know of, either.
            watch = await current_readings().ask(pk, question, anew=not is_first)
            if is_first and watch is not None and (log_after or 0) > watch.log_seq:
                # The page knows more than a reading that was kept for a crowd.
                watch = await current_readings().ask(pk, question, anew=True)
            if watch is None:
                # Whether a reading was at hand, or there is nothing to read, is not to be measured.
                await asyncio.sleep(began + _REFUSAL_SECONDS - time.monotonic())
            if self._subscriptions.get(subscription.op) is not subscription:
                return  # it has ended meanwhile
            if watch is None:
                await self._unsubscribe(subscription.op)
                self._say_not_found(subscription.op)
            else:
                subscription.token = token or subscription.token
                self._show(subscription, watch)
                if news_heard != rechecks.news_heard:
                    rechecks.ask(self)  # it may have been judged by what held before

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

    def question(self, *, is_over: bool) -> Question:
        """Return what is to be asked for this socket."""
        # What was not answered yet is judged anyway, by the reading that is under way.
        known = [one for one in self._subscriptions.values() if one.state]
        return Question(self._present, is_over, tuple((one.op, one.token) for one in known))

    def judged(self, question: Question, verdict: Verdict) -> None:
        """Take note of what holds now; what is not allowed any more ends at once."""
        self._known_since = _LONG_AGO
        if verdict.is_nobody and question.identity is self._present:
            self._present, self._current_user = NOBODY, AnonymousUser()
            self._overviews.refuse()
        for (op, token), grant in zip(question.watched, verdict.grants, strict=True):
            subscription = self._subscriptions.get(op)
            if subscription is None or subscription.token != token:
                continue  # it has ended, or was asked for anew
            if grant is None:
                self._drop(subscription)
                continue
            if grant.kind == "page":  # good for as long as the page stays open
                subscription.token = grant.token
            if subscription.waiting is None and not _is_same(grant, subscription.watch):
                self._need_snapshot(subscription)
        if verdict.is_nobody and not self.is_watching:
            self.end(POLICY_REFUSAL)

    def _drop(self, subscription: Subscription) -> None:
        """End a subscription, and with it what waits to be sent of it."""
        op = subscription.op
        del self._subscriptions[op]
        self._behind.discard(op)
        self._outbox.drop(f'{{"op": "{op}"')
        hub = current_hub()
        hub.run(hub.leave(subscription.group, self))
        self._say_not_found(op)

    def _say_not_found(self, op: str) -> None:
        self._error(op, "not_found", _("There is no such operation, or it is not yours."))

    async def _unsubscribe(self, op: str) -> None:
        subscription = self._subscriptions.pop(op, None)
        if subscription is not None:
            await current_hub().leave(subscription.group, self)

    def _error(self, op: str | None, code: str, detail: str) -> None:
        if len(self._outbox.waiting) < _OUTBOX and self._outbox.size <= _OUTBOX_SIZE:
            self._outbox.put(protocol.error_text(op, code, detail))

    def _is_behind(self) -> bool:
        outbox = self._outbox
        return len(outbox.waiting) >= _OUTBOX // 10 or outbox.size > _OUTBOX_SIZE

    async def _catch_up(self) -> bool:
        """Send one of the snapshots that are due; return whether there was one."""
        if not self._behind:
            return False
        subscription = self._subscriptions.get(self._behind.pop())
        if subscription is not None:
            await self._send_snapshot(subscription, "", subscription.log_seq, is_first=False)
        return True

    def _user(self) -> Any:
        is_fresh = time.monotonic() - self._known_since < _FRESH_SECONDS
        return self._current_user if is_fresh else LongKnown(self._current_user)


def _is_same(grant: Grant, watch: Watch) -> bool:
    """Return whether a watcher may do what the page was rendered for."""
    return (grant.can_control, grant.can_debug) == (watch.can_control, watch.can_debug)
