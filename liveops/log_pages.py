"""The log of an operation, a page at a time: what is stored, and what a run has yet to save.

However long a log is, each question costs a bounded number of queries on the index of operation
and line number, and at most :data:`PAGE` lines of memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q

from liveops import registry
from liveops.models import LiveOperation
from liveops.progress.text import clean
from liveops.progress.view import Line
from liveops.stages.names import MAX_NAME_LENGTH
from liveops.store.log_reading import StoredLog

PAGE = 1_000
"""The most lines of a page."""

MATCHES = 1_000
"""The most lines that one search names."""

QUERY_LENGTH = 200
"""Longest text to search for, in characters."""

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines of a log, oldest first.

    Attributes:
        lines: the lines.
        earlier: how far back the log goes before them, in numbers of lines.
        later: how far it goes on after them.
    """

    lines: Sequence[Line]
    earlier: int
    later: int


@dataclass(frozen=True, slots=True)
class Matches:
    """Numbers of the lines that a text was found in, and whether there are more of them."""

    numbers: Sequence[int]
    more: bool


class Log:
    """The log of one operation at one moment.

    Args:
        operation: an operation; any class will do.
    """

    def __init__(self, operation: LiveOperation) -> None:
        self._stored = StoredLog(operation)
        first, last = self._stored.first(), self._stored.last() or 0
        run = registry.find(operation.pk)
        tail = run.snapshot()[1] if run is not None and run.run_id == operation.run_id else []
        self._unsaved = [line for line in tail if line.seq > last]
        self.first: int = first or (self._unsaved[0].seq if self._unsaved else 0)
        self.last: int = self._unsaved[-1].seq if self._unsaved else last

    def tail(self) -> LogPage:
        """Return the last lines."""
        return self._back(self._stored.tail(PAGE), self._unsaved)

    def before(self, number: int) -> LogPage:
        """Return the last lines before a number."""
        unsaved = [line for line in self._unsaved if line.seq < number]
        return self._back(self._stored.before(min(number, self.last + 1), PAGE), unsaved)

    def after(self, number: int) -> LogPage:
        """Return the first lines after a number."""
        lines = self._stored.after(max(number, self.first - 1), PAGE)
        shown = lines[-1].seq if lines else number
        lines += [line for line in self._unsaved if line.seq > shown]
        return self._page(lines[:PAGE])

    def around(self, number: int) -> LogPage:
        """Return the lines around a number, or the nearest where it is none of this log."""
        return self.after(min(number, self.last) - PAGE // 2)

    def stage(self, name: str) -> LogPage:
        """Return the lines from shortly before the first of a stage; none if it has logged none."""
        name = clean(name)[:MAX_NAME_LENGTH]
        found = self._stored.rows.filter(stage=name).order_by("seq").values_list("seq", flat=True)
        numbers = [*found[:1], *(line.seq for line in self._unsaved if line.stage == name)]
        return self.around(numbers[0]) if numbers else LogPage((), 0, 0)

    def search(self, text: str, after: int = 0) -> Matches:
        """Return the first lines after a number that hold a text, in whatever case.

        SQLite knows upper and lower case of ASCII letters only, so that of other letters the
        usual spellings are looked for: as typed, lower, upper, and with capitals.
        """
        text = clean(text.strip())
        if not text:
            return Matches((), more=False)
        spellings = Q(text__icontains=text)
        if not text.isascii():
            for other in (text.lower(), text.upper(), text.capitalize(), text.title()):
                spellings |= Q(text__icontains=other)
        found = self._stored.rows.filter(spellings, seq__gt=after).order_by("seq")
        numbers = list(found.values_list("seq", flat=True)[: MATCHES + 1])
        known = max([after, *numbers[-1:]])
        needle = text.casefold()
        numbers += [x.seq for x in self._unsaved if x.seq > known and needle in x.text.casefold()]
        return Matches(numbers[:MATCHES], more=len(numbers) > MATCHES)

    def chunks(self) -> Iterator[Sequence[Line]]:
        """Yield the whole log in portions; each is read when it is asked for."""
        last = self.first - 1
        while lines := self._stored.after(last, _CHUNK):
            yield lines
            last = lines[-1].seq
        if unsaved := [line for line in self._unsaved if line.seq > last]:
            yield unsaved

    def _back(self, lines: Sequence[Line], unsaved: Sequence[Line]) -> LogPage:
        shown = lines[-1].seq if lines else 0
        return self._page([*lines, *(line for line in unsaved if line.seq > shown)][-PAGE:])

    def _page(self, lines: Sequence[Line]) -> LogPage:
        if not lines:
            return LogPage((), 0, 0)
        return LogPage(lines, max(lines[0].seq - self.first, 0), max(self.last - lines[-1].seq, 0))
