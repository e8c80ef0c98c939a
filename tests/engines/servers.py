"""Real servers, each on a loopback port of its own, that a test may stop, kill and pause."""

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg import sql

_START_SECONDS = 60.0
_TRIES = 20
# Below the ports that the system hands out by itself, so that nobody is given one in between.
_PORTS = range(10_000, 32_000)


def free_port() -> int:
    """Return a loopback port that nothing listens on now; a server may still lose it."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Server(ABC):
    """A server process; started anew it has the same port and the same folder.

    Args:
        program: path of the program.
        folder: where its data and its log are.
    """

    name = "server"

    def __init__(self, program: str, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command that starts it."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether it serves clients."""

    def options(self) -> dict[str, Any]:
        """Return what `Popen` is told besides."""
        return {}

    @property
    def pid(self) -> int:
        """The process that was started last."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether its process lives; one that is paused does."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What it printed so far."""
        path = self.folder / "server.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start it and wait until it serves clients; nothing if it runs."""
        if self.is_running:
            return
        keeps_port = bool(self.port)
        for _ in range(_TRIES):
            self.port = self.port or free_port()
            with (self.folder / "server.log").open("ab") as log:
                self._process = subprocess.Popen(
                    self.command(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    **self.options(),
                )
            if self._comes_up(self._process):
                return
            if not keeps_port:  # perhaps somebody took it in between
                self.port = 0
        pytest.fail(f"{self.name} did not start:\n{self.log[-4000:]}")

    def _comes_up(self, process: "subprocess.Popen[bytes]") -> bool:
        deadline, pause = time.monotonic() + _START_SECONDS, threading.Event()
        while process.poll() is None:
            if self.answers():
                return process.poll() is None  # else another server answers on that port
            if time.monotonic() > deadline:
                self.kill()
                return False
            pause.wait(0.02)
        return False

    def stop(self) -> None:
        """Have it end in good order, and wait for that."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Let it and its children die without a word."""
        if self._process is None:
            return
        tree = self._tree()
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(30)
        psutil.wait_procs(tree, timeout=30)

    def close(self) -> None:
        """Kill it; one that keeps data in a folder of its own removes that."""
        self.kill()

    def pause(self) -> None:
        """Stop its processes without ending them: connections stay open, nobody answers."""
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()

    def go_on(self) -> None:
        """Let what was paused go on."""
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def heal(self) -> None:
        """Bring it back to work after a test that left it paused, stopped or killed."""
        if self.is_running:
            self.go_on()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self.go_on()
            self._process.send_signal(how)
        self._process.wait(60)

    def _tree(self) -> list[psutil.Process]:
        try:
            parent = psutil.Process(self.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


class Redis(Server):
    """A Redis server that keeps nothing: stopped and started again, it is empty."""

    name = "Redis"

    def command(self) -> list[str]:
        """Return the command, with persistence off."""
        options = {"bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": str(self.folder)}
        parts = [part for name, value in options.items() for part in (f"--{name}", value)]
        return [self.program, "--port", str(self.port), *parts]

    def answers(self) -> bool:
        """Return whether it answers a ping."""
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), 1) as s,
        ):
            s.sendall(b"PING\r\n")
            return s.recv(64).startswith(b"+PONG")
        return False

    @property
    def url(self) -> str:
        """The address of its first database."""
        return f"redis://127.0.0.1:{self.port}/0"


class Postgres(Server):
    """A PostgreSQL server in a folder of its own; it keeps its data over a stop and a kill.

    Its folder is made here, where its own user can get at it: it refuses to run as root.

    Args:
        programs: the folder with `initdb` and `postgres`.
    """

    name = "PostgreSQL"
    user = "liveops"

    def __init__(self, programs: str) -> None:
        super().__init__(str(Path(programs, "postgres")), folder_for_others("postgres"))
        self._numbers = count(1)
        self._account = unprivileged() if os.geteuid() == 0 else None
        self._data = self.folder / "data"
        if self._account is not None:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        initdb = [str(Path(programs, "initdb")), "-D", str(self._data), "-U", self.user]
        initdb += ["-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        done = subprocess.run(initdb, capture_output=True, text=True, check=False, **self.options())
        assert done.returncode == 0, done.stdout + done.stderr

    def options(self) -> dict[str, Any]:
        """Return as whom and where it runs."""
        options: dict[str, Any] = {
            "cwd": self.folder,
            "env": {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        }
        if self._account is not None:
            ids = {"user": self._account.pw_uid, "group": self._account.pw_gid}
            options |= {**ids, "extra_groups": []}
        return options

    def command(self) -> list[str]:
        """Return the command.

        A commit is handed to the system before it is confirmed, but not forced onto the disk: it
        outlives every kill of a process, which is what tests do.
        """
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": "200",
            "shared_buffers": "32MB",
        }
        parts = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        return [self.program, "-D", str(self._data), "-p", str(self.port), *parts]

    def answers(self) -> bool:
        """Return whether it takes connections."""
        try:
            with psycopg.connect(self.dsn("postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def stop(self, mode: str = "fast") -> None:
        """Shut down: "smart" waits for clients, "fast" sends them away, "immediate" crashes."""
        signals = {
            "smart": signal.SIGTERM,
            "fast": signal.SIGINT,
            "immediate": signal.SIGQUIT,
        }
        self._end(signals[mode])

    def close(self) -> None:
        """Kill it and remove its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def dsn(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str = "template1") -> str:
        """Make a database, as a copy of one that nobody is connected to; return its name."""
        name = f"site_{next(self._numbers)}"
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name


def unprivileged() -> pwd.struct_passwd:
    """Return a user for a server that refuses to run as root."""
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    pytest.fail("A database does not run as root, and there is no user postgres or nobody.")


def folder_for_others(name: str) -> Path:
    """Return a new folder that another user can reach; pytest's own are private."""
    usual = Path(tempfile.gettempdir())
    reachable = all(part.stat().st_mode & 0o001 for part in (usual, *usual.parents))
    return Path(tempfile.mkdtemp(prefix=f"liveops-{name}-", dir=usual if reachable else "/tmp"))  # noqa: S108  (a new folder of its own in there)
