"""The package as people get it: built from the tree, installed into an empty environment."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from scripts import environment, pip_settings

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300
"""Seconds until an installation that hangs is given up."""

# What builds the package is installed; a build that asks for anything else fails.
_BUILD = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise OSError(f"{event} {arguments}")
sys.addaudithook(refuse)
from hatchling.cli import hatchling
sys.exit(hatchling())
"""
_PIN = re.compile(r"^([\w.-]+==[^\\\n]+?) *\\?$", re.M)


def build(target: str, folder: Path, source: Path = ROOT) -> Path:
    """Build a ``wheel`` or an ``sdist``, fetching nothing; return its file.

    Args:
        target: which of the two.
        folder: where the file is put; nothing else may be there.
        source: the folder with pyproject.toml.
    """
    command = [sys.executable, "-c", _BUILD, "build", "--target", target, "--directory"]
    subprocess.run([*command, str(folder)], cwd=source, check=True, timeout=PATIENCE)
    (built,) = folder.iterdir()
    return built


def make_environment(folder: Path) -> Path:
    """Make an empty virtual environment, without pip, which takes as long as all the rest.

    Returns:
        Its Python.
    """
    command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(command, check=True, timeout=PATIENCE)
    return folder / "bin" / "python"


def install(python: Path, requirements: Sequence[str], links: Path) -> str:
    """Install packages, in the versions that development has, so that caches serve.

    Args:
        python: of the environment.
        requirements: what one writes behind ``pip install``.
        links: a folder with the wheel.

    Returns:
        What the installer printed.
    """
    constraints = links.with_name(f"{links.name}-constraints.txt")
    constraints.write_text("\n".join(pins()), encoding="utf-8")
    command, variables = _installer(str(python))
    done = subprocess.run(
        [*command, "--constraint", constraints, "--find-links", links, *requirements],
        env=environment.clean_environ() | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _installer(python: str) -> tuple[list[str], dict[str, str]]:
    """Return what installs into an environment, and its variables: uv, or else pip."""
    if found := _uv():
        uv, settings = found
        return [uv, "pip", "install", "--python", python, *settings.options], settings.variables
    return [sys.executable, "-m", "pip", "--python", python, "install"], {}


@cache
def _uv() -> tuple[str, pip_settings.UvSettings] | None:
    """Return uv's path, that of this environment first, and what makes it do as pip would."""
    beside = str(Path(sys.executable).parent)
    uv = shutil.which("uv", path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if uv is None:
        return None
    pip = [sys.executable, "-m", "pip", "config", "list"]
    listing = environment.run_quietly(pip, "pip could not tell its settings.")
    try:
        settings = pip_settings.translated(listing, environment.clean_environ())
    except pip_settings.UntranslatableError:
        return None
    return uv, pip_settings.of_pinned(settings)


def pins() -> list[str]:
    """Return the versions of development, one requirement each, without hashes."""
    return _PIN.findall(environment.pins("dev").read_text(encoding="utf-8"))
