"""Waiting for what runs in other threads."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from liveops import registry
from liveops.models import LiveOperation
from liveops.runners import thread
from tests.integration.edge import DEADLINE


class Tally:
    """Counts what goes into the pool of the thread runner and what comes out."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._lock = threading.Lock()
        self._open = 0
        put = thread.Pool.put

        def counted(pool: thread.Pool, operation: LiveOperation) -> None:
            self.add(1)
            try:
                put(pool, operation)
            except BaseException:
                self.add(-1)
                raise

        patch.setattr(thread.Pool, "put", counted)
        patch.setattr(thread, "connections", self)

    def add(self, number: int) -> None:
        """Count."""
        with self._lock:
            self._open += number

    def close_all(self) -> None:
        """Stand in for the connections, which a thread of the pool closes after each run."""
        connections.close_all()
        self.add(-1)

    def settle(self) -> None:
        """Wait until everything that was handed to the pool is dealt with."""
        wait_for(lambda: not self._open and not registry.everything())


def wait_for(true: Callable[[], Any]) -> Any:
    """Return the first true answer; fail after the deadline."""
    pause = threading.Event()
    for _ in range(int(DEADLINE / 0.01)):
        if answer := true():
            return answer
        pause.wait(0.01)
    return pytest.fail("it took too long")


def ending(operation: LiveOperation) -> Any:
    """Return the operation as stored once it has ended."""

    def ended() -> Any:
        row = LiveOperation.objects.get(pk=operation.pk)
        over = row.finished_on is not None and registry.find(row.pk) is None
        return row.specific if over else None

    return wait_for(ended)
