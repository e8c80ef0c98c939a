"""Read the files of requirements/, as scripts/lock.py writes them."""

import re
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9-]*)(?P<extras>\[[\w,-]+\])?==(?P<version>[^\s;]+)"
    r"(?: ; (?P<marker>.*?))?$"
)
_HASH = re.compile(r"^--hash=sha256:(?P<digest>[0-9a-f]{64})$")


@dataclass(frozen=True, slots=True)
class Pin:
    """One pinned package.

    Attributes:
        name: as the registry has it.
        version: the only one that may be installed.
        marker: where this pin holds, or an empty string for everywhere.
        hashes: of the files that may be installed.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def read(path: Path) -> list[Pin]:
    """Return what a file pins.

    Raises:
        ValueError: a line that pins nothing: another index, an address, a version left open.
    """
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.replace("\\\n", "").splitlines() if line.strip()]
    return [_pin(line) for line in lines if not line.startswith("#")]


def _pin(line: str) -> Pin:
    head, *rest = re.split(r"\s+(?=--)", line.rstrip())
    match, hashes = _LINE.match(head), [_HASH.match(part) for part in rest]
    digests = tuple(found["digest"] for found in hashes if found)
    if match is None or not digests or len(digests) != len(hashes):
        message = f"This line pins nothing: {line}"
        raise ValueError(message)
    return Pin(match["name"], match["version"], match["marker"] or "", digests)
