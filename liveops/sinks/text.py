"""The text sink: the same operation in a terminal, or as plain lines in a pipe or a file."""

import errno
import logging
import os
import time
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol, TextIO

from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from liveops.naming import template_name
from liveops.progress.text import (
    clean,
    clean_lines,
    format_counts,
    format_duration,
    format_percent,
    format_rate,
    format_took,
    plural,
)
from liveops.progress.update import Finished, Region, StageChange, Update
from liveops.progress.view import View
from liveops.stages import StageState
from liveops.states import State
from liveops.summary import Carried, TextConsole, encodable, is_gone, print_lines

logger = logging.getLogger("liveops")

_STYLES = {"warning": "yellow", "error": "bold red", "success": "green", "debug": "dim"}
_PREFIXES = {"warning": "warning: ", "error": "error: ", "debug": "debug: "}


class Bar(Protocol):
    """Shows how far things are."""

    def show(self, view: View) -> None:
        """Show the progress."""

    def reset(self) -> None:
        """Begin anew: another stage has started."""

    def close(self) -> None:
        """Show nothing more."""


class TextSink:
    """Prints what happens, line by line, with a bar below it on a terminal.

    Args:
        stream: where to write.
        clock: seconds, monotonic; a test passes its own.
        bar: makes what stands below the lines on a terminal.
    """

    def __init__(
        self,
        stream: TextIO,
        clock: Callable[[], float] = time.monotonic,
        bar: Callable[[TextConsole], Bar] | None = None,
    ) -> None:
        self._console = TextConsole(stream)
        self._bar: Bar = (
            (bar or _TerminalBar)(self._console)
            if self._console.is_interactive and stream.isatty()
            else PlainBar(self._console, clock)
        )
        self._status = ""
        self._reported: tuple[object, ...] = ()
        self._announced: set[str] = set()
        self._gone = 0

    def emit(self, update: Update) -> None:
        """Print an update: log lines first, for they were written before a stage changed.

        Raises:
            OSError: it could not be written, now or, where nobody reads any more, before.
        """
        if self._gone:
            raise OSError(self._gone, os.strerror(self._gone))
        try:
            self._show(update)
        except OSError as error:
            if is_gone(error):
                self._gone = error.errno or errno.EPIPE
                self._console.quiet = True
            self._console.forget()
            raise

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()

    def _show(self, update: Update) -> None:
        view = update.view
        if Region.STATUS in update.regions and view.status_text != self._status:
            self._status = view.status_text
            if self._status:
                level = view.status_level
                self._print(self._prefix(level) + self._status, level)
        for level, entries in groupby(_log(update), itemgetter(0)):
            # At once, which costs a tenth of printing each.
            self._print("\n".join(self._prefix(level) + text for _, text in entries), level)
        if update.stage is not None:
            self._print_stage(update.stage, len(update.operation.stages))
            self._reported = ()
        elif Region.PROGRESS in update.regions and not (update.replace_log or update.finished):
            reported = (view.percent, view.done, view.total, view.label)
            if reported != self._reported:  # else only time has passed
                self._reported = reported
                self._bar.show(view)
        if update.finished is not None:
            self._bar.close()
            self._print_end(update, update.finished)

    def _prefix(self, level: str) -> str:
        return "" if self._console.is_terminal else _PREFIXES.get(level, "")

    def _print(self, text: str, level: str) -> None:
        shown = encodable(self._console, Text(text, style=_STYLES.get(level, "")))
        self._console.print(shown, soft_wrap=True)

    def _write(self, text: str, style: str = "") -> None:
        print_lines(self._console, Text(text, style=style))

    def _print_stage(self, change: StageChange, count: int) -> None:
        name = clean(change.name)
        if change.state == StageState.ACTIVE and change.attempt > 1:
            self._bar.reset()
            number = f"attempt {change.attempt} of {change.tries}"
            self._write(f"--- {name}: {number} ---", "bold")
        elif change.state in (StageState.ACTIVE, StageState.SKIPPED):
            # One that its phases have run after all, or skipped, has its header already.
            if change.name not in self._announced:
                self._bar.reset()
                place = "" if change.index is None else f"[{change.index + 1}/{count}] "
                self._write(f"=== {place}{name} ===", "bold")
                self._announced.add(change.name)
        elif change.state not in (StageState.DONE, StageState.RETRYING):
            took = format_took(change.seconds) or "–"
            self._write(f"--- {name}: {change.state} after {took} ---", "bold red")
        if change.seconds is not None:  # the end of this passage; another one has its own header
            self._announced.discard(change.name)

    def _print_end(self, update: Update, finished: Finished) -> None:
        if finished.state == State.FINISHED_OK:
            for text in _result_lines(update, finished):
                self._write(text)
            if finished.following is not None:
                self._write(f">>> {finished.following._meta.label}", "bold")
        elif finished.state == State.FINISHED_ERROR:
            self._write(f"Failed: {clean_lines(finished.error_text)}", "bold red")
        else:
            self._write(f"{finished.state.capitalize()}.", "bold yellow")


