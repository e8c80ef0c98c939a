"""Turns what the database says, look by look, into the updates that a text sink prints.

A run tells its sinks of each stage as it changes. Here only states are seen, perhaps after several
changes; the log lines, which carry the name of their stage, tell what came between them.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from liveops.models import LiveOperation
from liveops.progress.update import Finished, Region, Sink, StageChange, Update
from liveops.progress.view import Line
from liveops.stages import StageState
from liveops.terminal.attempts import Attempts
from liveops.terminal.looks import Look, Source

_UNFINISHED = (StageState.ACTIVE, StageState.RETRYING)
_STATUS = frozenset({Region.STATUS})
_PROGRESS = frozenset({Region.STATUS, Region.PROGRESS})


@dataclass
class _Told:
    """What was printed of a stage: its header, those of its attempts up to one, and its end."""

    attempt: int = 1
    has_ended: bool = False


class Playback:
    """What has been printed of one operation, and what is still to be.

    Args:
        source: reads the operation.
        sink: prints it.
        after: number of the log line after which to begin.
    """

    def __init__(self, source: Source, sink: Sink, after: int = 0) -> None:
        self._source = source
        self._stages = list(source.operation.stages)
        self._sink = sink
        self._attempts = Attempts(source)
        self._last = after
        self._goes_on = self._is_clipped = after > 0
        self._run_id: uuid.UUID | None = None
        self._told: dict[str, _Told] = {}
        self._look: Look | None = None

    def play(self, look: Look) -> None:
        """Print what is new, but for the end of the operation.

        Args:
            look: what the database says now.
        """
        self._look = look
        if look.run_id != self._run_id:
            self._begin_anew(look)
        self._attempts.take(look)
        if look.state.is_final or look.log_seq > self._last:
            for page in self._source.lines(self._last):
                self._print_lines(page)
        for name in self._stages:
            self._tell(name)
        self._emit(regions=_PROGRESS if look.has_progress_of(self._stages) else _STATUS)

    def finish(self, following: LiveOperation | None) -> LiveOperation:
        """Print the end of the operation, and return it; all else was printed before.

        Args:
            following: the operation that it went on with.
        """
        ended, view = self._source.as_it_ended(), self._known.view
        finished = Finished(
            state=view.state,
            success_url=None,
            result=ended.result_context,
            error_text=view.error_text,
            traceback="",
            following=following,
        )
        self._emit(operation=ended, finished=finished)
        return ended

    @property
    def _known(self) -> Look:
        if self._look is None:
            raise RuntimeError("Nothing was played yet.")
        return self._look

    def _begin_anew(self, look: Look) -> None:
        """Forget the stages of an earlier run, but for those that are passed by."""
        self._run_id = look.run_id
        self._goes_on = self._goes_on and not self._told
        states = look.view.stage_states
        for name in [name for name in self._told if states.get(name) != StageState.DONE]:
            self._end(name, StageState.DONE)
            del self._told[name]

    def _print_lines(self, page: Sequence[Line]) -> None:
        for stage, attempt, lines in self._passages(page):
            if stage in self._stages:
                self._come_to(stage)
                self._reach(stage, attempt)
            else:
                self._leave_ended()
            # Before the first line that is shown of a run, nothing is missing.
            self._emit(lines=lines, skipped=lines[0].seq - self._last - 1 if self._goes_on else 0)
            self._last, self._goes_on = lines[-1].seq, True

    def _passages(self, page: Sequence[Line]) -> Iterator[tuple[str, int, list[Line]]]:
        """Yield the lines of one attempt of one stage after the other."""
        where, lines = ("", 1), list[Line]()
        for line in page:
            here = (line.stage, self._attempts.of(line, is_first=self._is_clipped))
            self._is_clipped = False
            if lines and here != where:
                yield *where, lines
                lines = []
            where = here
            lines.append(line)
        yield *where, lines

    def _come_to(self, name: str) -> None:
        """Print the header of a stage; those that ended before it come first."""
        if name not in self._told:
            for earlier in self._stages[: self._stages.index(name)]:
                if self._state(earlier) not in _UNFINISHED:
                    self._tell(earlier)
            self._open(name)

    def _leave_ended(self) -> None:
        """Print the ends of the stages whose headers were printed."""
        for name in list(self._told):
            if self._state(name) not in _UNFINISHED:
                self._tell(name)

    def _open(self, name: str) -> None:
        self._told[name] = _Told()
        self._change(name, StageState.ACTIVE)
        if self._stages.index(name) == self._known.view.current_stage:
            self._emit(regions=_STATUS)

    def _reach(self, name: str, attempt: int) -> None:
        """Print the headers of the attempts up to one."""
        told = self._told[name]
        for number in range(told.attempt + 1, attempt + 1):
            self._change(name, StageState.ACTIVE, attempt=number)
        told.attempt = max(told.attempt, attempt)

    def _tell(self, name: str) -> None:
        """Print what is known of a stage by now: its header, its attempts, and how it ended."""
        state = self._state(name)
        if state is None:
            return
        if name not in self._told:
            self._open(name)
        self._reach(name, self._attempts.number(name))
        if state not in _UNFINISHED:
            self._end(name, state)
        elif self._told[name].has_ended:  # it was entered again
            del self._told[name]
            self._open(name)

    def _end(self, name: str, state: str) -> None:
        if not self._told[name].has_ended:
            self._told[name].has_ended = True
            began, ended = self._known.view.stage_times.get(name, (None, None))
            took = 0.0 if began is None or ended is None else ended - began
            self._change(name, state, seconds=took)

    def _state(self, name: str) -> str | None:
        return self._known.view.stage_states.get(name)

    def _change(self, name: str, state: str, *, attempt: int = 1, **times: float) -> None:
        change = StageChange(
            name=name,
            index=self._stages.index(name),
            state=state,
            attempt=attempt,
            tries=max(self._attempts.most(name), attempt),
            **times,
        )
        self._emit(stage=change)

    def _emit(self, **parts: Any) -> None:
        operation = parts.pop("operation", self._source.operation)
        self._sink.emit(replace(Update(operation, 0, self._known.view), **parts))
