"""``Progress``: what user code holds while it runs."""

import logging
import math
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar, overload

from django.db.models import QuerySet

from liveops.models import LiveOperation
from liveops.progress.bridge import call_at_home, in_event_loop
from liveops.progress.capture import LogCapture
from liveops.progress.chaining import Chaining, HandOn
from liveops.progress.commands import Commands
from liveops.progress.parts import PageParts
from liveops.progress.redaction import checked_values
from liveops.progress.run import Run
from liveops.progress.state import TAKE, Counter
from liveops.progress.text import (
    LEVELS,
    LOG_LINE_LIMIT,
    clean,
    cut,
    split_lines,
    unknown_level,
)
from liveops.progress.tracking import EitherIterator, track_async, track_sync
from liveops.results import storable

T = TypeVar("T")
logger = logging.getLogger("liveops")

_LONGEST_TEXT = LOG_LINE_LIMIT * 16


class Progress(Chaining, Commands, PageParts):
    """Tells watchers how an operation goes; handed to ``run(self, p)``.

    Calls only change values in memory; a pump shows and saves them, at most ``THROTTLE_HZ`` times a
    second. The exceptions are stage boundaries, which are saved at once.

    Args:
        run: the run that this handle steers.
        hand_on: what starts the next operation of a chain; left out, it is enqueued.
    """

    def __init__(self, run: Run, hand_on: HandOn | None = None) -> None:
        self._run = run
        self._hand_on = hand_on
        self._state = run.state
        self._warned = False
        self.result_context: dict[str, Any] | None = None
        self.error_text: str | None = None

    @property
    def operation(self) -> LiveOperation:
        """The operation that runs."""
        return self._run.operation

    @property
    def shutting_down(self) -> bool:
        """Whether the process was told to stop; cheap enough for any loop.

        A run that has asked once is not stopped at once when that happens: it gets most of
        ``SHUTDOWN_GRACE`` to return or to leave off at a good place.
        """
        self._run.asks_for_grace = True  # before the look, so that no moment lies between
        return self._run.is_going_down

    def status(self, text: object, level: str = "info") -> None:
        """Replace the status line.

        Args:
            text: what happens now, up to 1,000 characters.
            level: ``"debug"``, ``"info"``, ``"success"``, ``"warning"`` or ``"error"``.

        Raises:
            ValueError: an unknown level.
        """
        if level not in LEVELS:
            raise unknown_level(level)
        self._state.set_status(text if type(text) is str else str(text), level)

    def percent(self, value: float | None) -> None:
        """Set the bar.

        Args:
            value: 0 to 100; what lies outside becomes the nearer end, with a warning in Python's
                log. None shows a bar without a known end.

        Raises:
            ValueError: not a number (NaN), infinite, or what ``float()`` does not take.
        """
        if value is not None:
            value = _number(value)
            if not 0.0 <= value <= 100.0:
                value = self._within_bounds(value)
        self._state.set_percent(value)

    def log(self, line: object, level: str = "info") -> None:
        """Append to the log; a text with line breaks becomes several lines.

        Args:
            line: the text. Lines over 8,192 characters are cut, and say so.
            level: as for :meth:`status`.

        Raises:
            ValueError: an unknown level.
        """
        if level not in LEVELS:
            raise unknown_level(level)
        text = line if type(line) is str else str(line)
        if len(text) > _LONGEST_TEXT:  # not kept in memory until the next flush
            lines = split_lines(self._run.redactor.mask(text))
            for part in lines[:TAKE]:
                self._state.add_line(cut(part, LOG_LINE_LIMIT), level)
            if len(lines) > TAKE:
                more = f"{len(lines) - TAKE:,} more lines of one text, cut at {TAKE:,}"
                self._state.add_line(f"… [{more}]", level)
        else:
            self._state.add_line(text, level)

    @overload
    def track(
        self,
        iterable: QuerySet[Any, T],
        total: int | None = None,
        label: str | None = None,
        unit: str = "item",
    ) -> EitherIterator[T]: ...

    @overload
    def track(
        self,
        iterable: Iterable[T],
        total: int | None = None,
        label: str | None = None,
        unit: str = "item",
    ) -> Iterator[T]: ...

    @overload
    def track(
        self,
        iterable: AsyncIterable[T],
        total: int | None = None,
        label: str | None = None,
        unit: str = "item",
    ) -> AsyncIterator[T]: ...

    def track(
        self,
        iterable: Iterable[T] | AsyncIterable[T],
        total: int | None = None,
        label: str | None = None,
        unit: str = "item",
    ) -> Any:
        """Yield the items of an iterable while the bar follows.

        A cancel is raised before the next item. Nothing is ever read ahead or turned into a
        list to be counted.

        Args:
            iterable: what to loop over; an async iterable gives an async iterator.
            total: number of items. Left out, it is ``len()`` where there is one, ``.count()`` for a
                QuerySet, and otherwise unknown: count and rate are shown instead of a percentage.
            label: shown beside the bar, up to 200 characters.
            unit: singular name of an item; a final "s" is added for more than one.

        Raises:
            ValueError: a negative total.
            OperationCancelled: the operation was cancelled.
        """
        size = call_at_home(lambda: _size(iterable)) if total is None else _checked_total(total)
        mask = self._run.redactor.mask
        label, unit = clean(mask(str(label or "")))[:200], clean(mask(str(unit)))[:100]
        counter = Counter(size, label, unit, self._run.clock())
        if isinstance(iterable, AsyncIterable) and not (
            isinstance(iterable, Iterable) and not in_event_loop()  # a QuerySet is both
        ):
            return track_async(iterable, counter, self._run)
        return track_sync(iterable, counter, self._run)

    def check_cancelled(self) -> None:
        """Raise if the operation was cancelled or its run is to stop.

        With the threaded pump this looks at a flag that is at most a second old. In the eager
        runner and in tests it asks the database each time.

        Raises:
            OperationCancelled: somebody asked to cancel.
        """
        if not self._run.is_polled:
            call_at_home(self._run.look_at_flags)
        self._run.raise_stop(again=True)

    def result(self, context: Mapping[str, Any] | None = None, **extra: Any) -> None:
        """Set the result; it is stored when the run returns, and shown by the result template.

        Called again, the new result replaces the old one, and a log line says so. A run
        that never calls it ends successfully with an empty result.

        Args:
            context: names and values for the template; what ``DjangoJSONEncoder`` takes.
            extra: more of them.

        Raises:
            InvalidResultError: a value that JSON cannot take; the message names its key.
            InvalidStateError: the operation has ended with ``chain_to()``.
        """
        self._refuse_after_chain()
        stored = storable(context, extra)
        if self.result_context is not None:
            self.log("result() was called again: the earlier result is replaced.", level="warning")
        self.result_context = stored

    def error(self, message: object) -> None:
        """Have the operation end as failed, with a sentence for its watchers.

        ``run()`` goes on to its end. The first message is the one that is kept.

        Raises:
            InvalidStateError: the operation has ended with ``chain_to()``.
        """
        self._refuse_after_chain()
        text = str(message)
        self.log(text, level="error")
        if self.error_text is None:
            self.error_text = text

    def capture_logging(
        self, logger_name: str = "", level: int = logging.INFO
    ) -> AbstractContextManager[None]:
        """Copy what a Python logger records inside the block into the operation's log.

        Only records made by this run's own code are taken, not those of other operations that
        run at the same time.

        Args:
            logger_name: the logger; the root logger if left out.
            level: least level to copy, as in :mod:`logging`.
        """
        return LogCapture(self, logger_name, level)

    def mask(self, *values: str) -> None:
        """Mask these values as ``***`` from now on, in all that this run shows and stores.

        That is in status, log, labels, commands, errors and the traceback; not in the result, nor
        in what :meth:`html` and :meth:`swap` put into the page.

        Args:
            values: each as it is, and as it stands in a ``repr()``, in JSON, in a shell's quotes or
                percent-encoded in an address. Of one with several lines, each line of four
                characters or more is masked.

        Raises:
            TypeError: a value that is no string.
            ValueError: an empty value, or one of fewer than four characters.
        """
        self._run.redactor.add(checked_values(values, "mask()"))

    def _within_bounds(self, value: float) -> float:
        if not math.isfinite(value):
            raise ValueError(f"percent() needs a finite number from 0 to 100; got {value!r}.")
        if not self._warned:
            self._warned = True
            logger.warning(
                "liveops: percent(%r) of operation %s lies outside 0 to 100",
                value,
                self.operation.pk,
            )
        return min(max(value, 0.0), 100.0)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"percent() needs a number from 0 to 100 or None; got {value!r}."
        ) from error


def _checked_total(total: object) -> int:
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise ValueError(f"track() needs a total of 0 or more, or None; got {total!r}.")
    return total


def _size(iterable: Any) -> int | None:
    if isinstance(iterable, QuerySet):
        return iterable.count()
    try:
        return len(iterable)
    except (TypeError, OverflowError):
        return None
