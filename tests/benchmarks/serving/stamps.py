"""The text that is published: its number, and when it was said, on the clock of the machine."""

import re
import time
from typing import NamedTuple

_STAMP = re.compile(rb"stamp-(\d+)-(\d+)-")


class Stamp(NamedTuple):
    """What a text says of itself; the time is in nanoseconds of the monotonic clock."""

    number: int
    said_at: int


def stamped(number: int) -> str:
    """Return the text of that number, as of now."""
    return f"stamp-{number}-{time.monotonic_ns()}-"


def find(data: bytes) -> Stamp | None:
    """Return the stamp somewhere in what was received, if there is one."""
    found = _STAMP.search(data)
    return Stamp(int(found[1]), int(found[2])) if found else None


def find_all(data: bytes) -> list[Stamp]:
    """Return all stamps in what was received: one frame may hold several."""
    return [Stamp(int(number), int(said_at)) for number, said_at in _STAMP.findall(data)]


def around(html: str) -> tuple[str, str]:
    """Return what stands before the stamp in HTML, and what stands after it."""
    before, after = _STAMP.split(html.encode(), maxsplit=1)[:: _STAMP.groups + 1]
    return before.decode(), after.decode()
