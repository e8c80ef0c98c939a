"""What a running operation shows, in memory. Pure: no database, socket, template or Django.

User code changes this state through :class:`liveops.progress.Progress`; a pump reads it from
another thread. No lock is taken in a user's loop: every writer stores the value first and the
flag that announces it second, every reader clears the flag first and reads the value second.

Texts of the log wait in ``pending`` in the order of their ``append``, and are taken away by
``_oldest`` alone, whether to be shown or to give way: an ``enumerate`` over ``popleft``, which in
CPython takes a text and counts it without another thread coming in between. So the number of a text
is its place in the log, however many threads write, and whoever took away the ones before it.
"""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import repeat
from operator import length_hint
from typing import Any

from liveops.progress.rate import RateMeter
from liveops.progress.redaction import NOTHING, Redactor
from liveops.progress.text import LOG_LINE_LIMIT, STATUS_LIMIT, CutText, clean, cut, split_lines
from liveops.progress.view import Line
from liveops.stages.names import MAX_NAME_LENGTH

TAKE = 10_000
"""Log lines taken at a time, and the most lines of one text."""

TAKE_CHARACTERS = 2_000_000
"""Characters of log lines taken at a time, about."""

CHARACTERS = 8_000_000
"""Characters of long log lines that wait at the same time, about."""

_Text = tuple[float, str, str, str]  # a moment, level, stage, and what was written
_NEVER = object()  # an entry that would end the taking

_MOST = sys.maxsize  # items of a loop
_SHORT = 200  # characters of a line that counts as a line only


class Counter:
    """Counts the items of one ``track()`` loop; all is worked out when somebody looks."""

    __slots__ = ("_meter", "_n", "_ticks", "active", "label", "total", "unit")

    def __init__(self, total: int | None, label: str, unit: str, now: float) -> None:
        self._n = 0
        self._ticks: repeat[bool] | None = None
        self.total = total
        self.label = label
        self.unit = unit
        self.active = True
        self._meter = RateMeter(now)

    @property
    def n(self) -> int:
        """The number of items that user code has finished; may be set."""
        ticks = self._ticks
        return self._n if ticks is None else max(_MOST - length_hint(ticks) - 1, 0)

    @n.setter
    def n(self, number: int) -> None:
        self._n = number
        self._ticks = None

    def ticks(self) -> Iterator[bool]:
        """Return an iterator of which the loop takes one with each item that it takes.

        It knows how many are left, so nobody has to count: the item that was taken last is the one
        that user code is busy with.
        """
        self._ticks = repeat(True, _MOST)
        return self._ticks

    def end(self, *, is_done: bool) -> None:
        """Count no further.

        Args:
            is_done: whether user code has finished the item that was taken last, too.
        """
        if self._ticks is not None:
            taken = _MOST - length_hint(self._ticks)
            self.n = taken if is_done else max(taken - 1, 0)
        self.active = False

    def rate(self, now: float) -> float | None:
        """Return items a second, smoothed, or None before the first items."""
        return self._meter.read(self.n, now)

    def percent(self) -> float | None:
        """Return 0 to 100, or None without a total."""
        if self.total is None:
            return None
        return 100.0 if self.total <= 0 else min(100.0, 100.0 * self.n / self.total)


