"""``p.run()``: commands as child processes whose output goes into the log while they run."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from liveops.commands.arguments import Command
from liveops.commands.errors import raise_for_status
from liveops.commands.process import CommandResult, check_arguments, describe
from liveops.conf import get_settings
from liveops.exceptions import InvalidStateError, OperationInterrupted, StopSignal
from liveops.progress.bridge import in_event_loop
from liveops.progress.ledger import Span
from liveops.progress.redaction import checked_values
from liveops.progress.run import Run
from liveops.progress.stopping import ending_seconds
from liveops.progress.text import LEVELS, unknown_level
from liveops.progress.waiting import PULSE_SECONDS


class Commands:
    """Lets user code run commands; a part of ``Progress``."""

    _run: Run

    def run(
        self,
        command: Command,
        *,
        env: Mapping[str, str | None] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        check: bool = True,
        timeout: float | None = None,
        grace: float = 5.0,
        level: str = "info",
        secrets: Iterable[str] = (),
    ) -> CommandResult:
        """Run a command; what it prints goes into the log, line by line, while it runs.

        The command and its duration are recorded on the operation (``command_runs``), so name
        secrets in it, or keep them in ``env``, which is never recorded. It gets no input, and its
        errors go where its output goes. When the operation is cancelled, and when the time is over,
        the command's whole process group is sent SIGTERM and, after the grace period, SIGKILL. In a
        dry run nothing is started.

        Args:
            command: a list of program and arguments, or a string for the shell.
            env: variables added to those of this process; None as a value takes one away.
            cwd: directory to run in.
            check: whether an exit status other than 0 is an error.
            timeout: seconds that the command may take; None for any time.
            grace: seconds between SIGTERM and SIGKILL; fewer when the process goes down, and none
                after a second Ctrl-C.
            level: of the log lines, as for :meth:`status`.
            secrets: values that are masked from now on in all that this run shows and stores, as
                by :meth:`mask`; in this command, in what it prints, and in what is returned or
                raised, too.

        Returns:
            Exit status (``returncode``), ``seconds``, and the last lines (``output``).

        Raises:
            CommandFailed: the exit status was not 0; the message has the last lines.
            CommandTimedOut: the time was over; also a ``CommandFailed``.
            CommandNotStarted: there is no such program or directory.
            OperationCancelled: the operation was cancelled; the command was stopped first.
            TypeError, ValueError: an argument cannot be what it is meant to be.
            RuntimeError: called in a coroutine; write ``await p.arun(…)`` there.
        """
        if in_event_loop():
            raise RuntimeError("p.run() would block the event loop; write 'await p.arun(…)'.")
        how = {"env": env, "cwd": cwd, "timeout": timeout, "grace": grace}
        call = _Call(self._run, command, level, how, secrets)
        try:
            call.stream(call.add_lines, self._run.pulse)
        finally:
            call.record()
        return call.outcome(check=check)

    async def arun(
        self,
        command: Command,
        *,
        env: Mapping[str, str | None] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        check: bool = True,
        timeout: float | None = None,  # noqa: ASYNC109  (it ends the command, not the await)
        grace: float = 5.0,
        level: str = "info",
        secrets: Iterable[str] = (),
    ) -> CommandResult:
        """Run a command from a coroutine, while its event loop goes on; otherwise as :meth:`run`.

        If the task is cancelled, the command is stopped before the cancellation goes on.
        """
        run = self._run
        how = {"env": env, "cwd": cwd, "timeout": timeout, "grace": grace}
        call = _Call(run, command, level, how, secrets)
        add_lines = call.add_lines if run.is_polled else _in_loop(call.add_lines)
        own_thread = ThreadPoolExecutor(1, thread_name_prefix="liveops-command")
        context, language = copy_context(), translation.get_language()

        def stream_there() -> None:
            with translation.override(language):
                call.stream(add_lines, lambda: None)

        # No task: a loop that is closed cancels all its tasks, and this has to be waited for.
        end = asyncio.get_running_loop().run_in_executor(own_thread, context.run, stream_there)
        cancelled: asyncio.CancelledError | None = None
        while not end.done():
            try:
                await asyncio.wait([end], timeout=None if run.is_polled else PULSE_SECONDS)
                run.pulse()
            except asyncio.CancelledError as cancel:
                cancelled = cancel
                call.abandoned = True
        own_thread.shutdown(wait=False)
        call.record()
        error = end.exception()
        if isinstance(error, StopSignal):
            raise error  # must not get lost, whatever else there is to raise
        if cancelled is not None:
            raise cancelled
        if error is not None:
            raise error
        return call.outcome(check=check)


class _AbandonedError(BaseException):
    """Nobody waits for a command any more."""


class _Call:
    """One command of a run, from the check of its arguments to its record.

    Attributes:
        abandoned: set to have the command stopped, from another thread perhaps.
    """

    def __init__(
        self,
        run: Run,
        command: Command,
        level: str,
        how: dict[str, Any],
        secrets: Iterable[str],
    ) -> None:
        run.redactor.add(checked_values(secrets))  # before anything is said of the command
        if level not in LEVELS:
            raise unknown_level(level)
        check_arguments(command, **how)
        if run.has_ended:
            raise InvalidStateError("The run has ended, so no command can be run for it.")
        run.raise_stop()
        self.abandoned = False
        self._run = run
        self._command = command
        self._shown = run.redactor.mask(describe(command))
        self._level = level
        self._stage = run.state.stage
        self._how = how
        self._grace = float(how["grace"])
        # A command that cleans up after a stop is not stopped by the same one.
        self._stop_before = run.stop
        self._result: CommandResult | None = None
        self._is_dry = bool(run.operation.dry_run)
        line = _("Dry run: %s") if self._is_dry else "$ %s"
        run.state.add_line(line % self._shown, level)
        self._began = run.clock()

    def add_lines(self, lines: list[str]) -> None:
        """Put what the command printed into the log."""
        self._run.state.add_lines(lines, self._level)

    def stream(self, add_lines: Callable[[list[str]], None], beat: Callable[[], None]) -> None:
        """Run the command to its end; in any thread.

        Args:
            add_lines: takes what it prints.
            beat: is called again and again meanwhile.
        """
        if self._is_dry:
            self._result = CommandResult(self._shown, 0, 0.0, ())
            return
        run = self._run

        def pulse() -> None:
            beat()
            run.raise_newer_stop(self._stop_before)
            if self.abandoned:
                raise _AbandonedError

        def keep(result: CommandResult) -> None:
            self._result = result

        run.carry_out(
            self._command,
            on_lines=add_lines,
            on_stop=run.on_stop,
            pulse=pulse,
            grace_for=self._grace_for,
            on_end=keep,
            redactor=run.redactor,
            **self._how,
        )

    def record(self) -> None:
        """Record the command on the operation, unless nothing was run."""
        if not self._is_dry:
            code = None if self._result is None else self._result.returncode
            span = Span(self._run.clock() - self._began)
            shown = self._run.redactor.mask(self._shown)  # more may have been named meanwhile
            self._run.record_command(self._stage, shown, code, span)

    def outcome(self, *, check: bool) -> CommandResult:
        """Return how the command ended.

        Raises:
            CommandFailed: its exit status was not 0, if that is to be checked.
        """
        assert self._result is not None  # noqa: S101  (stream() has returned)
        if check:
            raise_for_status(self._result)
        return self._result

    def _grace_for(self, error: BaseException) -> float:
        if isinstance(error, KeyboardInterrupt) and self._run.stop is not None:
            return 0.0  # the second Ctrl-C
        if isinstance(error, SystemExit | OperationInterrupted):
            grace = get_settings().SHUTDOWN_GRACE
            # A run that asks has used up the most of it.
            left = ending_seconds(grace) if self._run.asks_for_grace else grace
            return min(self._grace, left / 2)
        return self._grace


def _in_loop(function: Callable[[list[str]], None]) -> Callable[[list[str]], None]:
    """Return a function that has another one called in the running loop, and waits for that."""
    loop = asyncio.get_running_loop()

    def call(lines: list[str]) -> None:
        done = threading.Event()

        def in_loop() -> None:
            try:
                function(lines)
            finally:
                done.set()

        loop.call_soon_threadsafe(in_loop)
        done.wait()

    return call
