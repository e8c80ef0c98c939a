"""What a run has shown so far, and what changed since: frame numbers, the view, the log's tail.

Not thread-safe: its run holds a lock around every call.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from liveops.models import LiveOperation
from liveops.progress.forecast import forecast, not_selected
from liveops.progress.state import ProgressState
from liveops.progress.update import Region, Swap, Update
from liveops.progress.view import Line, View
from liveops.stages import StageState
from liveops.states import State

TAIL = 1_000
"""Log lines in a snapshot, and the most that one frame carries."""

ROOM = 100_000
"""Characters of a part of the page to which what is added is kept."""


class Screen:
    """Turns the changes of a run's state into numbered updates.

    Args:
        operation: the operation that is shown.
        seq: number of the last frame before this run.
        log_seq: number of the last log line before this run.
        wall: seconds since the epoch; a test passes its own.

    Attributes:
        taken_at: when changes were last asked for, in seconds of the run's clock.
    """

    def __init__(
        self,
        operation: LiveOperation,
        seq: int,
        log_seq: int,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.seq = seq
        self.log_seq = log_seq
        self.view = View(state=State.STARTED)
        self.tail: deque[Line] = deque(maxlen=TAIL)
        self.taken_at = float("-inf")
        self._operation = operation
        self._wall = wall
        self._timed_at = float("-inf")
        self._pace: float | None = None
        self._was_retrying = False
        self._regions: set[Region] = set()
        self._swaps: list[Swap] = []

    @property
    def pending(self) -> bool:
        """Whether a region or a part of the page waits for the next update."""
        return bool(self._regions or self._swaps)

    def begin(self, view: View, now: float) -> None:
        """Show this at the start of the run, at ``now`` seconds of its clock."""
        self.view = view
        self._was_retrying = self._is_retrying
        self._show_progress(now, {})

    def now(self) -> float:
        """Return the moment as watchers see it: seconds since the epoch, to the millisecond."""
        return round(self._wall(), 3)

    def due_at(self, interval: float, *, counting: bool) -> float:
        """Return when to look for changes that nobody announces, in seconds of the run's clock.

        Args:
            interval: the least seconds between two frames.
            counting: whether something is counted just now.
        """
        soonest = self.taken_at + interval
        if counting:
            return soonest
        return float("inf") if self._pace is None else max(self._timed_at + self._pace, soonest)

    def change(self, *regions: Region, **values: Any) -> None:
        """Change values of the view; the regions are part of the next update."""
        self.view = _changed(self.view, **values)
        self._regions.update(regions)

    def add_swap(self, swap: Swap) -> None:
        """Add a change of the operation's own part of the page to the next update.

        What replaces the content of its target is kept, so that a page opened later shows it too;
        so is what is added to that, as long as there is room.
        """
        self._swaps.append(swap)
        before = self.view.swaps.get(swap.selector)
        if swap.mode == "innerHTML":
            kept = swap.html
        elif before is None or len(before) + len(swap.html) > ROOM:
            return
        elif swap.mode == "beforeend":
            kept = before + swap.html
        elif swap.mode == "afterbegin":
            kept = swap.html + before
        else:
            return
        self.view = _changed(self.view, swaps={**self.view.swaps, swap.selector: kept})

    def collect(self, state: ProgressState, now: float) -> tuple[Update | None, Sequence[Line]]:
        """Return an update with all changes, or None without any; and every new log line.

        The update holds at most the last 1,000 of the lines and says how many it leaves out.
        """
        self.taken_at = now
        state.announced = False
        regions, self._regions = self._regions, set()
        swaps, self._swaps = self._swaps, []
        if state.status_changed:
            state.status_changed = False
            text, level = state.take_status()
            self.view = _changed(self.view, status_text=text, status_level=level)
            regions.add(Region.STATUS)
        moved, values = state.take_progress(now)
        has_aged = self._pace is not None and now >= self._timed_at + self._pace
        if moved or has_aged or Region.STAGES in regions:
            self._show_progress(now, values)
            regions.add(Region.PROGRESS)
        if Region.STAGES in regions and self._is_retrying != self._was_retrying:
            self._was_retrying = self._is_retrying
            regions.add(Region.STATUS)  # it says what happens meanwhile
        lines, last = [], self.log_seq
        if state.pending:
            lines = state.take_lines(last + 1)
        if lines:
            self.log_seq = lines[-1].seq
            self.tail.extend(lines)
            regions.add(Region.LOG)
        if not regions and not swaps:
            return None, ()
        shown = lines[-TAIL:]
        skipped = shown[0].seq - last - 1 if shown else 0
        return self.update(regions, lines=shown, skipped=skipped, swaps=swaps), lines

    @property
    def _is_retrying(self) -> bool:
        return StageState.RETRYING in self.view.stage_states.values()

    def _show_progress(self, now: float, values: dict[str, Any]) -> None:
        operation, began = self._operation, self._operation.started_on
        view = _changed(self.view, **values, taken_at=self.now())
        told = forecast(
            operation.stages,
            view,
            began.timestamp() if began is not None else None,
            not_selected(operation.stages, operation.stages_to_run),
        )
        self.view = _changed(view, reached=told.percent or 0.0) if operation.stages else view
        self._timed_at, self._pace = now, told.pace

    def update(self, regions: Iterable[Region] = (), **more: Any) -> Update:
        """Return the next update in number, with the view as it is."""
        self.seq += 1
        return self.last_update(regions=frozenset(regions), **more)

    def last_update(self, **more: Any) -> Update:
        """Return an update with the number of the last one: no frame comes of it."""
        return Update(operation=self._operation, seq=self.seq, view=self.view, **more)


def _changed(view: View, **values: Any) -> View:
    """Return the view with other values, as ``dataclasses.replace`` does in twice the time."""
    changed = object.__new__(View)
    for name in View.__slots__:
        object.__setattr__(changed, name, getattr(view, name))
    for name, value in values.items():
        object.__setattr__(changed, name, value)
    return changed
