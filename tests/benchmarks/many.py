"""What it costs when many operations run at once in one process, and how late their frames are.

The real thread runner carries them out, with a thread for each. Each says something ten times a
second, at its own moments. The database is SQLite: while nothing begins or ends only the pump
writes, so nobody waits for another writer, and the work of the database counts as ours.
"""

import math
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from unittest.mock import patch

from django.conf import settings
from django.test import override_settings

from liveops import reaping_thread
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.update import Region, Update
from liveops.runners import thread
from liveops.runners.executor import execute
from liveops.runners.thread import ThreadRunner
from tests.benchmarks.measured import Measured
from tests.testapp.models import Scripted

HZ = 10.0
"""Calls a second and operation, and the most frames."""

_DEADLINE = 120.0


@dataclass
class Crowd:
    """Operations that run at once: what they cost, and how late they were shown.

    Attributes:
        cpu: milliseconds of CPU a second and operation, of the whole process.
        late: of each frame, by how many ticks it was late.
        frames: a second and operation.
        pumps: the threads that the frames came from.
    """

    cpu: float
    frames: float
    pumps: int
    late: list[float] = field(repr=False)

    def late_at(self, share: float) -> float:
        """Return by how many ticks a frame was late at most, of this share of all frames."""
        ordered = sorted(self.late)
        return ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1]


class LatenessSink:
    """Notes how late each frame with a status is, in ticks.

    A frame is due with the first call that it shows, but not before a tick has passed since the
    frame before it.

    Args:
        tick: the least seconds between two frames.
        clock: seconds, monotonic; a test passes its own.
    """

    def __init__(self, tick: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_noting = False
        self.late: list[float] = []
        self.threads: set[int] = set()
        self._tick = tick
        self._clock = clock
        self._calls: dict[uuid.UUID, deque[float]] = {}
        self._shown: dict[uuid.UUID, float] = {}

    def note_call(self, pk: uuid.UUID) -> float:
        """Note that an operation says something now; return the moment."""
        now = self._clock()
        self._calls.setdefault(pk, deque()).append(now)
        return now

    def emit(self, update: Update) -> None:
        """Take a frame whose status is the moment of the call."""
        pk, now = update.operation.pk, self._clock()
        last = self._shown.get(pk, 0.0)
        self._shown[pk] = now
        if Region.STATUS not in update.regions or not update.view.status_text:
            return
        calls, said_at = self._calls[pk], float(update.view.status_text)
        if not calls or calls[0] > said_at:
            return  # it shows what was shown before
        first = calls[0]
        while calls and calls[0] <= said_at:
            calls.popleft()
        if self.is_noting:
            self.threads.add(threading.get_ident())
            self.late.append(max(now - max(first, last + self._tick), 0.0) / self._tick)

    def close(self) -> None:
        """Nothing to release."""


def measure() -> list[Measured]:
    """Measure 20 and 200 operations, in turns."""
    few, many = best_of([20, 200], seconds=4.0, rounds=3)
    late, grown = many.late_at(0.99), max(few.late_at(0.99), 0.01)

    cost, frames = "CPU a second + operation, 200", "frames late (p99), 200 operations"
    return [
        Measured("many", "pump threads", many.pumps, "", "limit", 1, 1.0, is_count=True),
        Measured("many", cost, many.cpu, "ms", "limit", 5.0, 1.0),
        Measured("many", cost, many.cpu, "ms", "20 operations", few.cpu),
        Measured("many", frames, late, "ticks", "one tick", 1.0, 1.0),
        Measured("many", frames, late, "ticks", "20 operations", grown),
        Measured("many", "ticks, 200 operations", HZ, "a s", "frames", many.frames),
    ]


def best_of(sizes: list[int], *, seconds: float, rounds: int) -> list[Crowd]:
    """Return the best crowd of each size, the one that cost least; they take turns."""
    best: dict[int, Crowd] = {}
    for _ in range(rounds):
        for size in sizes:
            crowd = run_crowd(size, seconds)
            if size not in best or crowd.cpu < best[size].cpu:
                best[size] = crowd
    return [best[size] for size in sizes]


def run_crowd(size: int, seconds: float) -> Crowd:
    """Run operations at once for some seconds, and measure while all of them run."""
    sink = LatenessSink(1.0 / HZ)
    up, over = threading.Barrier(size + 1), threading.Event()
    numbers = iter(range(size))

    def talk(operation: Scripted, p: Progress) -> None:
        mine = next(numbers)
        up.wait(_DEADLINE)
        due = time.monotonic() + (mine / size) / HZ
        while not over.is_set():
            time.sleep(max(due - time.monotonic(), 0.0))  # what costs least: it counts as ours
            p.status(repr(sink.note_call(operation.pk)))
            due += 1.0 / HZ

    Scripted.body = talk
    with _runner(size, sink):
        operations = [Scripted.objects.create() for _ in range(size)]
        runner = ThreadRunner()
        for operation in operations:
            runner.enqueue(operation)
        up.wait(_DEADLINE)
        threading.Event().wait(0.5)  # the first frames of all at once are not what is measured
        sink.is_noting = True
        began, cpu = time.monotonic(), time.process_time()
        threading.Event().wait(seconds)
        cpu, took = time.process_time() - cpu, time.monotonic() - began
        sink.is_noting = False
        over.set()
        _until_ended(size)
    share = took * size
    return Crowd(1_000 * cpu / share, len(sink.late) / share, len(sink.threads), sink.late)


@contextmanager
def _runner(size: int, sink: LatenessSink) -> Iterator[None]:
    """Have a thread runner with a pool of its own, whose operations are shown in the sink too."""
    options = {**settings.LIVEOPS, "RUNNER_THREADS": size, "THROTTLE_HZ": HZ}
    with (
        override_settings(LIVEOPS=options),
        patch.object(thread, "_pool", thread.Pool()),
        patch.object(thread, "execute", partial(execute, sinks=[sink])),
        patch.object(reaping_thread, "start", lambda: None),
    ):
        yield


def _until_ended(size: int) -> None:
    deadline, pause = time.monotonic() + _DEADLINE, threading.Event()
    running = LiveOperation.objects.filter(finished_on=None)
    while running.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{running.count()} of {size} operations did not end.")
        pause.wait(0.1)
