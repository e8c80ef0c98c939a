"""A site: a database, a channel layer, a runner, and the processes that work on it."""

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from typing import Any

from pytest_django.plugin import DjangoDbBlocker

from tests.engines.composing import (
    Layer,
    Tasks,
    app_settings,
    broker_settings,
    layer_settings,
)
from tests.engines.here import as_web_process
from tests.engines.journal import Journal
from tests.engines.process import Process, kill_all
from tests.engines.programs import run_python
from tests.engines.servers import Redis
from tests.engines.steps import Steps
from tests.engines.variables import FOLDER, to_environment
from tests.engines.waiting import until
from tests.settings import LIVEOPS

__all__ = ["CELERY_READY", "Engines", "Layer", "Tasks", "wait_until_up"]

ROOT = Path(__file__).resolve().parents[2]
CELERY_READY = " ready."
_TASKS_READY = {"db": "Starting worker", "rq": "Listening on"}

_numbers = count(1)


class Engines:
    """One site, whose processes and whose data end with the test.

    Args:
        folder: where its files are.
        database: what Django's settings say of its database.
        blocker: pytest-django's guard of the database.
        layer: the channel layer.
        runner: the name or path of the runner.
        tasks: what carries Django tasks, if anything.
        redis: the server of the layer and of the broker, if there is one.
        liveops: more of the setting ``LIVEOPS``.
        settings: more Django settings; JSON values.
    """

    def __init__(
        self,
        folder: Path,
        database: Mapping[str, Any],
        blocker: DjangoDbBlocker,
        *,
        layer: Layer = "memory",
        runner: str = "thread",
        tasks: Tasks | None = None,
        redis: Redis | None = None,
        liveops: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        number = next(_numbers)
        self.name = f"site{number}"
        self.folder = folder
        self.redis = redis
        self.tasks = tasks
        self.journal = Journal(folder / "journal")
        self.processes: list[Process] = []
        self._blocker = blocker
        self._listeners: list[socket.socket] = []
        self._logs = count(1)
        self.settings: dict[str, Any] = {
            FOLDER: str(folder),
            "DATABASES": {"default": dict(database)},
            "CHANNEL_LAYERS": {"default": layer_settings(layer, redis, self.name)},
            "LIVEOPS": {**LIVEOPS, "RUNNER": runner, **(liveops or {})},
            "ROOT_URLCONF": "tests.engines.urls",
            **app_settings(tasks),
            **broker_settings(tasks, redis, self.name, number),
            **(settings or {}),
        }

    # Processes

    def environment(self) -> dict[str, str]:
        """Return the variables of a process of this site."""
        return {
            **os.environ,
            **to_environment(self.settings),
            "DJANGO_SETTINGS_MODULE": "tests.engines.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "example_project")]),
            "PYTHONUNBUFFERED": "1",
        }

    def manage(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a management command to its end; its output is in the answer.

        Args:
            arguments: the command and what follows it.
            check: whether a status other than 0 fails the test.
        """
        command = ["-m", "django", *arguments]
        done = run_python(command, self.environment(), self.folder, timeout=120)
        assert not (check and done.returncode), done.stdout + done.stderr
        return done

    def start(
        self,
        *command: str,
        ready: str = "",
        name: str = "process",
        variables: Mapping[str, str] | None = None,
        is_fork: bool = True,
    ) -> Process:
        """Start a process of this site.

        Args:
            command: the program and its arguments; ``python`` is this interpreter.
            ready: a text that it prints when it is at work, to wait for.
            name: what its log file is called.
            variables: more environment variables.
            is_fork: whether Python has loaded common libraries before it begins.
        """
        program, *arguments = command
        process = Process(
            [sys.executable if program == "python" else program, *arguments],
            {**self.environment(), **(variables or {})},
            self.folder / f"{name}-{next(self._logs)}.log",
            self.journal,
            self.processes,
            is_fork=is_fork,
        )
        if ready:
            _wait_for(process, ready)
        return process

    def start_celery(self, *options: str, concurrency: int = 2, wait: bool = True) -> Process:
        """Start a Celery worker; unless told otherwise wait until it takes operations.

        Args:
            options: of ``celery worker``.
            concurrency: how many operations it runs at the same time.
            wait: whether to wait until it is ready.
        """
        return self.start(
            *("python", "-m", "celery", "-A", "tests.engines.celery_app", "worker", "-l", "INFO"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),  # a quicker start
            *(f"--concurrency={concurrency}", *options),
            name="celery",
            ready=CELERY_READY if wait else "",
        )

    def start_tasks_worker(self, *options: str, wait: bool = True) -> Process:
        """Start a worker of Django tasks: `db_worker`, or the one of rq."""
        assert self.tasks is not None
        command = ["rqworker", "--job-class", "django_tasks_rq.Job", "default"]
        if self.tasks == "db":
            command = ["db_worker", "--interval=0.1", "--no-startup-delay", "--queue-name=*"]
        return self.start(
            *("python", "-m", "django", *command, *options),
            name=f"{self.tasks}_worker",
            ready=_TASKS_READY[self.tasks] if wait else "",
        )

    def wait_for_tasks_worker(self, worker: Process) -> None:
        """Wait until a worker of Django tasks takes operations."""
        _wait_for(worker, _TASKS_READY[self.tasks or ""])

    def start_daphne(self) -> Process:
        """Serve the site, at an address that stays the same when the process is started again.

        Between the end of one process and the start of the next, connections wait in the queue of
        the socket, which belongs to the test.
        """
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        self._listeners.append(listener)
        process = Process(
            [
                *(sys.executable, "-m", "daphne", "--fd", str(listener.fileno())),
                "tests.engines.asgi:application",
            ],
            self.environment(),
            self.folder / f"daphne-{next(self._logs)}.log",
            self.journal,
            self.processes,
            descriptors=[listener.fileno()],
            url=f"http://127.0.0.1:{listener.getsockname()[1]}",
        )
        wait_until_up(process)
        return process

    # This process

    def here(self) -> AbstractContextManager[None]:
        """Make this process a web process of the site until the block ends.

        The models of the project then work on the site's database, ``enqueue()`` hands over to its
        runner, and frames go to its channel layer.
        """
        return as_web_process(self.settings, self._blocker)

    def steps(self, operation: Any) -> Steps:
        """Return the points at which an operation (or the one of that id) waits."""
        return Steps(self.folder, getattr(operation, "pk", operation))

    def reached(self, operation: Any, point: str, times: int = 1, seconds: float = 30.0) -> int:
        """Wait until an operation got to a point for the nth time; return the process it is in."""
        steps = self.steps(operation)
        until(lambda: len(steps.reached(point)) >= times, seconds, f"{point!r} × {times}")
        return steps.reached(point)[times - 1]

    def let_go(self, operation: Any, *points: str) -> None:
        """Let an operation pass points."""
        for point in points:
            self.steps(operation).let_go(point)

    def close(self) -> None:
        """Kill all processes of this site, whoever started them."""
        kill_all(self.processes, FOLDER, str(self.folder))
        for process in self.processes:
            process.wait()
        for listener in self._listeners:
            listener.close()
        shutil.rmtree(self.folder / "steps", ignore_errors=True)


def _wait_for(process: Process, text: str) -> None:
    def is_ready() -> bool:
        assert process.is_running, process.log
        return text in process.log

    until(is_ready, 60, lambda: f"{text!r} in {process.log}")


def wait_until_up(process: Process) -> None:
    """Wait until a Daphne answers."""

    def answers() -> bool:
        assert process.is_running, process.log
        try:
            with urllib.request.urlopen(f"{process.url}/up/", timeout=60):
                return True
        except OSError:
            return False

    until(answers, 60, lambda: process.log)
