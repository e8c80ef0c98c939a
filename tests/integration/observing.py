"""What tests hear of operations: every signal, in order."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import connection
from django.dispatch import Signal

from liveops import signals

NAMES = {signal: name for name, signal in vars(signals).items() if isinstance(signal, Signal)}


class Heard(NamedTuple):
    """A signal that was sent.

    Attributes:
        name: its name.
        sender: the operation's class.
        values: its arguments, without those that are the same for all.
        operation: the operation.
        run_id: its run.
        thread: where the receiver was called.
        in_transaction: whether a transaction was open then.
    """

    name: str
    sender: Any
    values: dict[str, Any]
    operation: Any
    run_id: Any
    thread: int
    in_transaction: bool

    @property
    def brief(self) -> tuple[Any, ...]:
        """Its name and what it says, but how long things took."""
        return (self.name, *(str(v) for k, v in self.values.items() if k != "seconds"))


@contextmanager
def listening() -> Iterator[list[Heard]]:
    """Yield a list to which every signal is added that is sent meanwhile."""
    heard: list[Heard] = []

    def hear(sender: Any, signal: Any, operation: Any, run_id: Any, **values: Any) -> None:
        thread, is_open = threading.get_ident(), connection.in_atomic_block
        in_order = dict(sorted(values.items(), key=lambda item: _ORDER.index(item[0])))
        heard.append(Heard(NAMES[signal], sender, in_order, operation, run_id, thread, is_open))

    for signal in NAMES:
        signal.connect(hear, weak=False)
    try:
        yield heard
    finally:
        for signal in NAMES:
            signal.disconnect(hear)


_ORDER = ["stage", "attempt", "outcome", "state", "reason", "seconds", "error_text"]


def briefly(heard: list[Heard]) -> list[tuple[Any, ...]]:
    """Return the names of signals and what they say."""
    return [one.brief for one in heard]
