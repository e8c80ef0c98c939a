"""Run a command as a child process whose output streams while it runs, and can be stopped."""

from liveops.commands.errors import (
    CommandFailed,
    CommandNotStarted,
    CommandTimedOut,
)
from liveops.commands.process import describe as describe
from liveops.commands.results import CommandResult

__all__ = [
    "CommandFailed",
    "CommandNotStarted",
    "CommandResult",
    "CommandTimedOut",
]
