"""What it costs to pass through a stage, against the bare statements that have to be written.

Bare is what nobody can do without who wants the same in the database: the two states of the stage
in the operation's row, each naming the fence, and the record of the attempt. Ours shows watchers
what happens besides. It is measured twice: many stages in a row, which count as done once all
their rows are there; and stages in which something is waited for, where only the time counts that
user code spends on entering and leaving them, each shown in a frame of its own.
"""

import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from statistics import median
from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone

from liveops.models import LiveOperation, StageRun
from liveops.progress import Progress
from liveops.progress.pumps import threaded_pump
from liveops.runners.executor import execute
from liveops.sinks.text import TextSink
from liveops.states import State
from tests.benchmarks.measured import Measured
from tests.benchmarks.operations import counted_writes
from tests.benchmarks.postgres import on_postgres
from tests.testapp.models import Scripted

Passing = Callable[[int], None]

_DEADLINE = 60.0


class Staged(Scripted):
    """Has a stage method that does nothing, to be called from the body."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["Load", "Validate", "Save"]

    @LiveOperation.stage("Load", "Loading")
    def load(self, p: Progress) -> None:
        """Do nothing."""


def measure() -> list[Measured]:
    """Measure blocks and methods with the threaded pump and both sinks, on two databases."""
    figures: list[Measured] = []
    carry_out(lambda p: figures.extend(measure_in(p)))
    with on_postgres():
        carry_out(lambda p: figures.extend(measure_in(p, where=", PostgreSQL", passages=150)))
    return figures


def carry_out(body: Callable[[Progress], None]) -> None:
    """Run a body in an operation that has a stage method."""
    Staged.body = lambda _, p: body(p)
    operation = Staged.objects.create()
    state = execute(operation, pump=threaded_pump(), sinks=[TextSink(io.StringIO())])
    if state is not State.FINISHED_OK:
        raise RuntimeError(operation.traceback)


def measure_in(
    p: Progress, *, where: str = "", passages: int = 400, rounds: int = 5
) -> list[Measured]:
    """Measure inside a running operation; the counts first, then the contenders in turns."""
    apart, bare_apart = entering(p)
    contenders: dict[str, Passing] = {
        "with p.stage()": partial(by_blocks, p),
        "stage method": partial(by_methods, p),
    }
    counts = {name: writes_of(p, passing) for name, passing in contenders.items()}
    best = _best_of(p, {"bare": partial(_bare, p), **contenders}, passages, rounds)
    bare = best["bare"]
    figures = [
        Measured(
            *("stages", f"{name}, enter + exit{where}", best[name], "µs"),
            *("its bare statements", bare, 1.5),
        )
        for name in contenders
    ]
    figures.append(
        Measured(
            *("stages", f"with p.stage(), each shown at once{where}", apart, "µs"),
            *("its bare statements", bare_apart, 1.5),
        )
    )
    for name, (updates, inserts) in counts.items():
        figures += [
            _count(f"{name}, UPDATEs of the operation{where}", updates, 2),
            _count(f"{name}, INSERTs of stage runs{where}", inserts, 1),
        ]
    return figures


def _count(name: str, value: int, limit: int) -> Measured:
    return Measured("stages", name, value, "", "limit", limit, 1.0, is_count=True)


def writes_of(p: Progress, passing: Passing) -> tuple[int, int]:
    """Return what one passage writes: UPDATEs of the operation, and INSERTs of stage runs."""
    with counted_writes() as statements:
        before = _stored(p)
        passing(1)
        _until_stored(p, before + 1)
    updates = sum(f'UPDATE "{_table(LiveOperation)}"' in text for text in statements)
    inserts = sum(f'INSERT INTO "{_table(StageRun)}"' in text for text in statements)
    return updates, inserts


def _best_of(
    p: Progress, contenders: dict[str, Passing], count: int, rounds: int
) -> dict[str, float]:
    """Return each contender's best round, in microseconds a passage."""
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, passing in contenders.items():
            expected = _stored(p) + count
            began = time.perf_counter_ns()
            passing(count)
            _until_stored(p, expected)
            took = (time.perf_counter_ns() - began) / count / 1_000
            best[name] = min(best.get(name, took), took)
    return best


def by_blocks(p: Progress, count: int) -> None:
    for _ in range(count):
        with p.stage("Validate"):
            pass


def by_methods(p: Progress, count: int) -> None:
    operation: Any = p.operation
    for _ in range(count):
        operation.load(p)


def entering(p: Progress, *, passages: int = 20) -> tuple[float, float]:
    """Return the microseconds to enter and leave a stage, and those of its bare statements.

    They take turns, and something is waited for in each stage. The median counts: now and then
    another thread is in the way of either.
    """
    ours, bare = list[float](), list[float]()
    for _ in range(passages):
        ours.append(_spent(p.stage("Load")))
        bare.append(_spent(_bare_stage(p)))
    return median(ours), median(bare)


def _spent(stage: AbstractContextManager[None]) -> float:
    """Return the microseconds that it takes to enter and to leave a stage."""
    pause, spent = threading.Event(), -time.perf_counter_ns()
    with stage:
        spent += time.perf_counter_ns()
        pause.wait(0.02)
        spent -= time.perf_counter_ns()
    spent += time.perf_counter_ns()
    pause.wait(0.02)
    return spent / 1_000


@contextmanager
def _bare_stage(p: Progress) -> Iterator[None]:
    """Write the same rows by hand: the fence is named, and each change is a transaction."""
    operation, run_id, began = p.operation, p._run.run_id, timezone.now()
    mine = LiveOperation._base_manager.filter(pk=operation.pk, run_id=run_id)
    with transaction.atomic():
        mine.update(current_stage=2, stage_states={**operation.stage_states, "Save": "active"})
    yield
    with transaction.atomic():
        mine.update(current_stage=2, stage_states={**operation.stage_states, "Save": "done"})
    StageRun.objects.create(
        operation_id=operation.pk,
        run_id=run_id,
        stage="Save",
        attempt=1,
        outcome="done",
        started_on=began,
        finished_on=timezone.now(),
    )


def _bare(p: Progress, count: int) -> None:
    for _ in range(count):
        with _bare_stage(p):
            pass


def _stored(p: Progress) -> int:
    return StageRun.objects.filter(operation=p.operation.pk).count()


def _until_stored(p: Progress, count: int) -> None:
    deadline, pause = time.monotonic() + _DEADLINE, threading.Event()
    while _stored(p) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"There are {_stored(p)} stage runs instead of {count}.")
        pause.wait(0.001)


def _table(model: Any) -> str:
    name: str = model._meta.db_table
    return name
