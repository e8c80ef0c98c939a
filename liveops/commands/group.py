"""Process groups: signals to all of a command's processes, and whether any of them is left."""

import os
from pathlib import Path

_PROC = Path("/proc")


def send(group: int, number: int) -> None:
    """Send a signal to every process of the group; to none where all have ended.

    Processes that run as another user stay as they are: the system does not let them be signalled.
    """
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def is_alive(group: int) -> bool:
    """Whether a process of the group still runs.

    A process that has ended stays in its group until it is reaped by its parent, and there are
    containers in which nobody reaps orphans. Where the system tells (Linux), such processes count
    as gone.
    """
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody is there, but runs as another user
    states = [state for member, state in _processes() if member == group]
    return not states or any(state not in "ZX" for state in states)


def _processes() -> list[tuple[int, str]]:
    """Return group and state of every process; nothing on systems without ``/proc``."""
    found = []
    for path in _PROC.glob("[0-9]*/stat"):
        try:
            # The name of the program stands in parentheses, and may hold some itself.
            fields = path.read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue  # ended meanwhile, or hidden from us
        found.append((int(fields[2]), fields[0].decode()))
    return found
