"""What several unit tests share: a hand clock, hostile text, updates without a run."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import strategies as st

from liveops.models import LiveOperation
from liveops.progress.update import Update
from liveops.progress.view import View
from tests.testapp.models import Scripted

PATIENCE = 20.0
"""Seconds after which a test that waits for another thread gives up and fails."""

_AWKWARD = "\x00\x07\t\n\r\x0b\x0c\x1b\x1c\x7f\x85\x9b\u2028\u2029\u202e\ud800\udfff<>&'\"☃😀 a"

hostile_text = st.text(
    st.one_of(st.sampled_from(_AWKWARD), st.characters(exclude_categories=())), max_size=60
)
"""Any text at all, with control characters and lone surrogates more often than by chance."""

plain_text = st.text(
    st.sampled_from('\\u0"\n\x1b\x7f\u2028☃😀 ab')
    | st.characters(codec="utf-8", exclude_characters="\x00"),
    max_size=8,
)
"""Any text that a database takes."""


class Clock:
    """A clock that moves only when a test says so."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Bell:
    """Lets a test wait until another thread has made a condition true."""

    def __init__(self) -> None:
        self._condition = threading.Condition()

    def ring(self) -> None:
        """Say that something has changed."""
        with self._condition:
            self._condition.notify_all()

    def wait_for(self, true: Callable[[], object]) -> bool:
        """Wait for the condition; False if it stays untrue for too long."""
        with self._condition:
            return bool(self._condition.wait_for(true, PATIENCE))


def in_loop(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine to its end, or fail after a while."""
    return asyncio.run(asyncio.wait_for(main(), PATIENCE))


def update(operation: LiveOperation | None = None, seq: int = 1, **values: Any) -> Update:
    """Return an update of an operation that is in no database."""
    values.setdefault("view", View(state="STARTED"))
    return Update(operation=operation or Scripted(), seq=seq, **values)
