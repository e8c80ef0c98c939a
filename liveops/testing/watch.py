"""``Watch``: a page's socket in a test, and what a watcher gets to see through it."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser

from liveops.progress.bridge import in_event_loop
from liveops.protocol import SOCKET_PATH
from liveops.routing import websocket_urlpatterns
from liveops.states import FINAL_STATES
from liveops.testing.commits import spared_connections
from liveops.testing.driver import Driver
from liveops.testing.frames import Frame

Wanted = str | Callable[[Frame], object]


class Watch:
    """Watches an operation as somebody's page does, through a real consumer.

    Write ``with Watch(op, user=user) as watch:`` in a plain test, ``async with`` in a coroutine,
    where :meth:`auntil` takes the place of :meth:`until`.

    Args:
        operation: the operation, or its id.
        user: who watches; nobody in particular if left out.
        token: what stands in for a session: of a page, or of a share link.
        application: the ASGI application that is asked; if left out, the package's own consumer,
            with ``user`` signed in.
        headers: pairs of bytes that are sent with the request, such as a cookie.
        deadline: seconds after which a wait has failed.

    Attributes:
        frames: what was received, in order.
        refused: the code of a refusal (``"not_found"``), or "".
    """

    def __init__(
        self,
        operation: Any,
        *,
        user: Any = None,
        token: str = "",
        application: Any = None,
        headers: Iterable[tuple[bytes, bytes]] = (),
        deadline: float = 10.0,
    ) -> None:
        self.frames: list[Frame] = []
        self.refused = ""
        self._op = str(getattr(operation, "pk", operation))
        self._user = AnonymousUser() if user is None else user
        self._token = token
        self._application = application or self._as_user
        self._headers = list(headers)
        self._deadline = deadline
        self._wire: WebsocketCommunicator | None = None
        self._driver: Driver | None = None
        self._stack = ExitStack()

    # Plain.

    def open(self) -> Self:
        """Open the socket and subscribe; the first answer is a snapshot, or a refusal."""
        if self._driver is None:
            if in_event_loop():
                raise RuntimeError("In a coroutine write 'async with Watch(…) as watch:'.")
            self._driver = Driver()
            try:
                self._driver.call(self.aopen())
            except BaseException:
                self.close()
                raise
        return self

    def close(self) -> None:
        """Close the socket."""
        if self._driver is not None:
            driver, self._driver = self._driver, None
            try:
                driver.call(self.aclose())
            finally:
                driver.close()

    def until(self, wanted: Wanted, deadline: float | None = None) -> Frame:
        """Wait until something was seen; what was seen before counts, too.

        Args:
            wanted: a state that the operation ends in, a text in any region, or a function that is
                called with each frame.
            deadline: seconds; those of the watch if left out.

        Raises:
            AssertionError: it was not seen in time; with all that was.
        """
        if self._driver is None:
            raise RuntimeError("Open the watch before you wait for something.")
        return self._driver.call(self.auntil(wanted, deadline))

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # In a coroutine.

    async def aopen(self) -> Self:
        """Do as :meth:`open`."""
        await sync_to_async(self._stack.enter_context)(spared_connections())
        wire = WebsocketCommunicator(self._application, SOCKET_PATH, headers=self._headers)
        self._wire = wire
        is_open, code = await wire.connect(timeout=self._deadline)
        if not is_open:
            self._wire, self.refused = None, f"closed with {code}"
            return self
        request = {"op": self._op} | ({"token": self._token} if self._token else {})
        await wire.send_to(text_data=json.dumps({"subscribe": request}))
        first = await self._next(self._deadline)
        if first is None:
            raise AssertionError(f"No answer came within {self._deadline:g} s.")
        return self

    async def aclose(self) -> None:
        """Do as :meth:`close`."""
        if self._wire is not None:
            wire, self._wire = self._wire, None
            await wire.disconnect(timeout=self._deadline)
        await sync_to_async(self._stack.close)()

    async def auntil(self, wanted: Wanted, deadline: float | None = None) -> Frame:
        """Do as :meth:`until`."""
        seconds = self._deadline if deadline is None else deadline
        ends, seen = time.monotonic() + seconds, 0
        while True:
            for frame in self.frames[seen:]:
                if _fits(frame, wanted):
                    return frame
                if problem := self._never(frame, wanted):
                    raise AssertionError(f"{problem}\n{self}")
            seen = len(self.frames)
            if await self._next(ends - time.monotonic()) is None:
                raise AssertionError(f"{_named(wanted)} was not seen in {seconds:g} s.\n{self}")

    async def __aenter__(self) -> Self:
        return await self.aopen()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    # What was seen.

    @property
    def lines(self) -> list[str]:
        """The log as the page shows it."""
        shown: list[str] = []
        for frame in self.frames:
            log = frame.regions.get("op-log")
            if log is not None and log.mode == "innerHTML":
                shown = []
            shown += frame.lines
        return shown

    @property
    def regions(self) -> dict[str, str]:
        """What each region said last; of the log, what came last."""
        return {name: text for frame in self.frames for name, text in frame.regions.items()}

    @property
    def state(self) -> str:
        """The state that the operation ended in, or "" as long as none was told."""
        ends = [frame.finished["state"] for frame in self.frames if frame.finished]
        return str(ends[-1]) if ends else ""

    def texts(self, region: str) -> list[str]:
        """Return what a region said, frame by frame.

        Args:
            region: its id, such as ``"op-status"``.
        """
        return [frame.regions[region] for frame in self.frames if region in frame.regions]

    def __str__(self) -> str:
        return "\n".join(["What was seen:", *map(str, self.frames)])

    async def _next(self, seconds: float) -> Frame | None:
        """Take the next frame; None if there was none in time."""
        if self._wire is None or seconds <= 0:
            return None
        message = await _received(self._wire, seconds)
        if message is None:
            return None
        if message["type"] != "websocket.send":
            raise AssertionError(f"The socket was closed with {message.get('code')}.\n{self}")
        text = message["text"]
        frame = Frame.decode(str(text))
        self.frames.append(frame)
        if frame.error:
            self.refused = frame.error
        return frame

    def _never(self, frame: Frame, wanted: Wanted) -> str:
        """Return why waiting has no sense any more, or ""."""
        if frame.error and frame.op in (None, self._op):
            return f"{_named(wanted)} will not be seen: {frame}."
        if frame.finished is not None and wanted in FINAL_STATES:
            return f"It has ended {frame.finished['state']}, not {wanted}."
        return ""

    async def _as_user(self, scope: Any, receive: Any, send: Any) -> None:
        own: Any = {**scope, "user": self._user}
        await URLRouter(websocket_urlpatterns)(own, receive, send)


async def _received(wire: Any, seconds: float) -> dict[str, Any] | None:
    """Return what the application sends next; None if that is nothing.

    Unlike a communicator's own way of waiting, this leaves the application alone when time is over.

    Raises:
        Exception: what the application has ended with.
    """
    getting = asyncio.ensure_future(wire.output_queue.get())
    try:
        await asyncio.wait(
            {getting, wire.future}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if getting.done():
            message: dict[str, Any] = getting.result()
            return message
    finally:
        getting.cancel()
    if wire.future.done():
        wire.future.result()
    return None


def _fits(frame: Frame, wanted: Wanted) -> bool:
    if callable(wanted):
        return bool(wanted(frame))
    if wanted in FINAL_STATES:
        return frame.finished is not None and frame.finished["state"] == wanted
    return any(wanted in text for text in frame.regions.values())


def _named(wanted: Wanted) -> str:
    return getattr(wanted, "__name__", "it") if callable(wanted) else repr(wanted)
