"""Keep the virtual environment `.venv` in step with pyproject.toml."""

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

UV = "uv>=0.5"
"""Installs packages many times quicker than pip, which installs it."""

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


def fingerprint(pyproject: bytes, interpreter: str, folder: str) -> str:
    """Return a digest that changes whenever the environment has to be built anew.

    A moved folder counts: the environment holds absolute paths.
    """
    digest = hashlib.sha256()
    for part in (pyproject, interpreter.encode(), folder.encode()):
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


def ensure(extra: str) -> Path:
    """Make the virtual environment hold this package with `extra`; return its interpreter.

    Does nothing where it already does. Where pyproject.toml, the interpreter or the folder changed
    since, everything is installed anew, so that no package of an earlier state stays behind.
    """
    with lock(ROOT / ".venv.lock"):
        wanted = fingerprint(
            (ROOT / "pyproject.toml").read_bytes(),
            f"{sys.base_prefix} {sys.version}",
            str(ROOT),
        )
        stamp = VENV / "installed.json"
        installed = _read_stamp(stamp, wanted)
        if extra in installed:
            return python()
        if not installed:
            print("Making the virtual environment .venv ...", flush=True)
            run_quietly(
                [sys.executable, "-m", "venv", "--clear", VENV],
                "The virtual environment could not be made. On Debian or Ubuntu: "
                "apt install python3-venv",
            )
        print(f"Installing what “{extra}” needs, once (up to a minute) ...", flush=True)
        _install(f".[{extra}]")
        installed |= {extra} | _INCLUDES.get(extra, set())
        partial = stamp.with_suffix(".new")
        partial.write_text(json.dumps({"fingerprint": wanted, "extras": sorted(installed)}))
        partial.replace(stamp)
    return python()


def _install(package: str) -> None:
    """Install a package, editable, with all that it needs: by uv, or where that fails by pip."""
    pip = [str(python()), "-m", "pip"]
    try:
        run_quietly([*pip, "install", "--quiet", UV], "pip could not install uv.")
        listing = run_quietly([*pip, "config", "list"], "pip could not tell its settings.")
        settings = pip_settings.translated(listing, clean_environ())
        uv = [str(python().with_name("uv")), "pip", "install", "--python", str(python())]
        run_quietly(
            [*uv, *settings.options, "--editable", package],
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
    run_quietly(
        [*pip, "install", "--quiet", "--editable", package],
        "The packages could not be installed. The lines above say why; with no network, "
        "try again when there is one.",
    )


def _read_stamp(stamp: Path, wanted: str) -> set[str]:
    """Return the extras that `stamp` records for the state `wanted`."""
    try:
        match json.loads(stamp.read_text()):
            case {"fingerprint": found, "extras": [*extras]} if found == wanted:
                return set(extras) if python().exists() else set()
    except (OSError, ValueError):
        return set()  # none yet, or one that was cut short
    return set()
