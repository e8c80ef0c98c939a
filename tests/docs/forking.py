"""Type commands one after the other, with Django loaded once: each ``manage.py`` is a fork.

This is a program: it reads a list of command lines as JSON, and writes a list of what each of them
printed. It runs in the folder of a site. Loading Django anew for every command would take a second
each time.
"""

import json
import os
import shlex
import sys
from pathlib import Path

import django
from django.core.management import execute_from_command_line

_MANAGE = ["python", "manage.py"]
_ERRORS = "2>"


def main() -> None:
    """Carry out the commands that are read."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "mysite"
    sys.path.insert(0, str(Path.cwd()))
    django.setup()
    printed, status = [], 0
    for line in json.load(sys.stdin):
        text, status = _carry_out(line, status)
        printed.append(text)
    json.dump(printed, sys.stdout)


def _carry_out(line: str, before: int) -> tuple[str, int]:
    """Carry out a command; return what it printed, and its exit status."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        os.close(reading)
        os.close(writing)
        _become(line, before)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as output:
        text = output.read()
    return text, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _become(line: str, before: int) -> None:
    """Be the command, and end with its exit status; what it raises ends this process, too."""
    if line.split()[:2] != _MANAGE:
        # The shell's last command was none of its own, so it is told how that ended.
        os.execvp("sh", ["sh", "-c", f"(exit {before})\n{line}"])  # noqa: S606, S607  (a shell takes the line to pieces, as a reader's does)
    words = shlex.split(line)
    if words[-2] == _ERRORS:
        *words, _, path = words
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 2)
    status: object = 0
    try:
        execute_from_command_line(words[1:])
    except SystemExit as leaving:
        status = leaving.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 0 if status is None else 1)


if __name__ == "__main__":
    main()
