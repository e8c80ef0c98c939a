"""A process of a site, which a test may stop, kill, pause and start anew."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil
import pytest

from tests.engines.forking import ForkedProcess
from tests.engines.journal import Journal
from tests.engines.programs import start_python
from tests.engines.waiting import until

_MOST_TOLD = 30_000


class Process:
    """A running command of a site.

    Args:
        command: the program and its arguments.
        environment: its variables.
        log: the file that takes all it prints.
        journal: where it is noted that a process was killed.
        family: the processes of the site; it adds itself.
        descriptors: open files that it inherits.
        url: where it serves, if it does.
        folder: where it works; that of its log unless told otherwise.
        is_fork: whether Python has loaded common libraries before it begins.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        journal: Journal,
        family: "list[Process]",
        *,
        descriptors: Sequence[int] = (),
        url: str = "",
        folder: Path | None = None,
        is_fork: bool = True,
    ) -> None:
        self.command = list(command)
        self._is_fork = is_fork
        self.url = url
        self._environment = dict(environment)
        self._log = log
        self._journal = journal
        self._family = family
        self._descriptors = tuple(descriptors)
        self._folder = folder or log.parent
        with log.open("ab") as output:
            self._log_from = output.tell()
            self._process = self._start(output)
        family.append(self)

    def _start(self, output: IO[bytes]) -> "subprocess.Popen[bytes] | ForkedProcess":
        program, *arguments = self.command
        options: dict[str, Any] = {"descriptors": self._descriptors, "folder": self._folder}
        if program == sys.executable and self._is_fork:
            return start_python(arguments, self._environment, output, **options)
        return subprocess.Popen(
            self.command,
            env=self._environment,
            pass_fds=self._descriptors,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=self._folder,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it lives; one that is paused does."""
        return self._process.poll() is None

    @property
    def log(self) -> str:
        """What it and its children printed so far."""
        with self._log.open("rb") as file:
            file.seek(self._log_from)
            return file.read().decode("utf-8", "replace")

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """Show what it printed if the block fails."""
        try:
            yield
        except pytest.fail.Exception as failure:
            pytest.fail(f"{failure}\n{self.log[-_MOST_TOLD:]}")

    def again(self) -> "Process":
        """Start the same command anew, at the same address if it serves; the log goes on."""
        return Process(
            self.command,
            self._environment,
            self._log,
            self._journal,
            self._family,
            descriptors=self._descriptors,
            url=self.url,
            folder=self._folder,
            is_fork=self._is_fork,
        )

    def children(self) -> list[psutil.Process]:
        """Return its children and theirs, such as the pool of a Celery worker."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.pid).children(recursive=True)
        return []

    def kill(self, *pids: int) -> None:
        """Let it die with all its children, as when the machine is gone; or only those named."""
        if pids:
            victims = [process for process in self._tree() if process.pid in pids]
        else:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(self.pid).suspend()  # so that it starts no further child meanwhile
            victims = self._tree()
        for process in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if not pids or self.pid in pids:
            self.wait()
        # Dead, but perhaps not buried: that is for process 1, which may take its time, and somebody
        # who reads the journal would take the dead for being at work still.
        until(lambda: all(map(_is_dead, victims)), 30, "the end of what was killed")
        for process in victims:
            self._journal.note("killed", pid=process.pid)
        psutil.wait_procs([each for each in victims if each.pid != self.pid], timeout=30)

    def terminate(self) -> None:
        """Ask it to end: SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def interrupt(self) -> None:
        """Press Ctrl-C: SIGINT."""
        self._process.send_signal(signal.SIGINT)

    def pause(self) -> None:
        """Stop it and its children without ending them: SIGSTOP."""
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
                self._journal.note("paused", pid=process.pid)

    def go_on(self) -> None:
        """Let what was paused go on: SIGCONT."""
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def wait(self, timeout: float = 30.0) -> int:
        """Wait for its end; return its exit status, negative for a signal."""
        return self._process.wait(timeout)

    def _tree(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return [psutil.Process(self.pid), *self.children()]
        return []


def _is_dead(process: psutil.Process) -> bool:
    try:
        status = process.status()
    except psutil.NoSuchProcess:
        return True
    return bool(status in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD))


def kill_all(processes: Iterable[Process], variable: str, value: str) -> None:
    """Kill processes and all that they have started; none is left behind.

    Args:
        processes: those that a site knows; each has a session of its own.
        variable: an environment variable that those have, too, which left their session.
        value: its value.
    """
    sessions = {process.pid for process in processes}
    victims = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            mine = process.pid != os.getpid() and process.uids().real == os.getuid()
            if mine and (
                os.getsid(process.pid) in sessions or process.environ().get(variable) == value
            ):
                process.kill()
                victims.append(process)
    psutil.wait_procs(victims, timeout=30)
