"""What a run has shown so far, and what changed since: frame numbers, the view, the log's tail.

Not thread-safe: its run holds a lock around every call.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from liveops.models import LiveOperation
from liveops.progress.state import ProgressState
from liveops.progress.update import Region, Swap, Update
from liveops.progress.view import Line, View
from liveops.states import State

TAIL = 1_000
"""Log lines in a snapshot, and the most that one frame carries."""


class Screen:
    """Turns the changes of a run's state into numbered updates.

    Args:
        operation: the operation that is shown.
        seq: number of the last frame before this run.
        log_seq: number of the last log line before this run.

    Attributes:
        taken_at: when changes were last asked for, in seconds of the run's clock.
    """

    def __init__(self, operation: LiveOperation, seq: int, log_seq: int) -> None:
        self.seq = seq
        self.log_seq = log_seq
        self.view = View(state=State.STARTED)
        self.tail: deque[Line] = deque(maxlen=TAIL)
        self.taken_at = float("-inf")
        self._operation = operation
        self._regions: set[Region] = set()
        self._swaps: list[Swap] = []

    @property
    def pending(self) -> bool:
        """Whether a region or a part of the page waits for the next update."""
        return bool(self._regions or self._swaps)

    def change(self, *regions: Region, **values: Any) -> None:
        """Change values of the view; the regions are part of the next update."""
        self.view = replace(self.view, **values)
        self._regions.update(regions)

    def add_swap(self, swap: Swap) -> None:
        """Add a change of the operation's own part of the page to the next update.

        What replaces the content of its target is kept, so that a page opened later shows it too.
        """
        self._swaps.append(swap)
        if swap.mode == "innerHTML":
            self.view = replace(self.view, swaps={**self.view.swaps, swap.selector: swap.html})

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
            self.view = replace(self.view, status_text=text, status_level=level)
            regions.add(Region.STATUS)
        moved, values = state.take_progress(now)
        if moved:
            self.view = replace(self.view, **values)
            regions.add(Region.PROGRESS)
        lines, last = state.take_lines(self.log_seq + 1), self.log_seq
        if lines:
            self.log_seq = lines[-1].seq
            self.tail.extend(lines)
            regions.add(Region.LOG)
        if not regions and not swaps:
            return None, ()
        shown = lines[-TAIL:]
        skipped = shown[0].seq - last - 1 if shown else 0
        return self.update(regions, lines=shown, skipped=skipped, swaps=swaps), lines

    def update(self, regions: Iterable[Region] = (), **more: Any) -> Update:
        """Return the next update in number, with the view as it is."""
        self.seq += 1
        return Update(
            operation=self._operation,
            seq=self.seq,
            view=self.view,
            regions=frozenset(regions),
            **more,
        )
