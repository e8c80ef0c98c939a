"""What scenarios of killed processes have in common: quick settings, what is stored, a watcher."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from liveops.models import LiveOperation, LogLine
from tests.engines.fault_points import APP, armed
from tests.engines.site import Engines
from tests.engines.waiting import until
from tests.settings import INSTALLED_APPS

QUICK = {
    "HEARTBEAT_SECONDS": 0.4,
    "STALE_SECONDS": 2.0,
    "REAP_SECONDS": 0.5,
    "REQUEUE_SECONDS": 3.0,
}
"""Settings with which a killed run is found within seconds."""

FAULT_POINTS: dict[str, Any] = {"INSTALLED_APPS": [*INSTALLED_APPS, APP]}
"""Settings of a site whose operations stop at fault points."""

_LINE = re.compile(r'<li[^>]* data-n="(\d+)"')


def stored(operation: LiveOperation) -> Any:
    """Return the operation as it is stored now."""
    return type(operation)._base_manager.get(pk=operation.pk)


def state_of(operation: LiveOperation) -> str:
    """Return its stored state."""
    state: str = LiveOperation.objects.values_list("state", flat=True).get(pk=operation.pk)
    return state


def wait_for(operation: LiveOperation, state: str, seconds: float = 45.0) -> None:
    """Wait until an operation is in a state."""
    until(lambda: state_of(operation) == state, seconds, lambda: f"{state}: {stored(operation)}")


def lines_of(operation: LiveOperation) -> dict[int, str]:
    """Return the stored log lines by number."""
    return dict(LogLine.objects.filter(operation=operation.pk).values_list("seq", "text"))


def assert_no_gap(operation: LiveOperation) -> None:
    """Check that the numbers of the stored lines go from 1 to the last without a gap."""
    numbers = sorted(lines_of(operation))
    assert numbers == list(range(1, len(numbers) + 1))


def arm(site: Engines, operation: LiveOperation, point: str) -> None:
    """Have a site stop at a fault point of an operation."""
    site.let_go(operation, armed(point))


def disarm(site: Engines, operation: LiveOperation, point: str) -> None:
    """Let runs of an operation pass a fault point from now on."""
    site.steps(operation).hold(armed(point))
    site.let_go(operation, point)


class Watch:
    """A page, as far as the socket sees: the frames of each operation it has subscribed to."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._frames: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def subscribe(self, operation: LiveOperation) -> None:
        """Subscribe, and wait for the snapshot."""
        token = operation.subscription_token
        what = {"op": str(operation.pk), "token": token, "log_after": 0}
        self._socket.send(json.dumps({"subscribe": what}))
        until(lambda: self.frames(operation), 45, lambda: f"a snapshot: {self._frames[-3:]}")

    def frames(self, operation: LiveOperation) -> list[dict[str, Any]]:
        """Return what came so far of an operation."""
        return [frame for frame in self._frames if frame.get("op") == str(operation.pk)]

    def html(self, operation: LiveOperation) -> str:
        """Return all fragments that came so far of an operation."""
        return "\n".join(frame.get("liveop_html", "") for frame in self.frames(operation))

    def lines(self, operation: LiveOperation) -> list[int]:
        """Return the numbers of the log lines that were shown, in the order of their coming."""
        return [int(number) for number in _LINE.findall(self.html(operation))]

    def ends(self, operation: LiveOperation) -> list[str]:
        """Return the final states that were told."""
        frames = self.frames(operation)
        ends = [frame["liveop_finished"] for frame in frames if "liveop_finished" in frame]
        return [end["state"] for end in ends]

    def wait_for_end(self, operation: LiveOperation, state: str, times: int = 1) -> None:
        """Wait until an end was told, for the nth time."""
        until(lambda: self.ends(operation).count(state) >= times, 45, lambda: f"told: {state}")

    def wait_for(self, operation: LiveOperation, text: str) -> None:
        """Wait until a text was shown of an operation."""
        until(lambda: text in self.html(operation), 45, lambda: f"{text}: {self.html(operation)}")

    def _read(self) -> None:
        while True:
            try:
                self._frames.append(json.loads(self._socket.recv()))
            except ConnectionClosed:
                return

    def close(self) -> None:
        """Close the page."""
        self._socket.close()
        self._reader.join(10)


@contextmanager
def watching(url: str, *operations: LiveOperation) -> Iterator[Watch]:
    """Watch operations on a Daphne until the block ends."""
    address = url.replace("http", "ws") + "/ws/liveops/"
    with connect(address, max_size=None, open_timeout=60) as socket:
        watch = Watch(socket)
        try:
            for operation in operations:
                watch.subscribe(operation)
            yield watch
        finally:
            watch.close()
