"""Keep the virtual environment `.venv` in step with what pyproject.toml and requirements/ say.

All that is installed is pinned in requirements/ (see scripts/lock.py): a file that has another
hash than the one that was pinned is refused.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from scripts import pip_settings

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
"""Holds an environment for each tool that must not share the packages of the tests."""

# Settings of the caller's shell that would send an installation elsewhere or load other code; and
# one that would have each of the many processes of the suite compile all that it loads.
_FOREIGN = (
    "DJANGO_SETTINGS_MODULE",
    "PIP_PREFIX",
    "PIP_TARGET",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
)

# Pins uv, which installs packages many times quicker than pip, which installs it.
_INSTALLER = "install"

# An extra of pyproject.toml -> the extras that come with it.
_INCLUDES = {"dev": {"example"}}


class CommandError(Exception):
    """A step failed; the message is for the person at the terminal."""


def python() -> Path:
    """Return the interpreter of the virtual environment."""
    return VENV / "bin" / "python"


def clean_environ() -> dict[str, str]:
    """Return the caller's variables without those that lead away from the virtual environment."""
    variables = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    variables |= {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return variables


def pins(name: str) -> Path:
    """Return the file that pins the packages of an extra or of a tool."""
    return ROOT / "requirements" / f"{name}.txt"


def fingerprint(interpreter: str, folder: str, *files: bytes) -> str:
    """Return a digest that changes whenever the environment has to be built anew.

    A moved folder counts: the environment holds absolute paths. `files` is what says the packages.
    """
    digest = hashlib.sha256()
    for part in (interpreter.encode(), folder.encode(), *files):
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()


@contextlib.contextmanager
def lock(path: Path, say: Callable[[str], None] = print) -> Iterator[None]:
    """Hold the file lock `path`; two commands at once must not build the same thing."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another make is installing here; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run_quietly(
    command: Sequence[str | Path], failure: str, variables: dict[str, str] | None = None
) -> str:
    """Run a step and show its output only if it fails; return the output.

    `variables` replaces the cleaned environment that a step runs with otherwise.

    Raises:
        CommandError: with `failure` and the end of the output.
    """
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environ() if variables is None else variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-30:])
        raise CommandError(f"{tail}\n\n{failure}")
    return done.stdout


def run_loudly(command: Sequence[str | Path], variables: dict[str, str] | None = None) -> int:
    """Run a step whose output goes to the terminal; return its exit status."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environ() if variables is None else variables,
        stdin=subprocess.DEVNULL,
        check=False,
    ).returncode


def outputs(
    command: Sequence[str | Path], variables: dict[str, str] | None = None
) -> tuple[str, str]:
    """Run a step whatever its status; return what it printed, and what it complained of."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environ() if variables is None else variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return done.stdout, done.stderr


def ensure(extra: str) -> Path:
    """Make the virtual environment hold this package with `extra`; return its interpreter.

    Does nothing where it already does. Where pyproject.toml, a pinned package, the interpreter or
    the folder changed since, everything is installed anew, so that no package of an earlier state
    stays behind.
    """
    with lock(ROOT / ".venv.lock"):
        wanted = _fingerprint(ROOT / "pyproject.toml", *sorted(pins("*").parent.glob("*.txt")))
        stamp = VENV / "installed.json"
        installed = _read_stamp(stamp, wanted, python())
        if extra in installed:
            return python()
        if not installed:
            print("Making the virtual environment .venv ...", flush=True)
            _make(VENV)
        print(f"Installing what “{extra}” needs, once (up to a minute) ...", flush=True)
        _install(extra)
        _write_stamp(stamp, wanted, installed | {extra} | _INCLUDES.get(extra, set()))
    return python()


def ensure_tool(name: str, program: str) -> Path:
    """Make the environment of a tool hold what requirements/`name`.txt pins; return a program.

    Raises:
        CommandError: it could not be installed.
    """
    folder = TOOLS / name
    with lock(ROOT / ".venv.lock"):
        wanted = _fingerprint(pins(name))
        stamp = folder / "installed.json"
        if name not in _read_stamp(stamp, wanted, tool_python(name)):
            print(f"Installing {program} into .tools/{name} ...", flush=True)
            _make(folder)
            pip = [str(tool_python(name)), "-m", "pip", "install", "--quiet"]
            run_quietly([*pip, *_pinned(name)], f"{program} could not be installed.")
            _write_stamp(stamp, wanted, {name})
    return tool_python(name).with_name(program)


def tool_python(name: str) -> Path:
    """Return the interpreter of a tool's environment."""
    return TOOLS / name / "bin" / "python"


def _fingerprint(*files: Path) -> str:
    interpreter = f"{sys.base_prefix} {sys.version}"
    return fingerprint(interpreter, str(ROOT), *(path.read_bytes() for path in files))


def _make(folder: Path) -> None:
    run_quietly(
        [sys.executable, "-m", "venv", "--clear", folder],
        "The virtual environment could not be made. On Debian or Ubuntu: apt install python3-venv",
    )


def _pinned(name: str) -> list[str]:
    return ["--require-hashes", "--requirement", str(pins(name))]


# What builds the package is pinned with the rest; to fetch it once more would be unpinned.
PACKAGE = ("--no-deps", "--no-build-isolation", "--editable", ".")


def _install(extra: str) -> None:
    """Install what is pinned, then this package: by uv, or where that fails by pip."""
    pip = [str(python()), "-m", "pip"]
    try:
        run_quietly([*pip, "install", "--quiet", *_pinned(_INSTALLER)], "pip could not install uv.")
        listing = run_quietly([*pip, "config", "list"], "pip could not tell its settings.")
        settings = pip_settings.of_pinned(pip_settings.translated(listing, clean_environ()))
        uv = [str(python().with_name("uv")), "pip", "install", "--python", str(python())]
        for arguments in (_pinned(extra), PACKAGE):
            run_quietly(
                [*uv, *settings.options, *arguments],
                "uv could not install the packages.",
                clean_environ() | settings.variables,
            )
    except CommandError as error:
        reason = str(error).splitlines()[-1]
        print(f"{reason} pip does it instead, more slowly.", flush=True)
    except pip_settings.UntranslatableError as error:
        print(f"pip's setting {error} is none of uv's: pip does it, more slowly.", flush=True)
    else:
        return
    for arguments in (_pinned(extra), PACKAGE):
        run_quietly(
            [*pip, "install", "--quiet", *arguments],
            "The packages could not be installed. The lines above say why; with no network, "
            "try again when there is one.",
        )


def _write_stamp(stamp: Path, wanted: str, installed: set[str]) -> None:
    partial = stamp.with_suffix(".new")
    partial.write_text(json.dumps({"fingerprint": wanted, "extras": sorted(installed)}))
    partial.replace(stamp)


def _read_stamp(stamp: Path, wanted: str, interpreter: Path) -> set[str]:
    """Return the extras that `stamp` records for the state `wanted`."""
    try:
        match json.loads(stamp.read_text()):
            case {"fingerprint": found, "extras": [*extras]} if found == wanted:
                return set(extras) if interpreter.exists() else set()
    except (OSError, ValueError):
        return set()  # none yet, or one that was cut short
    return set()
