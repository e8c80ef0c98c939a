"""Tools for the tests of pages and sockets: people, sockets, and a run that does as told."""

import asyncio
import functools
import json
import queue
import threading
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import ExitStack
from itertools import count
from types import SimpleNamespace, TracebackType
from typing import Any, Self

from asgiref.sync import async_to_sync
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.db import connections

from liveops.progress import Progress
from liveops.progress.pumps import InlinePump
from liveops.protocol import SOCKET_PATH
from liveops.routing import websocket_urlpatterns
from liveops.runners.executor import execute
from tests.testapp.models import Scripted

DEADLINE = 10.0
"""Seconds after which a wait is a failure."""


def missing() -> SimpleNamespace:
    """Return something with the id of no operation."""
    return SimpleNamespace(pk=uuid.uuid4())


def person(name: str, *permissions: str, group: str = "", **fields: Any) -> User:
    """Return a new user with permissions such as ``liveops.view_liveoperation``."""
    user = User.objects.create_user(name, **fields)
    for permission in permissions:
        app_label, codename = permission.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app_label, codename=codename)
        )
    if group:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    return user


def asynchronous(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test on a loop of its own; its database calls happen on the test's thread."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async_to_sync(test)(*args, **kwargs)

    return run


class Socket:
    """A page's socket, opened by a user; use it in ``async with``."""

    def __init__(self, user: Any = None, application: Any = None) -> None:
        self._user = user or AnonymousUser()
        self.wire = WebsocketCommunicator(application or self._as_user, SOCKET_PATH)

    async def _as_user(self, scope: Any, receive: Any, send: Any) -> None:
        own: Any = {**scope, "user": self._user}
        await URLRouter(websocket_urlpatterns)(own, receive, send)

    async def __aenter__(self) -> Self:
        connected, _ = await self.wire.connect(timeout=DEADLINE)
        assert connected
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.wire.disconnect(timeout=DEADLINE)

    async def say(self, frame: Any) -> None:
        """Send a frame: text as it is, bytes as bytes, anything else as JSON."""
        part = {"bytes": frame} if isinstance(frame, bytes) else {"text": frame}
        if not isinstance(frame, str | bytes):
            part = {"text": json.dumps(frame)}
        await self.wire.send_input({"type": "websocket.receive", **part})

    async def hear(self) -> dict[str, Any]:
        """Return the next frame."""
        text = await self.wire.receive_from(timeout=DEADLINE)
        assert isinstance(text, str)
        frame: dict[str, Any] = json.loads(text)
        return frame

    async def hear_until(self, done: Callable[[dict[str, Any]], Any]) -> list[dict[str, Any]]:
        """Return the next frames up to the first that satisfies ``done``."""
        heard = [await self.hear()]
        while not done(heard[-1]):
            heard.append(await self.hear())
        return heard

    async def hear_rest(self) -> list[dict[str, Any]]:
        """Return the frames that were on their way already."""
        await self.say("no JSON")
        heard = await self.hear_until(lambda frame: frame.get("error") == "bad_frame")
        return heard[:-1]

    async def subscribe(self, operation: Any, **details: Any) -> dict[str, Any]:
        """Subscribe to an operation, or whatever has a ``pk``, and return the first answer."""
        await self.say({"subscribe": {"op": str(operation.pk), **details}})
        return await self.hear()


class HeldRun:
    """A run in another thread that does what the test says, step by step; use it in ``with``.

    Each call of ``do`` is shown at once: the clock of the pump runs far ahead of the throttle.
    What a step enters in ``blocks``, a stage say, is left when ``run()`` returns.
    """

    _by_pk: dict[Any, "HeldRun"] = {}

    def __init__(self, **fields: Any) -> None:
        Scripted.body = _do_as_told
        self.operation = Scripted.objects.create(**fields)
        self.blocks = ExitStack()
        self._by_pk[self.operation.pk] = self
        self._steps: queue.SimpleQueue[tuple[Any, Future[None]] | None] = queue.SimpleQueue()
        self._running = threading.Event()
        self._thread = threading.Thread(target=self._execute, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._running.wait(DEADLINE)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def do(self, step: Callable[[Progress], Any]) -> None:
        """Do something with the progress of the run, and return when it is done."""
        self._ask(step).result(DEADLINE)

    async def ado(self, step: Callable[[Progress], Any]) -> None:
        """Do the same from a test that is a coroutine."""
        await asyncio.wait_for(asyncio.wrap_future(self._ask(step)), DEADLINE)

    def end(self) -> None:
        """Let ``run()`` return, and wait until the run has ended."""
        self._steps.put(None)
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()

    async def aend(self) -> None:
        """Do the same from a test that is a coroutine."""
        await asyncio.to_thread(self.end)

    def serve(self, p: Progress) -> None:
        """Take the steps one by one, in the thread of the run."""
        self._running.set()
        with self.blocks:
            while (item := self._steps.get()) is not None:
                step, future = item
                try:
                    step(p)
                except BaseException as error:
                    shown = error if isinstance(error, Exception) else Exception(error)
                    future.set_exception(shown)
                    raise
                future.set_result(None)

    def _ask(self, step: Callable[[Progress], Any]) -> "Future[None]":
        future: Future[None] = Future()
        self._steps.put((step, future))
        return future

    def _execute(self) -> None:
        try:
            ahead = count(1e9)
            fresh = Scripted.objects.get(pk=self.operation.pk)
            execute(fresh, pump=InlinePump(clock=lambda: next(ahead)))
        finally:
            connections.close_all()


def _do_as_told(operation: Scripted, p: Progress) -> None:
    HeldRun._by_pk[operation.pk].serve(p)
