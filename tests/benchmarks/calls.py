"""What a call in the user's loop costs, against what a user would take instead.

The contenders take turns in one process, round by round, and the best round of each counts: a
machine that is busy for a while slows all of them alike.
"""

import io
import logging
import time
from collections.abc import Callable, Iterator

from tqdm import tqdm

from liveops.progress import Progress
from liveops.progress.pumps import threaded_pump
from tests.benchmarks.measured import Measured
from tests.benchmarks.operations import inside

Loop = Callable[[int], None]


LIMIT = "2 µs"
"""What a call may take at most, whatever else does the same."""


def measure() -> list[Measured]:
    """Measure the calls, with the threaded pump and both sinks."""
    figures: list[Measured] = []
    inside(lambda p, _: figures.extend(measure_in(p)), threaded_pump())
    return figures


def measure_in(
    p: Progress, *, items: int = 200_000, calls: int = 20_000, rounds: int = 15
) -> list[Measured]:
    """Measure everything inside a running operation."""
    loops = best_of(
        {"bare": _bare, "tqdm": _tqdm, "track": lambda count: _track(p, count)}, items, rounds
    )
    logger = _logger()
    single = best_of(
        {
            "percent": lambda count: _each(count, p.percent),
            "status": lambda count: _each(count, lambda n: p.status("a status")),
            "logging": lambda count: _each(count, lambda n: logger.info("a line of the log")),
        },
        calls,
        max(rounds // 3, 3),
    )
    # By itself and last: while the pump stores its lines, everything else would be slower.
    single |= best_of(
        {"log": lambda count: _each(count, lambda n: p.log("a line of the log"))}, calls, 3
    )
    track, once = loops["track"], "logging.info()"

    def figure(
        name: str, value: float, against: str, base: float, goal: float | None = None
    ) -> Measured:
        return Measured("calls", name, value, "ns", against, base, goal)

    return [
        figure("track() an iteration", track, "tqdm", loops["tqdm"], 0.5),
        figure("track() an iteration", track, "bare generator", loops["bare"], 2.0),
        *(
            figure(f"{name}() a call", single[name], against, base, 1.0)
            for name in ("percent", "status", "log")
            for against, base in ((once, single["logging"]), (LIMIT, 2_000.0))
        ),
    ]


def best_of(contenders: dict[str, Loop], count: int, rounds: int) -> dict[str, float]:
    """Return each contender's best round in nanoseconds an item, the empty loop's taken off.

    What counts is the processor time of the caller's thread: others may be at work meanwhile.
    """
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, loop in {"empty": _empty, **contenders}.items():
            began = time.thread_time_ns()
            loop(count)
            took = (time.thread_time_ns() - began) / count
            best[name] = min(best.get(name, took), took)
    return {name: max(best[name] - best["empty"], 0.1) for name in contenders}


def _empty(count: int) -> None:
    for _ in range(count):
        pass


def _each(count: int, call: Callable[[int], None]) -> None:
    for number in range(count):
        call(number % 100)


def _bare(count: int) -> None:
    for _ in _passing_on(count):
        pass


def _tqdm(count: int) -> None:
    for _ in tqdm(range(count), file=io.StringIO(), mininterval=0.1):
        pass


def _track(p: Progress, count: int) -> None:
    for _ in p.track(range(count), label="Measuring"):
        pass


def _passing_on(count: int) -> Iterator[int]:
    for number in range(count):  # noqa: UP028  (a plain loop is what a hand-written one has)
        yield number


def _logger() -> logging.Logger:
    logger = logging.getLogger("liveops_benchmark")
    logger.handlers = [logging.StreamHandler(io.StringIO())]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return logger
