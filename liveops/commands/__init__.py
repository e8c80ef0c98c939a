"""Run a command as a child process whose output streams while it runs, and can be stopped."""

from liveops.commands.errors import (
    CommandFailed,
    CommandNotStarted,
    CommandTimedOut,
    raise_for_status,
)
from liveops.commands.process import CommandResult, check_arguments, describe, stream

__all__ = [
    "CommandFailed",
    "CommandNotStarted",
    "CommandResult",
    "CommandTimedOut",
    "check_arguments",
    "describe",
    "raise_for_status",
    "stream",
]
