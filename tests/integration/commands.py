"""What the tests of ``p.run()`` share: somebody who watches a run, and acts on what is shown."""

import asyncio
import os
import shlex
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import pytest
from django.db import connections

from liveops import control, registry
from liveops.exceptions import StopSignal
from liveops.models import CommandRun, LiveOperation
from liveops.progress import Progress
from liveops.progress.pumps import Pump, inline_pump, threaded_pump
from liveops.progress.update import Update
from liveops.progress.view import Line
from tests.integration.edge import DEADLINE
from tests.integration.helpers import run_scripted
from tests.testapp.models import AsyncScripted, Scripted

MakePump = Callable[[], Pump]
PUMPS = [pytest.param(inline_pump, id="inline"), pytest.param(threaded_pump, id="threaded")]


def family(then: str = "") -> str:
    """Return a command that starts another process and waits for it; both tell their numbers.

    The other one tells its own last, so that both are up by then, and does what is given.
    """
    other = shlex.quote(f"echo grandchild $$; {then}exec sleep 1000")
    return f"echo child $$; sh -c {other} & wait"


FAMILY = family()

DEAF = "trap '' TERM; "
"""Put before a command, it does not heed SIGTERM, nor does what it starts."""


class Gate:
    """Holds a command up until the test lets it go on: ``read x < gate`` in its script.

    Or the other way round: a coroutine waits for ``echo > gate`` in the script.
    """

    def __init__(self, folder: Path, name: str = "gate") -> None:
        self._path = folder / name
        os.mkfifo(self._path)
        self._file = -1

    def __enter__(self) -> Self:
        # Also open for reading, so that neither this nor a write ever waits for the command.
        self._file = os.open(self._path, os.O_RDWR | os.O_NONBLOCK)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def __str__(self) -> str:
        return shlex.quote(str(self._path))

    def open(self) -> None:
        """Let the command go on."""
        os.write(self._file, b"go\n")

    async def reached(self) -> None:
        """Return when the command has said so."""
        loop, reached = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._file, reached.set)
        try:
            await asyncio.wait_for(reached.wait(), DEADLINE)
        finally:
            loop.remove_reader(self._file)


Reaction = Callable[[LiveOperation], object]


class Lookout:
    """A sink that keeps log lines, and does something when a text is first shown.

    Args:
        reactions: what is done, by the beginning of the line; called where updates are handed over.
    """

    def __init__(self, reactions: Mapping[str, Reaction] | None = None) -> None:
        self.lines: list[Line] = []
        self.frames = 0
        self.skipped = 0
        self.trouble: list[Exception] = []
        self._reactions = dict(reactions or {})

    def emit(self, update: Update) -> None:
        """Keep the lines, then react."""
        self.frames += 1
        self.skipped += sum(missing for missing, _ in update.log())
        self.lines += update.lines
        texts = [line.text for line in update.lines] if self._reactions else []
        for start in list(self._reactions):
            if any(text.startswith(start) for text in texts):
                reaction = self._reactions.pop(start)
                try:
                    reaction(update.operation)
                except Exception as error:
                    self.trouble.append(error)
                    raise

    def close(self) -> None:
        """Nothing to close."""

    @property
    def texts(self) -> list[str]:
        """The lines without what belongs to them."""
        return [line.text for line in self.lines]

    def pid(self, name: str) -> int:
        """Return the number that a process printed after this name."""
        return pid_in(self.texts, name)


class Outcome:
    """What is left of a run: the operation as stored, what was shown, and the rows."""

    def __init__(self, operation: Any, lookout: Lookout) -> None:
        self.operation = operation
        self.lookout = lookout

    @property
    def state(self) -> str:
        return str(self.operation.get_state())

    @property
    def error_text(self) -> str:
        return str(self.operation.live_progress.error_text)

    @property
    def log(self) -> list[str]:
        """The stored log lines."""
        return list(self.operation.log_lines.values_list("text", flat=True))

    @property
    def commands(self) -> list[CommandRun]:
        """The recorded commands."""
        return list(CommandRun.objects.filter(operation_id=self.operation.pk))

    @property
    def statuses(self) -> list[tuple[str, int | None]]:
        """Stage and exit status of each recorded command."""
        return [(row.stage, row.exit_status) for row in self.commands]


def perform(
    body: Callable[..., Any],
    pump: Pump,
    reactions: Mapping[str, Reaction] | None = None,
    *,
    model: type[Scripted] | type[AsyncScripted] = Scripted,
    sinks: tuple[Any, ...] = (),
    **fields: Any,
) -> Outcome:
    """Run a body as an operation while somebody watches; no process and no thread is left."""
    lookout = Lookout(reactions)
    children, before = psutil.Process().children(), set(_threads)
    try:
        operation, _ = run_scripted(body, pump=pump, sinks=(*sinks, lookout), model=model, **fields)
    finally:
        for thread in set(_threads) - before:
            thread.join(DEADLINE)
            assert not thread.is_alive()
            _threads.remove(thread)
    assert not lookout.trouble
    assert psutil.Process().children() == children
    return Outcome(operation, lookout)


def perform_async(
    body: Callable[[AsyncScripted, Progress], Awaitable[Any]],
    pump: MakePump,
    reactions: Mapping[str, Reaction] | None = None,
) -> Outcome:
    """Run an async body as an operation."""
    return perform(body, pump(), reactions, model=AsyncScripted)


_threads: list[threading.Thread] = []


def elsewhere(function: Callable[[LiveOperation], object]) -> Reaction:
    """Return a reaction that calls the function in another thread and does not wait for it."""

    def react(operation: LiveOperation) -> None:
        def work() -> None:
            try:
                function(LiveOperation.objects.get(pk=operation.pk))
            finally:
                connections.close_all()

        thread = threading.Thread(target=work, daemon=True)
        _threads.append(thread)
        thread.start()

    return react


cancel = elsewhere(control.cancel)
"""A reaction: somebody cancels the operation."""


def stop_with(signal: StopSignal) -> Reaction:
    """Return a reaction that has this signal stop the run."""

    def stop(operation: LiveOperation) -> None:
        run = registry.find(operation.pk)
        assert run is not None
        run.request_stop(signal)

    return stop


def is_gone(pid: int) -> bool:
    """Whether the process runs no more; who reaps an orphan is not our business."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def pid_in(texts: list[str], name: str) -> int:
    """Return the number that a process printed after this name."""
    return next(int(text.split()[1]) for text in texts if text.startswith(f"{name} "))
