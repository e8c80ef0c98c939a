"""Find the Pythons of this machine, also those that are not on the search path."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from scripts import environment

_PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
_ASK = "import ensurepip, sqlite3, ssl, sys, venv; print('%d.%d' % sys.version_info[:2])"


@cache
def find(version: str) -> str | None:
    """Return the path of an interpreter of a version that works, None if there is none.

    Looked at are the search path, the versions folder of pyenv and what uv finds, in this order.

    Args:
        version: such as "3.12".
    """
    return next((path for path in _candidates(version) if works(path, version)), None)


def works(path: str, version: str) -> bool:
    """Return whether a program is a Python of that version that can make environments.

    It is asked: pyenv puts programs on the search path that only say which versions there are.
    """
    try:
        done = subprocess.run(
            [path, "-c", _ASK],
            env=environment.clean_environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == version


def of_pyenv(version: str, folder: Path = _PYENV) -> list[str]:
    """Return the interpreters of a version that pyenv installed, the newest first."""
    numbered = [path for path in folder.glob(f"{version}.*") if re.fullmatch(r"[\d.]+", path.name)]
    numbered.sort(key=lambda path: [int(part) for part in path.name.split(".")], reverse=True)
    return [str(path / "bin" / "python") for path in numbered]


def _candidates(version: str) -> Iterator[str]:
    if path := shutil.which(f"python{version}"):
        yield path
    yield from of_pyenv(version)
    if path := of_uv(version):
        yield path


def of_uv(version: str) -> str:
    """Return the interpreter that uv finds, an empty string if none; nothing is downloaded."""
    uv = environment.tool_python("install").with_name("uv")
    if not uv.exists():
        return ""
    options = ["--no-project", "--no-python-downloads", "--no-config"]
    return environment.outputs([uv, "python", "find", *options, version])[0].strip()
