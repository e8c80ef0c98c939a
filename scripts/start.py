"""Check the Python that make found, then hand over to a command of this folder.

Usage: ``python3 scripts/start.py COMMAND [OPTION ...]``, where COMMAND is a module of this folder.

This file runs before anything is known about the interpreter, so it keeps to syntax that any
Python 3 reads: quoted annotations, no newer library. The commands that it hands over to are
written for Python 3.11.
"""

import importlib
import os
import shutil
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(FOLDER)
OLDEST = (3, 11)
NEWEST = (3, 14)


def complaint(version: "tuple[int, int]", lacks: "set[str]", found: "set[str]") -> str:
    """Return why this Python will not do and what to do about it, or an empty string.

    `version` is its major and minor number, `lacks` the modules that it should have and has not,
    `found` the names of other interpreters on this machine.
    """
    if version < OLDEST:
        way = "Install a newer one, then say which: make PYTHON=/path/to/python3 ..."
        for minor in range(OLDEST[1], NEWEST[1] + 1):
            if "python3.%d" % minor in found:
                way = "This machine has a newer one: make PYTHON=python3.%d ..." % minor
        return "Python %d.%d is too old: 3.11 or newer is needed. %s" % (version + (way,))
    if "venv" in lacks or "ensurepip" in lacks:
        return (
            "This Python cannot make virtual environments. "
            "On Debian or Ubuntu: apt install python3-venv"
        )
    if lacks:
        return (
            "This Python was built without the module %s. "
            "Take another one: make PYTHON=/path/to/python3 ..." % " and ".join(sorted(lacks))
        )
    return ""


def missing_modules(
    names: "tuple[str, ...]" = ("ensurepip", "sqlite3", "ssl", "venv"),
) -> "set[str]":
    """Return those of the named modules that cannot be imported."""
    lacks = set()
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            lacks.add(name)
    return lacks


def other_pythons() -> "set[str]":
    """Return the names of the interpreters, new enough, that the search path has."""
    names = ["python3.%d" % minor for minor in range(OLDEST[1], NEWEST[1] + 1)]
    return {name for name in names if shutil.which(name)}


def main(arguments: "list[str]") -> int:
    """Run one command; return its exit status."""
    version = sys.version_info[0], sys.version_info[1]
    text = complaint(version, missing_modules(), other_pythons())
    if text:
        sys.stderr.write(text + "\n")
        return 1
    sys.path[:] = [ROOT] + [entry for entry in sys.path if entry != FOLDER]
    os.chdir(ROOT)
    command = importlib.import_module("scripts." + arguments[0])
    try:
        return int(command.main(arguments[1:]))
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped.\n")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
