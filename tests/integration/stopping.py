"""Tools for the tests of a process that is to end, all in one process that goes on."""

import threading
from collections.abc import Callable
from typing import Any

from liveops.progress import Progress
from tests.integration.edge import DEADLINE
from tests.testapp.models import Scripted

FOREVER = 1_000.0
"""Seconds that no test waits for."""


class Inside:
    """The body of an operation that says when it is at work, and goes on as it is told.

    Args:
        work: what it does once it said so; left out, it hears nothing until the test lets it go.
    """

    def __init__(self, work: Callable[[Scripted, Progress], Any] | None = None) -> None:
        self._work = work or self.deaf
        self._is_at_work = threading.Event()
        self.go = threading.Event()
        Scripted.body = self

    def __call__(self, op: Scripted, p: Progress) -> None:
        """Be the body."""
        with p.stage("Load"):
            self._is_at_work.set()
            self._work(op, p)

    def start(self, **fields: Any) -> Scripted:
        """Enqueue an operation, and wait until it is at work."""
        operation = Scripted.objects.create(**fields)
        operation.enqueue()
        assert self._is_at_work.wait(DEADLINE)
        return operation

    def deaf(self, _: Scripted, p: Progress) -> None:
        """Wait until the test lets go; a body that does not hear."""
        assert self.go.wait(DEADLINE)


def listening(op: Scripted, p: Progress) -> None:
    """Listen until the end of the world."""
    for _ in p.track(iter(int, 1)):
        threading.Event().wait(0.001)


def asking(op: Scripted, p: Progress) -> None:
    """Work until the process is to end."""
    while not p.shutting_down:
        threading.Event().wait(0.001)
    p.result(left_off="in good order")


def ignoring(op: Scripted, p: Progress) -> None:
    """Ask, and then do not care for the answer."""
    while p.shutting_down in {True, False}:
        p.check_cancelled()
        threading.Event().wait(0.001)
