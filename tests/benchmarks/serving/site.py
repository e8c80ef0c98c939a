"""The served site: its Redis, its servers, its publisher, and its watchers."""

import json
import os
import resource
import shutil
import signal
import threading
import time
import urllib.request
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import psutil
from django.contrib.auth.models import User
from django.test import Client

from tests.benchmarks.serving.bare import group_of
from tests.benchmarks.serving.orders import Helper
from tests.engines.programs import start_python
from tests.engines.servers import Redis, free_port
from tests.testapp.models import Scripted

ROOT = Path(__file__).resolve().parents[3]
OURS, BARE = "ours", "bare"
CORE = "channels_redis.core.RedisChannelLayer"
PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"
DAPHNE, UVICORN, GRANIAN = "daphne", "uvicorn", "granian"
_APPLICATION = "tests.benchmarks.serving.asgi:application"
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_IDLE_PAUSE = 0.1
_IDLE_SECONDS = 0.01

__all__ = ["BARE", "CORE", "DAPHNE", "GRANIAN", "OURS", "PUBSUB", "UVICORN", "Served", "Site"]


def command_of(server: str, port: int, send_buffer: int = 0) -> list[str]:
    """Return what Python is told to serve the site.

    All of them have one worker process and a long queue for connections, and time enough to
    accept one.
    """
    place = f"tcp:port={port}:interface=127.0.0.1:backlog=2048"
    commands = {
        DAPHNE: ["daphne", "-e", place, "--websocket_connect_timeout", "60", "-v", "0"],
        UVICORN: ["tests.benchmarks.serving.under_uvicorn", str(port), str(send_buffer)],
        GRANIAN: ["granian", "--interface", "asgi", "--port", str(port), "--backlog", "2048"],
    }
    more = {DAPHNE: [_APPLICATION], UVICORN: [], GRANIAN: ["--log-level", "error", _APPLICATION]}
    return ["-m", *commands[server], *more[server]]


class Served:
    """A server's process.

    Args:
        command: what Python is told.
        environment: its variables.
        port: where it serves.
        log: the file that takes what it prints.
    """

    def __init__(
        self, command: list[str], environment: dict[str, str], port: int, log: Path
    ) -> None:
        self.host = f"127.0.0.1:{port}"
        self._log = log
        with log.open("ab") as output:
            self._process = start_python(command, environment, output, folder=ROOT)

    def wait(self) -> None:
        """Wait until it answers."""
        deadline, pause = time.monotonic() + _START_SECONDS, threading.Event()
        while True:
            try:
                self.counts()
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self._log.read_text("utf-8", "replace")[-4000:]) from error
                pause.wait(0.05)
            else:
                return

    def counts(self) -> dict[str, int]:
        """Return what it has counted since the last time."""
        with urllib.request.urlopen(f"http://{self.host}/counts/", timeout=60) as response:
            told: dict[str, int] = json.load(response)
        return told

    def cpu(self) -> float:
        """Return the processor seconds of all its processes, to the nanosecond."""
        return sum(time.clock_gettime(_clock_of(process.pid)) for process in self._tree())

    def rss(self) -> int:
        """Return the resident bytes of all its processes."""
        return sum(process.memory_info().rss for process in self._tree())

    def settle(self) -> None:
        """Wait until it has nothing left to do, such as to part with those who are gone."""
        deadline, pause, before = time.monotonic() + _START_SECONDS, threading.Event(), -1.0
        while (now := self.cpu()) - before > _IDLE_SECONDS and time.monotonic() < deadline:
            before = now
            pause.wait(_IDLE_PAUSE)

    def stop(self) -> None:
        """End it."""
        tree = self._tree() if self._process.poll() is None else []
        self._process.send_signal(signal.SIGTERM)
        psutil.wait_procs(tree, timeout=_STOP_SECONDS / 4)
        for process in tree:
            if process.is_running():
                process.kill()
        self._process.wait(_STOP_SECONDS)

    def _tree(self) -> list[psutil.Process]:
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children(recursive=True)]


def _clock_of(pid: int) -> int:
    """Return the clock of a process's processor time, as Linux's ``clock_getcpuclockid`` does.

    ``/proc`` counts in hundredths of a second: too coarse for what a few frames cost.
    """
    return ((~pid) << 3) | 2


class Site:
    """A Redis server with the servers of one channel layer, until the block ends.

    It works on the database of this process, which has to be a file.

    Args:
        folder: where its files are.
        layer: the path of the channel layer.
    """

    def __init__(self, folder: Path, layer: str = CORE) -> None:
        self._folder = folder
        self._layer = layer
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        program = shutil.which("redis-server")
        if program is None:
            raise RuntimeError("redis-server is not installed.")
        self._folder.mkdir(exist_ok=True)
        redis = Redis(program, self._folder)
        redis.start()
        self._stack.callback(redis.kill)
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.benchmarks.serving.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "example_project")]),
            "BENCHMARK_LAYER": self._layer,
            "BENCHMARK_REDIS": redis.url,
        }
        self.user, _ = User.objects.get_or_create(username="watcher")
        client = Client()
        client.force_login(self.user)
        self.cookie = f"sessionid={client.cookies['sessionid'].value}"
        self.publisher, self.watchers = self._helper("publishing"), self._helper("watching")
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def serve(self, *servers: str, send_buffer: int = 0) -> list[Served]:
        """Start servers, all at the same time; return when they answer."""
        started = []
        for name in servers:
            port = free_port()
            command = command_of(name, port, send_buffer)
            log = self._folder / f"{name}-{port}.log"
            started.append(Served(command, self.environment, port, log))
            self._stack.callback(started[-1].stop)
        for server in started:
            server.wait()
        return started

    def operation(self) -> str:
        """Make an operation that belongs to the user of the sockets; return its id."""
        return str(Scripted.objects.create(owner=self.user).pk)

    def connect(
        self, server: Served, contender: str, op: str, number: int, **more: Any
    ) -> dict[str, Any]:
        """Connect watchers of an operation; tell how long until all have their first message."""
        return self.watchers.ask("connect", **self.order(server, contender, op, number, **more))

    def connect_all(self, orders: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Connect several sets of watchers at the same time; see :meth:`order`."""
        told: list[dict[str, Any]] = self.watchers.ask("connect_all", orders=list(orders))["told"]
        return told

    def order(
        self, server: Served, contender: str, op: str, number: int, **more: Any
    ) -> dict[str, Any]:
        """Return what the watchers' process is told to connect."""
        is_ours = contender == OURS
        return {
            "host": server.host,
            "path": "/ws/liveops/" if is_ours else f"/{group_of(op).replace('.', '/')}/",
            "subscribe": op if is_ours else "",
            "cookie": self.cookie,
            "name": contender,
            "at_once": 50,
            "is_small": False,
            "number": number,
            **more,
        }

    def _helper(self, name: str) -> Helper:
        module = f"tests.benchmarks.serving.{name}"
        log = self._folder / f"{name}.log"
        return self._stack.enter_context(Helper(module, self.environment, log))


def carried(numbers: Iterable[int]) -> list[int]:
    """Return those numbers of watchers for which this system lets processes open enough files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # Bare has a connection to Redis for each socket, and there are files besides.
    return [
        number for number in numbers if hard == resource.RLIM_INFINITY or 2 * number + 200 < hard
    ]
