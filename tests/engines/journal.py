"""What stage bodies did, as they wrote it down themselves: one line each, appended at once."""

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    Attributes:
        what: ``begin`` or ``end`` of a stage's body, ``killed`` or ``paused`` for a process.
        operation: the operation's id; empty for a process.
        stage: the stage's name; likewise.
        pid: the process.
        run: the fence of the run; empty for a process.
        outcome: for ``end``, the name of the exception that left the body, or ``-``.
        moment: nanoseconds of the machine's monotonic clock.
    """

    what: str
    operation: str
    stage: str
    pid: int
    run: str
    outcome: str
    moment: int


class Journal:
    """A file that any number of processes append to.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(
        self,
        what: str,
        operation: object = "",
        stage: str = "",
        *,
        pid: int | None = None,
        run: object = "",
        outcome: str = "-",
    ) -> None:
        """Append a line, in one write, so that no two of them mix."""
        who = os.getpid() if pid is None else pid
        parts = (what, operation, stage, who, run, outcome, time.monotonic_ns())
        line = "\t".join(str(part) for part in parts) + "\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def entries(self, operation: object = "") -> list[Entry]:
        """Return the lines; only those of one operation if it, or its id, is given."""
        if not self.path.exists():
            return []
        wanted = str(getattr(operation, "pk", operation))
        found = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            what, pk, stage, pid, run, outcome, moment = line.split("\t")
            if not wanted or pk in ("", wanted):
                found.append(Entry(what, pk, stage, int(pid), run, outcome, int(moment)))
        return found

    def begun(self, operation: object, stage: str = "") -> list[Entry]:
        """Return the beginnings of bodies of an operation, of one stage if it is named."""
        return [
            entry
            for entry in self.entries(operation)
            if entry.what == "begin" and stage in ("", entry.stage)
        ]

    def ended(self, operation: object, stage: str = "") -> list[Entry]:
        """Return the ends, likewise; a body that was killed has none."""
        return [
            entry
            for entry in self.entries(operation)
            if entry.what == "end" and stage in ("", entry.stage)
        ]

    def twice_at_once(self) -> list[tuple[Entry, Entry]]:
        """Return pairs of bodies of one operation that were at work at the same time.

        A process that was killed is at work no longer, nor is one that was paused: what it does
        once it goes on is for the test to look at.
        """
        open_bodies: dict[str, list[Entry]] = {}
        found: list[tuple[Entry, Entry]] = []
        for entry in self.entries():
            bodies = open_bodies.setdefault(entry.operation, [])
            if entry.what == "begin":
                found += [(other, entry) for other in bodies if other.run != entry.run]
                bodies.append(entry)
            elif entry.what == "end":
                same = (entry.run, entry.pid, entry.stage)
                open_bodies[entry.operation] = [
                    other for other in bodies if (other.run, other.pid, other.stage) != same
                ]
            else:
                for pk, others in open_bodies.items():
                    open_bodies[pk] = [other for other in others if other.pid != entry.pid]
        return found
