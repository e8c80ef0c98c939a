"""Python programs as forks of one process that has loaded the libraries that sites use.

A site's workers, servers and commands are the real ones, found by the names that people type; what
they save is the time to import Django, Celery and Twisted once more. Nothing of the project that
could read settings is loaded before. As a program this is the process that is forked.
"""

import atexit
import fcntl
import importlib
import os
import runpy
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.engines.forking import ROOT, ForkedProcess, ForkServer, serve, take_over_files

LIBRARIES = (
    *("asgiref.sync", "channels.layers", "channels_redis.core", "channels_redis.pubsub"),
    *("celery.apps.worker", "celery.backends.redis", "celery.bin.celery", "celery.bin.worker"),
    *("celery.concurrency.prefork", "celery.concurrency.thread", "celery.fixups.django"),
    *("celery.worker.consumer", "kombu.transport.redis", "redis.asyncio", "rq.worker"),
    *("django.core.handlers.asgi", "django.core.management", "django.db.backends.sqlite3.base"),
    *("django.db.migrations.executor", "django.db.models", "django.forms", "django.test.signals"),
    *("django.template.backends.django", "django.urls", "psycopg", "psycopg_pool"),
    *("rich.progress", "rich.traceback", "tenacity", "autobahn.websocket.protocol"),
    *("twisted.internet.asyncioreactor", "twisted.web.http"),
    # Of the project only what is pure: it knows neither Django's models nor settings.
    *("liveops.exceptions", "liveops.progress.forecast", "liveops.progress.state"),
    *("liveops.progress.text", "liveops.progress.update", "liveops.progress.view"),
    *("liveops.stages", "liveops.stages.retrying", "liveops.states", "liveops.summary"),
)
FORBIDDEN = ("liveops.models", "twisted.internet.reactor", "example", "tests.engines.settings")
"""What has to be each process's own: it reads settings, or opens files."""
_BEYOND_TARGETS = 500


_servers: dict[int, ForkServer] = {}  # of this process; one that was forked may inherit others


def _server() -> ForkServer:
    pid = os.getpid()
    if pid not in _servers:
        _servers[pid] = ForkServer(__name__, {**os.environ, "PYTHONPATH": str(ROOT)})
        atexit.register(end)
    return _servers[pid]


def end() -> None:
    """End the process that is forked, if this process has one; the next start makes another."""
    server = _servers.pop(os.getpid(), None)
    if server is not None:
        server.close()


def start_python(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    output: IO[bytes],
    *,
    errors: IO[bytes] | None = None,
    folder: Path | None = None,
    descriptors: Sequence[int] = (),
) -> ForkedProcess:
    """Start Python in a session of its own.

    Args:
        arguments: what follows ``python``: ``-m`` and a module, ``-c`` and code, or a path.
        environment: all variables.
        output: takes what it prints.
        errors: takes its errors; left out, that is the same file.
        folder: where it works.
        descriptors: open files that it has under the same numbers.
    """
    order = {
        "arguments": [*arguments],
        "environment": dict(environment),
        "folder": str(folder or Path.cwd()),
        "targets": [0, 1, 2, *descriptors],
    }
    with Path(os.devnull).open("rb") as nothing:
        files = [nothing, output, errors or output]
        numbers = [*(file.fileno() for file in files), *descriptors]
        return _server().start(order, numbers)


def run_python(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, timeout: float
) -> "subprocess.CompletedProcess[str]":
    """Run Python to its end; what it printed is in the answer."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = start_python(arguments, environment, output, errors=errors, folder=folder)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(9)
            raise
        printed = []
        for file in (output, errors):
            file.seek(0)
            printed.append(file.read().decode("utf-8", "replace"))
    return subprocess.CompletedProcess(arguments, status, *printed)


def main() -> None:
    """Load the libraries, then fork for each order."""
    for name in LIBRARIES:
        importlib.import_module(name)
    loaded = [name for name in FORBIDDEN if name in sys.modules]
    assert not loaded, loaded
    assert threading.active_count() == 1, threading.enumerate()
    serve(_be)


def _be(order: dict[str, Any], files: list[int]) -> None:
    """Be the program."""
    os.setsid()
    high = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, _BEYOND_TARGETS) for file in files]
    for file in files:
        os.close(file)
    for file, target in zip(high, order["targets"], strict=True):
        os.dup2(file, target)
        os.close(file)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    take_over_files()
    what, *rest = order["arguments"]
    del sys.modules["__main__"].__spec__
    # As Python does: the place of the program first, then what the variable says.
    places = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    others = [place for place in sys.path if place not in (*places, str(ROOT), "")]
    sys.path[:] = [order["folder"], *places, *others]
    if what == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif what == "-c":
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102  (what python -c does)
    else:
        sys.path[0] = str(Path(what).parent.resolve())
        sys.argv = [what, *rest]
        runpy.run_path(what, run_name="__main__")


if __name__ == "__main__":
    main()
