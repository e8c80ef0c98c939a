"""Running a measurement inside an operation, with the web and the text sink on."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.utils import CursorWrapper

from liveops.progress import Progress
from liveops.progress.pumps import Pump
from liveops.progress.update import Update
from liveops.runners.executor import execute
from liveops.sinks.text import TextSink
from tests.testapp.models import Scripted


class CountingSink:
    """Counts updates."""

    def __init__(self) -> None:
        self.count = 0

    def emit(self, update: Update) -> None:
        """Count an update."""
        self.count += 1

    def close(self) -> None:
        """Nothing to release."""


def inside(body: Callable[[Progress, CountingSink], Any], pump: Pump) -> None:
    """Call the body inside a running operation; its error, if any, is raised here."""
    errors: list[BaseException] = []
    counter = CountingSink()

    def run(operation: Scripted, p: Progress) -> None:
        try:
            body(p, counter)
        except BaseException as error:
            errors.append(error)
            raise

    Scripted.body = run
    operation = Scripted.objects.create()
    execute(operation, pump=pump, sinks=[TextSink(io.StringIO()), counter])
    if errors:
        raise errors[0]


@contextmanager
def counted_writes() -> Iterator[list[str]]:
    """Collect every INSERT, UPDATE and DELETE of this process, whatever its thread."""
    original, lock, statements = CursorWrapper.execute, threading.Lock(), list[str]()

    def counting(self: Any, sql: Any, params: Any = None) -> Any:
        if str(sql).lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            with lock:
                statements.append(str(sql))
        return original(self, sql, params)

    CursorWrapper.execute = counting  # type: ignore[method-assign]
    try:
        yield statements
    finally:
        CursorWrapper.execute = original  # type: ignore[method-assign]
