"""Starting the child process of a command, or saying in plain words why it cannot be."""

import errno
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from liveops.commands.arguments import Command, describe
from liveops.commands.errors import CommandNotStarted

Directory = str | os.PathLike[str] | None


def start(
    command: Command,
    env: dict[str, str] | None,
    cwd: Directory,
    mask: Callable[[str], str] = str,
) -> "subprocess.Popen[bytes]":
    """Start the command in a process group of its own, its output and errors in one pipe.

    The group keeps a Ctrl-C in the terminal from reaching the command, and lets it be stopped with
    all of its descendants.

    Args:
        command: a line for the shell, or a program and its arguments.
        env: the whole environment; None for that of this process.
        cwd: the directory to run in; None for that of this process.
        mask: is applied to what is shown of the command.

    Raises:
        CommandNotStarted: the system cannot; the message names the command and the reason.
    """
    if not hasattr(os, "killpg"):
        raise CommandNotStarted(
            mask(describe(command)),
            "this system has no process groups, which stopping a command takes",
        )
    try:
        return subprocess.Popen(  # noqa: S603  (what the caller asked for)
            command,
            bufsize=0,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            shell=isinstance(command, str),
            cwd=cwd,
            env=env,
            start_new_session=True,
        )
    except OSError as error:
        reason = _directory_problem(cwd) or _program_problem(command, cwd, error)
        raise CommandNotStarted(mask(describe(command)), mask(reason)) from error


def _directory_problem(cwd: Directory) -> str:
    """Return what keeps a program from running in the directory; empty if nothing does."""
    if cwd is None:
        return ""
    path = Path(cwd)
    try:
        path.stat()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        return f"its directory {path} {'does not exist' if missing else 'cannot be reached'}"
    if not path.is_dir():
        return f"its directory {path} is a file"
    return "" if os.access(path, os.X_OK) else f"its directory {path} cannot be entered"


def _program_problem(command: Command, cwd: Directory, error: OSError) -> str:
    program = "/bin/sh" if isinstance(command, str) else os.fspath(command[0])
    name = shlex.quote(program)
    path = Path(cwd or ".", program)  # a program with a slash is looked for from its directory
    if error.errno == errno.ENOENT:
        if "/" not in program:
            return f"there is no program {name} on the PATH"
        if path.exists():
            return f"the interpreter that {name} names in its first line does not exist"
        return f"there is no program {name}"
    if error.errno == errno.EACCES:
        what = "is a directory" if path.is_dir() else "may not be executed"
        return f"{name} {what}"
    if error.errno == errno.ENOEXEC:
        return f"{name} is no program of this system, nor a script that names its interpreter"
    return f"the system says “{error.strerror}”"
