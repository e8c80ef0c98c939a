"""The log region: lines in groups, one for each stretch of a stage; and the log as plain text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liveops import numbers
from liveops.conf import get_settings
from liveops.progress.text import clean
from liveops.progress.view import Line, View
from liveops.rendering.common import render
from liveops.stages import StageState
from liveops.stages.names import MAX_NAME_LENGTH
from liveops.states import State

if TYPE_CHECKING:
    from liveops.models import LiveOperation

_CHUNK = 100
_UNSUCCESSFUL = {StageState.FAILED, StageState.CANCELLED, StageState.INTERRUPTED}


@dataclass(frozen=True, slots=True)
class LogRow:
    """A line as the template shows it.

    Attributes:
        line: the line.
        number: its number, for machines.
        mark: what its level is called; empty where that goes without saying.
        clock: its time of day, in the current time zone.
        moment: the same with date, milliseconds and zone.
        iso: the same for machines, in UTC.
        missing: what is said of missing numbers before it; empty if none are missing.
    """

    line: Line
    number: str
    mark: str
    clock: str
    moment: str
    iso: str
    missing: str = ""


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Lines of a group that a browser may leave out of its layout together.

    Attributes:
        rows: the lines, at most 100.
        is_full: whether there are so many.
    """

    rows: Sequence[LogRow]
    is_full: bool


@dataclass(slots=True)
class LogGroup:
    """Lines of one stage that follow each other.

    Attributes:
        stage: the stage; empty for lines outside of stages.
        index: its place in the operation's ``stages``; None if it is not there.
        state: what the stage is at the moment; empty where that is of a later run.
        is_open: whether it is shown opened at first.
        chunks: the lines.
        is_first: whether it is where a link to the stage leads.
    """

    stage: str
    index: int | None
    state: str
    is_open: bool
    chunks: Sequence[LogChunk]
    is_first: bool = False


def log_html(
    operation: "LiveOperation", view: View, lines: Sequence[Line], first_line: int
) -> SafeString:
    """Return the inner HTML of the log region.

    Args:
        operation: the specific instance.
        view: what is shown beside the log.
        lines: the end of the log.
        first_line: number of the first line that is stored, or 0 without any.
    """
    earlier = max(lines[0].seq - first_line, 0) if lines else 0
    groups = _groups(operation, view, lines, opened=_opened(view, lines))
    seen: set[str] = set()
    for group in groups:
        group.is_first = group.stage not in seen
        seen.add(group.stage)
    return render(
        "_log",
        op=operation,
        groups=groups,
        first_line=first_line,
        is_pruned=bool(lines) and is_pruned(first_line, lines[-1].seq),
        earlier=_earlier_sentence(earlier) if earlier else "",
    )


def log_lines_html(
    operation: "LiveOperation",
    view: View,
    lines: Iterable[Line],
    *,
    skipped: int = 0,
    after: int | None = None,
    until: int | None = None,
) -> SafeString:
    """Return lines of a log in their groups, all of them opened.

    Args:
        operation: the specific instance.
        view: what is shown beside the log.
        lines: the lines, without those that came too fast to be pushed.
        skipped: number of those, right before the first line.
        after: the last line that is shown before these; a gap after it is told.
        until: the first line that is shown after these; a gap before it is told.
    """
    lines = list(lines)
    last = lines[-1].seq if lines else after
    return render(
        "_log_lines",
        op=operation,
        groups=_groups(operation, view, lines, after=after),
        skipped=_skipped_sentence(skipped) if skipped else "",
        missing=_missing_sentence(last, until) if until is not None else "",
    )


def text_line(line: Line) -> str:
    """Return ``2026-11-22T10:31:05.123Z  INFO     [Load] text`` and a line break."""
    stage = f"[{line.stage}] " if line.stage else ""
    return f"{_iso(line.time)}  {line.level.upper():<7}  {stage}{line.text}\n"


def is_pruned(first: int, last: int) -> bool:
    """Return whether a log that is stored from one number to another has lost its beginning.

    A number above 1 alone does not tell: an operation that is started again counts on.
    """
    return first > 1 and last - first >= get_settings().LOG_LINES - 1


