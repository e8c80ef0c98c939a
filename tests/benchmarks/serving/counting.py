"""What a server process counts: its snapshots and its statements, by what they are for."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.db.backends.utils import CursorWrapper

_ACCESS = ("django_session", "auth_", "django_content_type")
_lock = threading.Lock()
_counted: Counter[str] = Counter()
_here = threading.local()


def install() -> None:
    """Count from now on; to be called once, in a server's process."""
    # Only here are the settings known.
    from liveops import snapshot, store  # noqa: PLC0415
    from liveops.reaping_thread import Watchman  # noqa: PLC0415

    execute, take = CursorWrapper.execute, snapshot.take

    def counting_execute(self: Any, sql: Any, params: Any = None) -> Any:
        count(kind_of(str(sql), is_tending=getattr(_here, "is_tending", False)))
        return execute(self, sql, params)

    def counting_take(*arguments: Any, **options: Any) -> Any:
        count("snapshots")
        return take(*arguments, **options)

    CursorWrapper.execute = counting_execute  # type: ignore[method-assign]
    snapshot.take = counting_take
    Watchman.step = _tending(Watchman.step)  # type: ignore[method-assign]
    store.marks = _tending(store.marks)


def kind_of(statement: str, *, is_tending: bool = False) -> str:
    """Return what a statement is for.

    ``access`` is to know who is there and what they may see, ``tending`` is what the process does
    every few seconds whoever connects, and ``queries`` are all others.
    """
    if is_tending:
        return "tending"
    return "access" if any(f'"{name}' in statement for name in _ACCESS) else "queries"


def count(kind: str) -> None:
    """Count one more of a kind."""
    with _lock:
        _counted[kind] += 1


def taken() -> dict[str, int]:
    """Return the counts since the last call."""
    with _lock:
        answer = dict(_counted)
        _counted.clear()
    return answer


def behind() -> int:
    """Return for how many of our sockets something waits now."""
    from liveops import hub  # noqa: PLC0415  (needs the app registry)

    watchers: list[Any] = [
        watcher
        for known in list(hub._hubs.values())
        for some in list(known._watchers.values())
        for watcher in list(some)
    ]
    return sum(bool(watcher._outbox.waiting) for watcher in watchers)


def _tending(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        _here.is_tending = True
        try:
            return function(*arguments, **options)
        finally:
            _here.is_tending = False

    return call
