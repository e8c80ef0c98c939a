"""What goes wrong with commands, each in words that watchers may read."""

import signal
from collections.abc import Callable
from typing import Any

from liveops.commands.results import CommandResult
from liveops.exceptions import OperationError
from liveops.progress.text import clean, cut

COMMAND_LIMIT = 500
"""Characters of a command that are repeated in a message."""

QUOTED_LINES = 10
"""Last lines of the output that are repeated in a message."""

QUOTED_LIMIT = 200
"""Characters that are repeated of each of these lines."""


class CommandNotStarted(OperationError):
    """The system could not start a command.

    Args:
        command: the command as it is shown and recorded.
        reason: why, without a full stop.
    """

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(f"{quote(command)} could not be started: {reason}.")
        self.command = command
        self.reason = reason

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return type(self), (self.command, self.reason)


class CommandFailed(OperationError):
    """A command ended with an exit status other than 0, or was killed by a signal.

    Attributes:
        result: all that is known of the command; its parts are attributes of their own, too.
        command: the command as it is shown and recorded.
        returncode: its exit status; negative for the signal that killed it.
        tail: the last lines of its output.
    """

    def __init__(self, result: CommandResult) -> None:
        super().__init__(f"{quote(result.command)} {self._ending(result)}.{_tail(result)}")
        self.result = result
        self.command = result.command
        self.returncode = result.returncode
        self.tail = result.tail

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return type(self), (self.result,)

    def _ending(self, result: CommandResult) -> str:
        if result.returncode < 0:
            return f"was killed by {signal_name(-result.returncode)}"
        return f"ended with exit status {result.returncode}"


class CommandTimedOut(CommandFailed):
    """A command was stopped because it took longer than it may.

    Args:
        result: what is known of the command after it was stopped.
        timeout: the seconds that it was given.
    """

    def __init__(self, result: CommandResult, timeout: float) -> None:
        self.timeout = timeout
        super().__init__(result)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return type(self), (self.result, self.timeout)

    def _ending(self, result: CommandResult) -> str:
        return f"was stopped after {self.timeout:.12g} s, its time limit"


def raise_for_status(result: CommandResult) -> None:
    """Raise :class:`CommandFailed` unless the command ended with exit status 0."""
    if result.returncode:
        raise CommandFailed(result)


def quote(command: str) -> str:
    """Return a command as it stands in a message."""
    return f"`{clean(cut(command, COMMAND_LIMIT))}`"


def last_lines(result: CommandResult) -> list[str]:
    """Return the last lines of a command's output as they stand in a message."""
    lines = [line for line in result.tail if line.strip()][-QUOTED_LINES:]
    return [clean(_shorten(line)) for line in lines]


def _tail(result: CommandResult) -> str:
    lines = last_lines(result)
    return "\n".join((" Its last lines:", *lines)) if lines else ""


def _shorten(line: str) -> str:
    return line if len(line) <= QUOTED_LIMIT else f"{line[: QUOTED_LIMIT - 1]}…"


def signal_name(number: int) -> str:
    """Return the name of a signal, such as SIGTERM."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
