"""Calling synchronous code on the thread that a run started on, also from its event loop.

An ``async def run`` is driven by asgiref's ``async_to_sync``: its coroutine runs on a loop in
another thread while the run's own thread waits and serves calls. Stage boundaries use the
database, which belongs to the run's own thread, so they are sent there and waited for.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar

from asgiref.sync import AsyncToSync

T = TypeVar("T")


def in_event_loop() -> bool:
    """Return whether this thread is running an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def call_at_home(function: Callable[[], T]) -> T:
    """Call the function where the database may be used, wait, and return its result.

    In a thread without a running event loop that is right here; elsewhere the context goes with it,
    with the language and the span that are current.
    """
    if not in_event_loop():
        return function()
    loop = asyncio.get_running_loop()
    home: Executor | None = getattr(AsyncToSync.executors, "current", None)
    home = home or AsyncToSync.loop_thread_executors.get(loop)
    if home is not None:
        return home.submit(contextvars.copy_context().run, function).result()
    with ThreadPoolExecutor(max_workers=1) as helper:  # a loop that asgiref did not start
        return helper.submit(contextvars.copy_context().run, function).result()