class ProgressState:
    """The mutable state of one run."""

    __slots__ = (
        "_added",
        "_discarded",
        "_oldest",
        "_place",
        "_reported",
        "_taken",
        "alarm",
        "announced",
        "counter",
        "explicit_percent",
        "line_bound",
        "pending",
        "progress_changed",
        "redactor",
        "stage",
        "status",
        "status_changed",
        "wake",
    )

    def __init__(self, wake: Callable[[], None], *, line_bound: int) -> None:
        self.status: tuple[str, str] = ("", "info")
        self.status_changed = False
        self.explicit_percent: float | None = None
        self.counter: Counter | None = None
        self.progress_changed = False
        self.stage = ""
        self.line_bound = line_bound
        self.redactor: Redactor = NOTHING  # masks texts when they are taken
        self._added = self._taken = self._discarded = 0  # characters in long texts
        self.pending: deque[_Text] = deque()  # without maxlen, which would drop texts uncounted
        self._oldest = enumerate(iter(self.pending.popleft, _NEVER), 1)
        self._place = 0  # of the text that was taken last
        self.announced = False  # the pump knows that there is something to flush
        self.alarm = False  # a track() loop has to answer: a stop signal or a due inline flush
        self.wake = wake
        self._reported: tuple[object, ...] = (None, None, None, "")

    def set_status(self, text: str, level: str) -> None:
        """Replace the status."""
        self.status = (text, level)
        self.status_changed = True
        if not self.announced:
            self.wake()

    def set_percent(self, value: float | None) -> None:
        """Replace the percentage; None shows an indeterminate bar."""
        self.explicit_percent = value
        if self.counter is not None:
            self.counter = None
        self.progress_changed = True
        if not self.announced:
            self.wake()

    def add_line(self, text: str, level: str) -> None:
        """Append a log line; beyond the bound the oldest that waits gives way, but is counted."""
        pending = self.pending
        if len(pending) >= self.line_bound or len(text) > _SHORT:
            self._make_room(len(text))
        pending.append((time.time(), level, self.stage, text))
        if not self.announced:
            self.wake()

    def add_lines(self, texts: Iterable[str], level: str) -> None:
        """Append log lines that came together."""
        pending, bound, now, stage = self.pending, self.line_bound, time.time(), self.stage
        for text in texts:
            if len(pending) >= bound or len(text) > _SHORT:
                self._make_room(len(text))
            pending.append((now, level, stage, text))
        if not self.announced:
            self.wake()

    def _make_room(self, characters: int) -> None:
        """Give up the oldest lines that wait, where there are too many or too long ones."""
        # No call stands between reading a sum and storing it: another thread would come in there.
        if characters > _SHORT:
            self._added += characters
        try:
            while len(self.pending) >= self.line_bound or (
                self._added - self._taken - self._discarded > CHARACTERS
            ):
                _, (_, _, _, text) = next(self._oldest)
                given_up = _counted(text)
                self._discarded += given_up
        except IndexError:  # the pump has taken them at the same time
            return

    def start_counter(self, counter: Counter) -> Counter | None:
        """Show a counter's progress from now on; return the one that was shown before."""
        before, self.counter = self.counter, counter
        self.explicit_percent = None
        self.progress_changed = True
        if not self.announced:
            self.wake()
        return before

    def reset_bar(self) -> None:
        """Put the bar back to 0 %, as at the start of a stage."""
        self.counter = None
        self.explicit_percent = 0.0
        self.progress_changed = True

    @property
    def changed(self) -> bool:
        """Whether something waits to be taken."""
        return bool(self.status_changed or self.progress_changed or self.pending)

    def take_status(self) -> tuple[str, str]:
        """Return the cleaned status and its level."""
        text, level = self.status
        return cut(clean(self.redactor.mask(text).replace("\n", " ")), STATUS_LIMIT), level

    def take_progress(self, now: float) -> tuple[bool, dict[str, Any]]:
        """Return whether the progress moved since the last call, and its values."""
        self.progress_changed = False
        counter = self.counter
        if counter is None:
            values: dict[str, Any] = {
                "percent": self.explicit_percent,
                "done": None,
                "total": None,
                "unit": "item",
                "label": "",
                "rate": None,
            }
        else:
            values = {
                "percent": counter.percent(),
                "done": counter.n,
                "total": counter.total,
                "unit": self.redactor.mask(counter.unit),
                "label": self.redactor.mask(counter.label),
                "rate": counter.rate(now),
            }
        seen = (values["percent"], values["done"], values["total"], values["label"])
        moved = seen != self._reported
        self._reported = seen
        return moved, values

    def take_lines(self, first_seq: int) -> list[Line]:
        """Return log lines added since the last call, numbered from ``first_seq``.

        A text of several lines becomes several lines; each is cleaned and cut to length. About
        ``TAKE`` at most are taken at a time, so that a flood of one run does not hold up the
        others. Each text that gave way, before those or between them, leaves out one number.
        """
        taken: list[Line] = []
        last, masks = self._place, self.redactor.is_active
        before = first_seq - last - 1  # and a text's place: its number; each further line adds one
        for place, (stamp, level, stage, text), parts in self._take_texts():
            moment = datetime.fromtimestamp(stamp, UTC)
            where = clean(stage)[:MAX_NAME_LENGTH]  # any name may stand in p.stage()
            is_whole = isinstance(text, CutText)
            shown = parts
            if masks:  # before it is cut, or split: no half of what is masked stays
                masked = self.redactor.mask(text)
                shown = [masked] if is_whole else _lines(masked)
            for seq, part in enumerate(shown, before + place):
                line = clean(part) if is_whole else cut(clean(part), LOG_LINE_LIMIT)
                taken.append(Line(seq, moment, level, where, line))
            before += len(shown) - 1
            last = place
        self._place = last
        return taken

    def _take_texts(self) -> list[tuple[int, _Text, list[str]]]:
        """Take the texts for one call of :meth:`take_lines`: their places, and their lines.

        Before anything else is done with them: in a flood others give way meanwhile.
        """
        texts: list[tuple[int, _Text, list[str]]] = []
        lines = characters = 0
        try:
            while lines < TAKE and characters < TAKE_CHARACTERS:
                place, entry = next(self._oldest)
                text = entry[3]
                taken = _counted(text)
                self._taken += taken
                parts: list[str] = [text] if isinstance(text, CutText) else _lines(text)
                texts.append((place, entry, parts))
                lines += len(parts)
                characters += len(text)
        except IndexError:  # no more are waiting
            pass
        return texts


def _lines(text: str) -> list[str]:
    lines = split_lines(text)
    if len(lines) > TAKE:
        lines[TAKE:] = [f"… [{len(lines) - TAKE:,} more lines of one text, cut at {TAKE:,}]"]
    return lines


def _counted(text: str) -> int:
    return len(text) if len(text) > _SHORT else 0
