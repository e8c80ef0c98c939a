"""Stand-ins for the parts that a unit test leaves out."""

import threading
import uuid
from types import SimpleNamespace
from typing import Any

from liveops.progress.throttle import Throttle
from tests.unit.helpers import Bell, Clock

INTERVAL = 0.1
"""Seconds between two frames of a fake run."""


class FakeRun:
    """Stands where a run would, and counts what pumps ask of it."""

    def __init__(self, clock: Clock | None = None, alias: str = "default") -> None:
        self.run_id = uuid.uuid4()
        self.pk = uuid.uuid4()
        self.alias = alias
        self.throttle = Throttle(INTERVAL)
        self.state = SimpleNamespace(announced=False, alarm=False)
        self.clock = clock or Clock()
        self.due = float("inf")
        self.error: Exception | None = None
        self.bell = Bell()
        self.served = 0
        self.threads: set[str] = set()
        self.flushed: list[float] = []
        self.looked: list[float] = []
        self.flags: list[Any] = []

    def due_at(self) -> float:
        return 0.0 if self.state.announced else self.due

    def serve(self, now: float) -> None:
        self.served += 1
        self.threads.add(threading.current_thread().name)
        self.state.announced = False
        self.bell.ring()
        if self.error is not None:
            raise self.error

    def flush(self) -> None:
        self.flushed.append(self.clock())
        self.throttle.mark(self.clock())

    def look_at_flags(self) -> None:
        self.looked.append(self.clock())

    def take_flags(self, flags: Any) -> None:
        self.flags.append(flags)

    def wait_until_served(self, times: int) -> None:
        assert self.bell.wait_for(lambda: self.served >= times)
