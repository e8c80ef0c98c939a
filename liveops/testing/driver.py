"""An event loop for a plain test: it goes on while the test waits, and stands still otherwise.

Synchronous code that coroutines call, which asks the database, is carried out in the test's own
thread, where it sees what the test has written and not committed.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import AsyncToSync

from liveops.testing.commits import spared_connections

P = ParamSpec("P")
T = TypeVar("T")


class _Desk(Executor):
    """Carries out calls in the thread that serves it."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Have a function called."""
        future: Future[T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001  (belongs to whoever waits)
                future.set_exception(error)
            else:
                future.set_result(result)

        self._calls.put(call)
        return future

    def serve(self, end: "Future[Any]") -> None:
        """Carry out calls until something has ended."""
        end.add_done_callback(lambda _: self._calls.put(None))
        while not end.done():
            if (call := self._calls.get()) is not None:
                call()


class Driver:
    """Drives coroutines from plain code, all on one loop; to be closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._desk = _Desk()
        executors: dict[Any, Any] = AsyncToSync.loop_thread_executors
        executors[self._loop] = self._desk

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine returns."""
        end: Future[T] = Future()

        def drive() -> None:
            try:
                result = self._loop.run_until_complete(coroutine)
            except BaseException as error:  # noqa: BLE001  (belongs to the caller)
                end.set_exception(error)
            else:
                end.set_result(result)

        thread = threading.Thread(target=drive, name="liveops-test-loop", daemon=True)
        thread.start()
        with spared_connections():
            self._desk.serve(end)
        thread.join()
        return end.result()

    def close(self) -> None:
        """End what still runs on the loop, and the loop."""
        try:
            self.call(_cancel_others())
            self.call(self._loop.shutdown_asyncgens())
        finally:
            AsyncToSync.loop_thread_executors.pop(self._loop, None)
            self._loop.close()


async def _cancel_others() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
