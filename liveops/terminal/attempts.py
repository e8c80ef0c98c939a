"""Which attempt of its stage a log line belongs to; lines carry only the name of the stage."""

from datetime import datetime

from liveops.progress.view import Line
from liveops.terminal.looks import Look, Source


class Attempts:
    """Finds the attempt of each line of one operation.

    An attempt is recorded when it ends, before the line which says that there is going to be
    another one. So the first line since then is that line, and the next one is of a new attempt.

    Args:
        source: reads the operation.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._look: Look | None = None
        self._ended: dict[str, list[datetime]] = {}
        self._announced: set[tuple[str, int]] = set()

    def take(self, look: Look) -> None:
        """Go by another look from now on."""
        if self._look is not None and self._look.run_id != look.run_id:
            self._announced.clear()
        self._look = look
        self._ended.clear()

    def number(self, name: str) -> int:
        """Return the number of a stage's last attempt."""
        return self._counts(name)[0]

    def most(self, name: str) -> int:
        """Return the most attempts that there can be."""
        return max(self._counts(name))

    def of(self, line: Line, *, is_first: bool) -> int:
        """Return the number of the attempt that a line belongs to; to be asked in order.

        Args:
            line: a line.
            is_first: whether nothing is known of the lines before it.
        """
        number = self.number(line.stage)
        if number < 2:
            return 1
        ended = self._ends(line.stage)[: number - 1]
        attempt = 1 + sum(moment <= line.time for moment in ended)
        if attempt == 1 or (line.stage, attempt) in self._announced:
            return attempt
        self._announced.add((line.stage, attempt))
        return attempt if is_first else attempt - 1

    def _counts(self, name: str) -> tuple[int, int]:
        counts = (1, 1) if self._look is None else self._look.view.stage_attempts.get(name, (1, 1))
        return counts[0], counts[1]

    def _ends(self, name: str) -> list[datetime]:
        """Return when the attempts of a stage ended, as far as they have."""
        if name not in self._ended:
            run_id = None if self._look is None else self._look.run_id
            self._ended[name] = [row.finished_on for row in self._source.attempts(name, run_id)]
        return self._ended[name]
