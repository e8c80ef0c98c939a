"""A reader of the tutorial: a folder, a shell that has been told things, and a server."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.docs.pages import Command
from tests.docs.playing import PATIENCE, difference
from tests.engines.servers import free_port
from tests.engines.waiting import until
from tests.packaging.building import install, make_environment

VENV = "python -m venv .venv"
ACTIVATE = ". .venv/bin/activate"
INSTALL = "pip install "
SERVE = "python manage.py runserver"
SECRET = "createsuperuser"
"""What asks for a password, which it reads from a terminal only."""

PASSWORD = "stocktaking-1815"
_ON_A_TERMINAL = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))"
_UNSERVED = {"shop/tests.py"}
_UP = "Quit the server"
_RATE = re.compile(r"\d+(\.\d+)? (\w+/s)")


class Reader:
    """Types what a page says, word for word; of three commands it does the same in another way.

    The environment is made without pip, the package comes from a wheel of this tree instead of the
    registry, and the server is given a port that is free.

    Args:
        folder: an empty one.
        links: the folder with the wheel.
    """

    def __init__(self, folder: Path, links: Path) -> None:
        self.folder = folder
        self.url = ""
        self._links = links
        self._told: list[str] = []
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What the server printed so far."""
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")

    def type(self, command: Command) -> str | None:
        """Carry out a command; return what it printed otherwise than written, None if nothing."""
        line = command.line
        if line == VENV:
            make_environment(self.folder / ".venv")
        elif line == ACTIVATE:
            self._told = [line]
        elif line.startswith(INSTALL):
            self._install(shlex.split(line.removeprefix(INSTALL)))
        elif line == SERVE:
            self._serve()
        else:
            return self._compare(command)
        return None

    def _install(self, names: Sequence[str]) -> None:
        assert self._told, "The page installs before the environment is activated."
        install(self.folder / ".venv/bin/python", names, self._links)

    def _compare(self, command: Command) -> str | None:
        run = self._run_on_a_terminal if SECRET in command.line else self._run
        status, printed = run(command.line)
        if status:
            return f"$ {command.line}\nexit status {status}\n{printed}"
        if not command.printed:
            return f"$ {command.line}\n{printed}" if printed else None
        lines = printed.splitlines()
        problem = difference(_steady(command.printed), _steady(lines))
        return problem and f"$ {command.line}\n{problem}"

    def _run(self, line: str) -> tuple[int, str]:
        done = subprocess.run(
            self._shell(line),
            cwd=self.folder,
            env=self._variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        return done.returncode, done.stdout

    def _run_on_a_terminal(self, line: str) -> tuple[int, str]:
        """Answer each prompt when it is there: what is typed before is thrown away."""
        with subprocess.Popen(
            [sys.executable, "-c", _ON_A_TERMINAL, *self._shell(line)],
            cwd=self.folder,
            env=self._variables(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            printed, answered = "", 0
            while chunk := os.read(process.stdout.fileno(), 4096):
                printed += chunk.decode().replace("\r\n", "\n")
                if printed.endswith(": ") and printed.count(": ") > answered:
                    answered += 1
                    os.write(process.stdin.fileno(), f"{PASSWORD}\n".encode())
            return process.wait(PATIENCE), printed

    def _shell(self, line: str) -> list[str]:
        return ["/bin/sh", "-c", "\n".join([*self._told, line])]

    def _variables(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "COLUMNS": "80",
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
        }

    def _serve(self) -> None:
        port = free_port()
        with (self.folder / "server.log").open("wb") as log:
            self._server = subprocess.Popen(
                self._shell(f"exec {SERVE} {port}"),
                cwd=self.folder,
                env=self._variables(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.url = f"http://127.0.0.1:{port}"
        self._wait_for_server(0)

    @contextmanager
    def editing(self, paths: Sequence[str]) -> Iterator[None]:
        """Wait, if a server has loaded files that are edited in the block, until it did so anew."""
        is_served = self._server is not None and any(path not in _UNSERVED for path in paths)
        before = self.log.count(_UP) if is_served else 0
        yield
        if is_served:
            self._wait_for_server(before)

    def _wait_for_server(self, before: int) -> None:
        until(lambda: self.log.count(_UP) > before, 60, lambda: f"the server is up: {self.log}")
        until(self._answers, 60, lambda: f"the server answers: {self.log}")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/admin/login/"):
            return True
        return False

    def stop(self) -> None:
        """End the server, and the process that it runs in."""
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait(30)


def _steady(lines: Sequence[str]) -> list[str]:
    """Return lines without rates, and without blanks at their end, which editors take away."""
    return [_RATE.sub(r"0 \2", line).rstrip() for line in lines]
