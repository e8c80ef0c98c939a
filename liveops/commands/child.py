"""A child process from its start to its end: followed, and stopped where that must be."""

import signal
import subprocess
from collections.abc import Callable

from liveops.commands import group
from liveops.commands.errors import CommandTimedOut
from liveops.commands.output import Output
from liveops.commands.results import CommandResult

PULSE_SECONDS = 0.09
"""Longest wait between two pulses."""

LINGER_SECONDS = 0.5
"""How long output is still awaited from what a command has left in the background."""

KILL_SECONDS = 2.0
"""How long killed processes are given to be gone; only a hanging device holds one up longer."""

_SHORTEST_PAUSE = 0.001


class TimeIsOverError(Exception):
    """The command has taken longer than it may; nothing has been done about it yet."""


class Child:
    """One child process that leads a process group, its output, and the ways it can end.

    Args:
        process: has just been started.
        output: is not attached to it yet.
        clock: gives seconds that never go back.
    """

    def __init__(
        self, process: "subprocess.Popen[bytes]", output: Output, clock: Callable[[], float]
    ) -> None:
        self._process = process
        self._output = output
        self._clock = clock
        self._interrupt: KeyboardInterrupt | SystemExit | None = None

    def follow(self, pulse: Callable[[], None], deadline: float | None) -> None:
        """Hand over output until the process has ended by itself.

        A process in the background that still holds the output is listened to for a moment more.

        Raises:
            TimeIsOverError: it still runs at the deadline.
        """
        if self._process.stdout is not None:
            self._output.attach(self._process.stdout)
        pause = _SHORTEST_PAUSE
        while self._process.poll() is None:
            left = PULSE_SECONDS if deadline is None else deadline - self._clock()
            if left <= 0:
                raise TimeIsOverError
            if not self._output.is_open:  # its end is near, and nothing will announce it
                left = min(left, pause)
                pause *= 2
            self._output.wait(min(left, PULSE_SECONDS))
            pulse()
        until = self._clock() + LINGER_SECONDS
        while self._output.is_open and (left := until - self._clock()) > 0:
            self._output.wait(min(left, PULSE_SECONDS))
            pulse()
        self._output.finish()
        pulse()

    def stop(self, grace: Callable[[], float]) -> None:
        """End every process of the group, handing over their last words, and reap the child.

        They are asked to end, and killed when they have not in time. A KeyboardInterrupt or
        SystemExit that comes before that has them killed at once; the verdict is told of it.

        Args:
            grace: says how many seconds they have.

        Raises:
            BaseException: whatever else interrupts this, after they were killed.
        """
        try:
            self._stop(grace)
        except BaseException:
            # Also a second signal, where it strikes while the first is being dealt with.
            self._kill()
            self._wait_until_gone(self._clock() + KILL_SECONDS)
            raise

    def _stop(self, grace: Callable[[], float]) -> None:
        gone = False
        try:
            self._output.tolerate()
            group.send(self._process.pid, signal.SIGTERM)
            group.send(self._process.pid, signal.SIGCONT)  # one that is halted would not notice
            gone = self._wait_until_gone(self._clock() + grace())
        except (KeyboardInterrupt, SystemExit) as error:
            self._note(error)
        deadline = self._clock() + KILL_SECONDS
        while True:
            try:
                if not gone:
                    self._kill()
                    gone = self._wait_until_gone(deadline)
                self._output.finish()
            except (KeyboardInterrupt, SystemExit) as error:
                self._note(error)  # it may have come before the signal was sent
            else:
                return

    def _kill(self) -> None:
        group.send(self._process.pid, signal.SIGKILL)

    def _note(self, error: KeyboardInterrupt | SystemExit) -> None:
        """Remember the latest interruption; a SystemExit is not replaced by a Ctrl-C."""
        if isinstance(error, SystemExit) or not isinstance(self._interrupt, SystemExit):
            self._interrupt = error

    def result(
        self, command: str, seconds: float, mask: Callable[[str], str] = str
    ) -> CommandResult:
        """Return what is known of the process that has ended.

        Args:
            command: as it is shown.
            seconds: how long it took.
            mask: is applied to each of the last lines.
        """
        code = self._process.returncode
        # Without a code it could not be killed, which the verdict says.
        if code is None:
            code = -signal.SIGKILL
        return CommandResult(command, code, seconds, tuple(map(mask, self._output.tail)))

    def verdict(
        self, error: BaseException, result: CommandResult, timeout: float | None
    ) -> BaseException:
        """Return what is to be raised after a stop, with what else went wrong as its notes.

        Args:
            error: what the stop was for.
            result: of the stopped process.
            timeout: the seconds that it was given.
        """
        if isinstance(error, TimeIsOverError) and timeout is not None:
            error = CommandTimedOut(result, timeout)
        later = self._interrupt
        # A first Ctrl-C must not get lost in an `except Exception`, nor a SIGTERM in anything.
        if isinstance(later, SystemExit) or (later is not None and isinstance(error, Exception)):
            if later is not error:
                later.__cause__ = error
            error = later
        if self._output.refusal is not None:
            error.add_note(
                "Its last output could not be handed over while the command was being stopped: "
                f"{self._output.refusal!r}"
            )
        if self._process.returncode is None or group.is_alive(self._process.pid):
            error.add_note(f"Process group {self._process.pid} could not be ended.")
        return error

    def _wait_until_gone(self, deadline: float) -> bool:
        """Wait until no process of the group is left; return whether that is so by the deadline."""
        pause = _SHORTEST_PAUSE
        while self._process.poll() is None or group.is_alive(self._process.pid):
            left = deadline - self._clock()
            if left <= 0:
                return False
            self._output.wait(min(left, pause))
            pause = min(2 * pause, PULSE_SECONDS)
        return True
