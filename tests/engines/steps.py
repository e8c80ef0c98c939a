"""The named points at which operations wait: files in the folder of the site.

An operation that gets to a point writes the file ``<point>.reached``, a line with its process and
its run each time, and waits until the file ``<point>`` is there.
"""

import os
from pathlib import Path


class Steps:
    """The points of one operation.

    Args:
        folder: the folder of the site.
        operation: the operation's id.
    """

    def __init__(self, folder: Path, operation: object) -> None:
        self._folder = folder / "steps" / str(operation)

    def note_reached(self, name: str, run: object = "") -> None:
        """Write down that the operation is at a point."""
        self._folder.mkdir(parents=True, exist_ok=True)
        line = f"{os.getpid()} {run}\n"
        path = self._folder / f"{name}.reached"
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def reached(self, name: str) -> list[int]:
        """Return the processes that got to a point, in their order."""
        path = self._folder / f"{name}.reached"
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        return [int(line.split(" ")[0]) for line in lines]

    def let_go(self, name: str) -> None:
        """Let the operation pass a point, now and later."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / name).touch()

    def hold(self, name: str) -> None:
        """Have the operation wait at a point again."""
        (self._folder / name).unlink(missing_ok=True)

    def may_pass(self, name: str) -> bool:
        """Return whether a point is open."""
        return (self._folder / name).exists()
