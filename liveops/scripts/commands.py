"""Shell commands as text: how they are recorded, and how they are laid out for reading."""

import shlex
from collections.abc import Sequence


def command_text(command: str | Sequence[str]) -> str:
    """Return a command as one would type it; a list of arguments is quoted where needed."""
    return command if isinstance(command, str) else shlex.join(map(str, command))


def pretty(command: str, indent: int) -> str:
    """Return a command laid out over several lines that the shell reads as one.

    A long option stands on a line of its own, together with the value that follows it, if any;
    so does every other argument. Arguments are quoted where they would otherwise fall apart.

    Args:
        command: as it is typed in a shell.
        indent: by how many spaces the lines after the first are indented.

    Raises:
        ValueError: a quotation is not closed.
    """
    lines: list[str] = []
    waits_for_value = False
    for word in shlex.split(command):
        if waits_for_value and not word.startswith("-"):
            lines[-1] += f" {_quoted(word)}"
            waits_for_value = False
        else:
            waits_for_value = bool(lines) and word.startswith("--")
            lines.append(_quoted(word))
    return (" \\\n" + " " * indent).join(lines)


def _quoted(word: str) -> str:
    """Quote an argument if a shell would not read it as one; ``|`` and ``*`` keep their meaning."""
    try:
        whole = shlex.split(word) == [word]
    except ValueError:
        whole = False
    return word if whole else shlex.quote(word)
