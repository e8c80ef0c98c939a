"""gevent and eventlet are refused: where they patch threads, progress would stand still.

The pump, the sender and the reaper are threads that have to run while user code computes. As
greenlets they would get their turn only when user code waits for something, so a run that computes
gives no sign of life, and is taken for dead while it works.
"""

import sys
from typing import Any

from django.core.checks import CheckMessage, Error

from liveops.exceptions import ConfigurationError

_HINT = (
    "Run operations in processes or threads: `celery worker --pool=prefork` or `--pool=threads`, "
    "and a server that does not patch the standard library."
)


def patched_by(modules: dict[str, Any] | None = None) -> str | None:
    """Return what made greenlets of this process's threads, ``"gevent"`` or ``"eventlet"``.

    Nothing is imported for it.

    Args:
        modules: the loaded modules; those of this process if left out.
    """
    loaded = sys.modules if modules is None else modules
    gevent, eventlet = loaded.get("gevent.monkey"), loaded.get("eventlet.patcher")
    if gevent is not None and gevent.is_module_patched("threading"):
        return "gevent"
    if eventlet is not None and eventlet.is_monkey_patched("thread"):
        return "eventlet"
    return None


def check_patched() -> list[CheckMessage]:
    """Return the error for a process whose threads are greenlets; part of the system checks."""
    library = patched_by()
    if library is None:
        return []
    return [
        Error(
            f"{library} has patched the threads of this process, which liveops cannot work with.",
            hint=_HINT,
            id="liveops.E010",
        )
    ]


def refuse_green_pool(pool: object) -> None:
    """Refuse to work in a pool of greenlets; called when a Celery worker starts.

    Args:
        pool: the class of the worker's pool, or its name.

    Raises:
        ConfigurationError: it is one of gevent or eventlet, or threads are patched anyhow.
    """
    name = pool if isinstance(pool, str) else f"{getattr(pool, '__module__', '')}"
    asked = next((known for known in ("gevent", "eventlet") if known in name), None)
    library = asked or patched_by()
    if library is not None:
        raise ConfigurationError(f"liveops does not work in a worker with {library}. {_HINT}")