class PlainBar:
    """One line for every tenth of the way, or every few seconds; never silence, never a flood."""

    SECONDS = 10.0

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._tenth = 0
        self._next_at = self._clock() + self.SECONDS

    def show(self, view: View) -> None:
        """Print a line if the progress has come far enough or the last line is long ago."""
        tenth = 0 if view.percent is None else int(view.percent // 10)
        now = self._clock()
        if tenth <= self._tenth and (now < self._next_at or view.done == 0):
            return
        self._tenth = max(tenth, self._tenth)
        self._next_at = now + self.SECONDS
        if text := progress_text(view):
            print_lines(self._console, Text(text), 2)

    def close(self) -> None:
        """Nothing to take away."""


class _Narrower(Progress):
    """Leaves room for the ^C that a terminal shows; a line that wraps could not be taken back."""

    def get_renderable(self) -> Padding:
        """Return the bar with a margin."""
        return Padding(Carried(super().get_renderable()), (0, 3, 0, 0))


class _TerminalBar:
    """A bar of rich, redrawn in place below the lines."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None

    def show(self, view: View) -> None:
        """Redraw the bar; it appears with the first progress."""
        if self._progress is None:
            self._progress = _Narrower(
                SpinnerColumn("line" if self._console.options.ascii_only else "dots"),
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[text]}", markup=False),
                console=self._console,
                transient=True,
            )
            self._progress.add_task("", total=None, text="")
            self._progress.start()
        self._progress.update(
            self._progress.task_ids[0],
            description=clean(view.label),
            total=None if view.percent is None else 100.0,
            completed=view.percent or 0.0,
            text=progress_text(view, label=False),
        )

    def reset(self) -> None:
        """Take the bar away until there is progress again."""
        self.close()

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _log(update: Update) -> Iterator[tuple[str, str]]:
    """Yield levels and texts: the lines of an update, and what is said of those left out."""
    for missing, line in update.log():
        if missing:
            lines = plural("line", missing)
            yield "debug", f"… {missing:,} {lines} came too fast to be shown"
        yield line.level, line.text


def progress_text(view: View, *, label: bool = True) -> str:
    """Return percentage, counts, rate and ETA, as far as they are known."""
    details: list[str] = []
    if view.done is not None:
        details = [
            format_counts(view.done, view.total, view.unit),
            format_rate(view.rate, view.unit),
        ]
        if view.eta:
            details.append(f"ETA {format_duration(view.eta)}")
    inner = ", ".join(part for part in details if part)
    percent = format_percent(view.percent)
    head = f"{view.label}: " if label and view.label else ""
    return clean(f"{head}{percent} ({inner})" if inner and percent else f"{head}{percent}{inner}")


def _result_lines(update: Update, finished: Finished) -> list[str]:
    context: dict[str, Any] = dict(finished.result or {})
    operation = update.operation
    name = template_name(operation._meta.label, "_result.txt")
    try:
        template = get_template(name)
        text = template.render({**context, "op": operation, "object": operation})
    except Exception as error:
        if not isinstance(error, TemplateDoesNotExist) or str(error) != name:
            logger.exception("liveops: the result template %s failed; values are printed", name)
        return [f"{clean(str(key))}={clean(str(value))}" for key, value in context.items()]
    return [clean(line) for line in text.strip("\n").splitlines()]
