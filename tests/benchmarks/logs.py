"""What a flood of log lines costs: the caller, the machine, the database, and the memory.

More lines are written than are kept, as fast as a loop can, while the pump renders and stores.
Times are those of processors, for what else the machine does is no part of them.
"""

import io
import logging
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.db import transaction
from django.test import override_settings

from liveops.conf import get_settings
from liveops.models import LogLine
from liveops.progress import Progress
from liveops.progress.pumps import threaded_pump
from liveops.progress.update import Update
from liveops.runners.executor import execute
from liveops.sinks.text import TextSink
from liveops.states import State
from tests.benchmarks.measured import Measured
from tests.testapp.models import Scripted

BOUND = 20_000
LINES = 200_000
MANY_LINES = 2_000_000
ROUNDS = 2
TEXT = "a line of the log, as long as most of them are: {}"


@dataclass(frozen=True)
class Flood:
    """What became of a flood.

    Attributes:
        own: nanoseconds of the caller, for each line.
        accepting: nanoseconds of all threads while the lines were written, for each line.
        storing: nanoseconds of all threads after that, for each line that is stored.
        kept: how many of the last lines that a log may have are stored under their true numbers.
        told: how many lines the sinks were given or told of.
        memory: the most bytes that the process took while it lasted.
    """

    own: float
    accepting: float
    storing: float
    kept: int
    told: int
    memory: int


class Scale:
    """A sink that weighs the process, and counts the lines."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.most = self.told = 0

    def emit(self, update: Update) -> None:
        """Weigh and count."""
        self.most = max(self.most, self._process.memory_info().rss)
        self.told += sum(missing + 1 for missing, _ in update.log())

    def close(self) -> None:
        """Weigh a last time."""
        self.most = max(self.most, self._process.memory_info().rss)


@override_settings(LIVEOPS={**settings.LIVEOPS, "LOG_LINES": BOUND})
def measure() -> list[Measured]:
    """Measure floods beside a log file and bare rows, in turns, then one ten times as long."""
    flood(1_000)  # what is loaded at the first run is no growth
    files, bare, floods = [], [], []
    for _ in range(ROUNDS):
        files.append(_log_file(LINES))
        floods.append(flood(LINES))
        bare.append(_bare_rows(BOUND))
    once, long = max(one.memory for one in floods) / 2**20, flood(MANY_LINES)

    own = min(one.own for one in floods)
    accepting, storing = min(one.accepting for one in floods), min(one.storing for one in floods)
    kept = min(one.kept for one in (*floods, long))
    untold = MANY_LINES - long.told
    name, memory = "log() a line, in a flood", "most memory, 2,000,000 lines"

    def count(name: str, value: float, against: str, base: float) -> Measured:
        return Measured("logs", name, value, "lines", against, base, 1.0, is_count=True)

    return [
        Measured("logs", name, own, "ns", "2 µs of the caller", 2_000.0, 1.0),
        Measured("logs", name, accepting, "ns", "200,000 a second", 5_000.0, 1.0),
        Measured("logs", name, accepting, "ns", "logging into a file", min(files), 1.0),
        Measured("logs", "storing a line after it", storing, "ns", "bulk_create()", min(bare)),
        count("lines to keep", BOUND, "lines kept", kept),
        count("lines that nobody was told of", 1 + abs(untold), "limit", 1),
        Measured("logs", memory, long.memory / 2**20, "MiB", "200,000 lines", once, 1.1),
    ]


def flood(count: int) -> Flood:
    """Write lines in an operation of its own."""
    own = accepting = over = 0.0

    def body(_: Scripted, p: Progress) -> None:
        nonlocal own, accepting, over
        own_before, all_before = time.thread_time(), time.process_time()
        _write(count, p.log)
        own, over = time.thread_time() - own_before, time.process_time()
        accepting = over - all_before

    Scripted.body = body
    operation, scale = Scripted.objects.create(), Scale()
    state = execute(operation, pump=threaded_pump(), sinks=[TextSink(io.StringIO()), scale])
    storing = time.process_time() - over
    if state is not State.FINISHED_OK:
        raise RuntimeError(operation.traceback)
    stored = LogLine.objects.filter(operation=operation.pk).order_by("-seq")
    kept = list(stored.values_list("seq", "text")[: min(count, get_settings().LOG_LINES)])
    expected = [(n, TEXT.format(n)) for n in range(count, 0, -1)[: len(kept)]]
    true = sum(one == other for one, other in zip(kept, expected, strict=True))
    nothing = _timed(count, lambda text: None)
    return Flood(
        (own * 1e9 / count) - nothing,
        accepting * 1e9 / count,
        storing * 1e9 / max(len(kept), 1),
        true,
        scale.told,
        scale.most,
    )


def _bare_rows(count: int) -> float:
    """Store as many lines with Django's own means; return nanoseconds a line."""
    operation, moment = uuid.uuid4(), datetime.now(UTC)
    began = time.process_time()
    for first in range(1, count + 1, 5_000):
        values: dict[str, Any] = {"operation_id": operation, "time": moment, "level": "info"}
        rows = [LogLine(seq=n, text=TEXT.format(n), **values) for n in range(first, first + 5_000)]
        with transaction.atomic():
            LogLine.objects.bulk_create(rows)
    took = time.process_time() - began
    LogLine.objects.filter(operation=operation).delete()
    return took * 1e9 / count


def _log_file(count: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        handler = logging.FileHandler(Path(folder, "benchmark.log"))
        logger = logging.getLogger("liveops_benchmark")
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
        try:
            return _timed(count, logger.info)
        finally:
            logger.handlers.clear()
            handler.close()


def _timed(count: int, log: Callable[[str], None]) -> float:
    before = time.process_time()
    _write(count, log)
    return (time.process_time() - before) * 1e9 / count


def _write(count: int, log: Callable[[str], None]) -> None:
    for number in range(1, count + 1):
        log(TEXT.format(number))
