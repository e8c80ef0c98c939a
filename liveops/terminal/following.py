"""Following an operation to its end, whichever process runs it."""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TextIO, TypeVar

from django.db import connections
from django.utils import translation

from liveops import outages
from liveops.exceptions import UnknownOperationTypeError
from liveops.models import LiveOperation
from liveops.sinks.text import Bar, PlainBar, TextSink
from liveops.states import State
from liveops.summary import TextConsole
from liveops.terminal.hints import Hints
from liveops.terminal.looks import Look, Source
from liveops.terminal.pace import Pace
from liveops.terminal.panel import Panel
from liveops.terminal.playback import Playback

T = TypeVar("T")


class _Sink(TextSink):
    """A text sink that has, on a terminal, the stages below its lines.

    Args:
        stream: where to print.
        operation: what is printed.
        is_live: whether anything is redrawn; else the lines are all there is.
    """

    def __init__(self, stream: TextIO, operation: LiveOperation, *, is_live: bool) -> None:
        self._panel: Panel | None = None
        self._operation = operation
        self._is_live = is_live
        super().__init__(stream, bar=self._make_bar)

    def _make_bar(self, console: TextConsole) -> Bar:
        if not self._is_live:
            return PlainBar(console, time.monotonic)
        self._panel = Panel(console, list(self._operation.stages))
        return self._panel

    def draw(self, look: Look) -> None:
        """Draw what stands below the lines."""
        if self._panel is not None:
            self._panel.draw(look)

    def note(self, text: str) -> None:
        """Print a line that is the watcher's own."""
        self._write(text, "dim")


class Follower:
    """Prints an operation and, unless told otherwise, those of its chain, until the last one ends.

    Args:
        stream: where to print.
        tail: how many of the log lines that are there already are shown; None for all.
        waits: whether to wait for the end; else what is there is printed once.
        chain: whether to go on with the next operation of a chain.

    Attributes:
        followed: the operations that were shown and have ended, as they were stored then.
        current: the operation that is shown, or was the last to be.
    """

    def __init__(
        self, stream: TextIO, *, tail: int | None, waits: bool = True, chain: bool = True
    ) -> None:
        self._stream = stream
        self._tail = tail
        self._waits = waits
        self._chain = chain
        self._is_away = False
        self.followed: list[LiveOperation] = []
        self.current: LiveOperation | None = None

    def follow(self, operation: LiveOperation) -> State:
        """Print an operation; return the state of the last one of its chain.

        Args:
            operation: the specific instance.

        Raises:
            OperationGone: it was deleted meanwhile.
            OSError: nobody reads any more what is printed.
            DatabaseError: the database is away, and this does not wait.
        """
        with Hints(wanted=self._waits) as hints:
            pace = Pace(hints)
            while True:
                self.current = operation
                hints.follow(operation.get_channel_name())
                with translation.override(operation.language):
                    state, following = self._follow_one(operation, pace)
                if following is None:
                    return state
                operation = following
                self._tail = None  # whatever it has said by now came after the one before it

    def _follow_one(
        self, operation: LiveOperation, pace: Pace
    ) -> tuple[State, LiveOperation | None]:
        source = Source(operation)
        sink = _Sink(self._stream, operation, is_live=self._waits)
        try:
            after, left_out = self._read(source, partial(source.before, self._tail), pace)
            if left_out:
                sink.note(f"… {left_out:,} earlier lines; --from-start shows them")
            playback = Playback(source, sink, after)
            look = self._to_the_end(source, sink, playback, pace)
            if not look.state.is_final or look.goes_on_by_itself:
                sink.note(f"It has not ended yet: {look.state}.")
                return look.state, None
            following = self._following(source, sink, pace)
            self.followed.append(self._read(source, partial(playback.finish, following), pace))
            return look.state, following if self._chain else None
        finally:
            sink.close()

    def _following(self, source: Source, sink: _Sink, pace: Pace) -> LiveOperation | None:
        """Return the next operation of the chain; say so if it cannot be shown."""
        try:
            return self._read(source, source.following, pace)
        except UnknownOperationTypeError as error:
            sink.note(f"It went on with another operation. {error}")
            return None

    def _to_the_end(self, source: Source, sink: _Sink, playback: Playback, pace: Pace) -> Look:
        """Print what there is, again and again; return the last look at it."""

        def step() -> Look:
            look = source.look()
            playback.play(look)
            return look

        is_told = False
        while True:
            look = self._read(source, step, pace)
            if look.goes_on_by_itself and not is_told:
                sink.note("Interrupted; it is going to be resumed by itself.")
            is_told = look.goes_on_by_itself
            sink.draw(look)
            if not self._waits or (look.state.is_final and not look.goes_on_by_itself):
                return look
            pace.wait()

    def _read(self, source: Source, read: Callable[[], T], pace: Pace) -> T:
        """Return what is read, as soon as the database is there."""
        while True:
            try:
                result = read()
            except Exception as error:
                if not (self._waits and outages.is_passing(error)):
                    raise
                outages.drop_if_broken(connections[source.alias])
                if not self._is_away:
                    self._is_away = True
                    _say(
                        f"The database cannot be reached ({outages.described(error)}); "
                        f"going on when it is back."
                    )
                pace.wait_for_database()
            else:
                if self._is_away:
                    self._is_away = False
                    _say("The database is back.")
                return result


def _say(text: str) -> None:
    # While anything is redrawn, rich has this printed above it.
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
