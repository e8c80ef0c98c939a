"""A page as the rules of the wire describe it, and a gate that holds a reader back."""

import asyncio
import threading
from typing import Any

from tests.integration.edge import DEADLINE
from tests.integration.markup import Element, fragments, log_numbers


class Page:
    """What a page shows, by the rules of the wire: a snapshot is the base, frames go on top.

    Lines that are shown already are dropped, and so are stamped fragments older than what is shown.
    """

    def __init__(self) -> None:
        self.regions: dict[str, Element] = {}
        self.lines: list[int] = []
        self.repeated: list[int] = []
        self.ends: list[str] = []
        self._stamps: dict[str, int] = {}

    def take(self, frame: dict[str, Any]) -> None:
        """Apply a frame."""
        assert "error" not in frame, frame
        if "liveop_finished" in frame:
            self.ends.append(frame["liveop_finished"]["state"])
            return
        for name, fragment in fragments(frame["liveop_html"], frame["op"]).items():
            stamp = int(fragment.attributes.get("data-seq", 0))
            if name == "op-log":
                self._take_lines(fragment)
            elif stamp >= self._stamps.get(name, 0):
                self._stamps[name] = stamp
                self.regions[name] = fragment

    def _take_lines(self, log: Element) -> None:
        numbers = log_numbers(log)
        if log.attributes["mode"] == "innerHTML":
            self.lines = []
        last = self.lines[-1] if self.lines else 0
        self.repeated += [number for number in numbers if number <= last]
        self.lines += [number for number in numbers if number > last]

    @property
    def stages(self) -> list[str]:
        """The states in the stepper."""
        return [step.attributes["data-state"] for step in self.regions["op-stages"].all("li")]


class Gate:
    """Holds a function back in the middle of what it does."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.go = threading.Event()

    def hold(self) -> None:
        """Wait for ``go``."""
        self.reached.set()
        assert self.go.wait(DEADLINE)

    async def wait_until_reached(self) -> None:
        """Return when somebody is held back."""
        assert await asyncio.to_thread(self.reached.wait, DEADLINE)