def _groups(
    operation: "LiveOperation",
    view: View,
    lines: Sequence[Line],
    *,
    opened: frozenset[str] | None = None,
    after: int | None = None,
) -> list[LogGroup]:
    names = {clean(name)[:MAX_NAME_LENGTH]: name for name in operation.stages}
    places = {name: index for index, name in enumerate(operation.stages)}
    groups: list[LogGroup] = []
    for written, grouped in groupby(_rows(lines, after), key=lambda row: row.line.stage):
        stage, rows = names.get(written, written), list(grouped)
        is_old = _is_of_an_earlier_run(view, stage, rows[-1].line.time)
        groups.append(
            LogGroup(
                stage=stage,
                index=places.get(stage),
                state="" if is_old else view.stage_states.get(stage, "pending"),
                is_open=opened is None or written in opened,
                chunks=_chunks(rows),
            )
        )
    return groups


def _is_of_an_earlier_run(view: View, stage: str, last: datetime) -> bool:
    """Return whether a stage began anew in a resume after the last line of a group."""
    resumed = [one.at for one in view.actions if one.action in ("resume", "go_on")]
    if not resumed or last >= resumed[-1]:
        return False
    began = (view.stage_times.get(stage) or (None,))[0]
    return began is None or began >= resumed[-1].timestamp()


def _chunks(rows: Sequence[LogRow]) -> list[LogChunk]:
    starts = range(0, len(rows), _CHUNK)
    parts = [rows[start : start + _CHUNK] for start in starts]
    return [LogChunk(part, is_full=len(part) == _CHUNK) for part in parts]


def _opened(view: View, lines: Sequence[Line]) -> frozenset[str] | None:
    # Whoever comes to an operation that did not succeed wants to read why, and nothing else.
    if view.state not in (State.FINISHED_ERROR, State.CANCELLED, State.INTERRUPTED):
        return None
    culprits = {
        clean(name)[:MAX_NAME_LENGTH]
        for name, state in view.stage_states.items()
        if state in _UNSUCCESSFUL
    }
    return frozenset(culprits.intersection(line.stage for line in lines)) or None


def _rows(lines: Sequence[Line], after: int | None) -> Iterator[LogRow]:
    second, clock, day, zone = None, "", "", ""
    marks = {"error": _("Error"), "warning": _("Warning"), "debug": _("Debug"), "success": "✓"}
    for line in lines:
        if line.time.replace(microsecond=0) != second:  # many lines share one
            second = line.time.replace(microsecond=0)
            local = timezone.localtime(line.time)
            clock, day = f"{local:%H:%M:%S}", f"{local:%Y-%m-%d}"
            zone = local.tzname() or ""
        moment = f"{day} {clock}.{line.time.microsecond // 1_000:03} {zone}"
        missing = _missing_sentence(after, line.seq)
        mark = marks.get(line.level, "")
        yield LogRow(line, str(line.seq), mark, clock, moment, _iso(line.time), missing)
        after = line.seq


def _earlier_sentence(number: int) -> str:
    return _("Earlier lines are not shown ({n})").format(n=numbers.number(number))


def _skipped_sentence(number: int) -> str:
    return skipped_text(number).format(n=numbers.number(number))


def _missing_sentence(last: int | None, following: int) -> str:
    number = following - last - 1 if last is not None else 0
    return lost_text(number).format(n=numbers.number(number)) if number > 0 else ""


def skipped_text(number: int) -> str:
    """Return what is said of lines that came too fast, with ``{n}`` for their number."""
    return ngettext(
        "… {n} line came too fast to be shown", "… {n} lines came too fast to be shown", number
    )


def lost_text(number: int) -> str:
    """Return what is said of lines that are not stored any more, with ``{n}`` for their number."""
    return ngettext("… {n} line is not kept", "… {n} lines are not kept", number)


def new_text(number: int) -> str:
    """Return what is said of lines that the reader has not seen, with ``{n}`` for their number."""
    return ngettext("{n} new line ↓", "{n} new lines ↓", number)


_COUNTED = {"gap": skipped_text, "lost": lost_text, "new": new_text}


def panel_texts() -> SafeString:
    """Return the attributes of the log's panel that hold texts with a number, for liveops.js.

    One for each, and one more for each plural form of the current language that differs from it,
    named as browsers name the form: ``data-text-new`` and ``data-text-new-one``.
    """
    found = {"group": numbers.separator()}
    for name, text in _COUNTED.items():
        found[f"text-{name}"] = usual = text(numbers.SAMPLES["other"])
        for form, like in (("zero", "one"), ("one", ""), ("two", "few"), ("few", ""), ("many", "")):
            shown = text(numbers.SAMPLES[form])
            is_form = not like or shown != text(numbers.SAMPLES[like])  # or the language lacks it
            if is_form and shown != usual:
                found[f"text-{name}-{form}"] = shown
    return format_html_join(" ", 'data-{}="{}"', found.items())


def _iso(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1_000:03}Z"
