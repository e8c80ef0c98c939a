"""What a flood of log lines costs: the caller's time, what of it is stored, and the memory.

More lines are written than are kept, as fast as a loop can, while the pump renders and stores.
"""

import io
import logging
import resource
import tempfile
import time
from collections.abc import Callable
from operator import eq
from pathlib import Path

from liveops.conf import get_settings
from liveops.models import LogLine
from liveops.progress import Progress
from liveops.progress.pumps import threaded_pump
from liveops.runners.executor import execute
from liveops.sinks.text import TextSink
from liveops.states import State
from tests.benchmarks.measured import Measured
from tests.testapp.models import Scripted

LINES = 200_000
MANY_LINES = 1_000_000
ROUNDS = 2
TEXT = "a line of the log, as long as most of them are: {}"


def measure() -> list[Measured]:
    """Measure floods beside a log file, in turns, and then one that is five times as long."""
    files, floods = [], []
    for _ in range(ROUNDS):
        files.append(_log_file(LINES))
        floods.append(flood(LINES))
    before = _most_memory()
    floods.append(flood(MANY_LINES))
    after = _most_memory()
    file, ours = min(files), min(took for took, _ in floods)
    kept, bound = min(kept for _, kept in floods), get_settings().LOG_LINES

    name, memory = "log() a line, in a flood", "most memory, 1,000,000 lines"
    return [
        Measured("logs", name, ours, "ns", "logging into a file", file, 1.0),
        Measured("logs", name, ours, "ns", "200,000 a second", 5_000.0, 1.0),
        Measured("logs", "lines to keep", bound, "lines", "lines kept", kept, 1.0, is_count=True),
        Measured("logs", memory, after, "MiB", "200,000 lines", before, 1.1),
    ]


def flood(count: int) -> tuple[float, int]:
    """Write lines in an operation of its own.

    Returns:
        Nanoseconds a line in the loop, and how many of the last lines that a log may have are
        stored when the run has ended.
    """
    took = 0.0

    def body(_: Scripted, p: Progress) -> None:
        nonlocal took
        took = _a_line(count, p.log)

    Scripted.body = body
    operation = Scripted.objects.create()
    state = execute(operation, pump=threaded_pump(), sinks=[TextSink(io.StringIO())])
    if state is not State.FINISHED_OK:
        raise RuntimeError(operation.traceback)
    bound = get_settings().LOG_LINES
    stored = LogLine.objects.filter(operation=operation.pk).order_by("-seq")
    texts = list(stored.values_list("text", flat=True)[:bound])
    expected = [TEXT.format(number) for number in range(count - 1, count - 1 - bound, -1)]
    return took, sum(map(eq, texts, expected))


def _log_file(count: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        handler = logging.FileHandler(Path(folder, "benchmark.log"))
        logger = logging.getLogger("liveops_benchmark")
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
        try:
            return _a_line(count, logger.info)
        finally:
            logger.handlers.clear()
            handler.close()


def _a_line(count: int, log: Callable[[str], None]) -> float:
    began = time.perf_counter_ns()
    for number in range(count):
        log(TEXT.format(number))
    return (time.perf_counter_ns() - began) / count


def _most_memory() -> float:
    """Return the most mebibytes that this process had in memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
