"""Pin what development needs: ``make lock`` writes the files of requirements/, with hashes.

Each file is good for every Python and system that the project supports. Versions that still fit
pyproject.toml stay; ``make lock UPGRADE=1`` takes the newest instead. The tool is uv, which this
command installs into an environment of its own.
"""

import argparse
import sys
from dataclasses import dataclass

from scripts import environment, pip_settings

OLDEST_PYTHON = "3.11"


@dataclass(frozen=True, slots=True)
class Lock:
    """One file of pinned packages.

    Attributes:
        name: of the file, without ``.txt``.
        parts: the options of uv that say what of pyproject.toml it pins.
        follows: the file whose versions it takes where both pin a package, or an empty string.
    """

    name: str
    parts: tuple[str, ...]
    follows: str = ""


# A group stands for itself; an extra brings what the package needs to run, too.
LOCKS = (
    Lock("install", ("--group", "install")),
    Lock("audit", ("--group", "audit")),
    Lock("matrix", ("--group", "matrix")),
    Lock("dev", ("pyproject.toml", "--extra", "dev", "--group", "build")),
    Lock("example", ("pyproject.toml", "--extra", "example", "--group", "build"), "dev"),
    Lock("node", ("pyproject.toml", "--extra", "node", "--group", "build"), "dev"),
)


def options(lock: Lock, *, upgrade: bool) -> list[str]:
    """Return what uv is called with to write one file."""
    every = [
        *("--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes"),
        # The files are everybody's: nothing of this machine or its registry belongs into them.
        *("--no-config", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate"),
        *("--custom-compile-command", "make lock", "--quiet"),
    ]
    follows = ["--constraint", f"requirements/{lock.follows}.txt"] if lock.follows else []
    newest = ["--upgrade"] if upgrade else []
    output = ["--output-file", f"requirements/{lock.name}.txt"]
    return ["pip", "compile", *every, *follows, *newest, *output, *lock.parts]


def write(*, upgrade: bool) -> None:
    """Write every file.

    Raises:
        CommandError: a package cannot be had, or two do not go together.
    """
    uv = environment.ensure_tool("install", "uv")
    python = [str(environment.tool_python("install")), "-m", "pip"]
    listing = environment.run_quietly(
        [*python, "config", "list"], "pip could not tell its settings."
    )
    settings = pip_settings.of_registry(
        pip_settings.translated(listing, environment.clean_environ())
    )
    variables = environment.clean_environ() | settings.variables
    for lock in LOCKS:
        print(f"Pinning requirements/{lock.name}.txt ...", flush=True)
        command = [str(uv), *options(lock, upgrade=upgrade), *settings.options]
        environment.run_quietly(
            command, f"requirements/{lock.name}.txt was not written.", variables
        )


def main(arguments: list[str]) -> int:
    """Write the files; return 0, or 1 with a sentence if that cannot be done."""
    parser = argparse.ArgumentParser(prog="make lock")
    parser.add_argument("--upgrade", default="", help="anything: take the newest versions")
    chosen = parser.parse_args(arguments)
    try:
        write(upgrade=bool(chosen.upgrade))
    except environment.CommandError as error:
        print(error, file=sys.stderr)
        return 1
    except pip_settings.UntranslatableError as error:
        print(f"pip's setting {error} is none of uv's.", file=sys.stderr)
        return 1
    return 0
