"""`p.run()` under a flood of output: memory stays bounded, and the others are served meanwhile."""

import sys
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import psutil
import pytest
from django.db import connections

from liveops.progress import Progress
from liveops.progress.pumps import Pump, inline_pump, threaded_pump
from liveops.progress.update import Update
from liveops.runners.executor import execute
from tests.integration.commands import PUMPS, Lookout, MakePump
from tests.integration.edge import DEADLINE
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)

SIZE = 100_000_000
MOST_GROWTH = 80_000_000

LINES = r'b"%079d\n" % 7 * 10_000'
ONE_LINE = 'b"x" * 1_000_000'
BINARY = "bytes(range(256)) * 4_000"


class Scale:
    """A sink that looks how much memory the process takes, and keeps only numbers of lines."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.before = self.most = self._process.memory_info().rss
        self.skipped = self.missing = self.last = 0

    def emit(self, update: Update) -> None:
        """Weigh, and count what is left out."""
        self.most = max(self.most, self._process.memory_info().rss)
        self.skipped += sum(missing for missing, _ in update.log())
        for line in update.lines:
            self.missing += line.seq - self.last - 1
            self.last = line.seq

    def close(self) -> None:
        """Nothing to close."""

    @property
    def growth(self) -> int:
        """Most bytes that the process took more than at first."""
        return self.most - self.before


def writer(block: str, size: int) -> list[str]:
    """Return the command that writes about so many bytes, block by block, and a last line."""
    code = (
        f"import sys; out = sys.stdout.buffer; block = {block}; "
        f"[out.write(block) for _ in range({size} // len(block))]; "
        r'out.write(b"\nthe last line\n")'
    )
    return [sys.executable, "-c", code]


def run_flood(command: list[str], pump: Pump) -> tuple[Any, Scale, list[str]]:
    """Run the command as an operation; return it, what was weighed, and the log's last lines."""

    def body(op: Scripted, p: Progress) -> None:
        p.run(writer(ONE_LINE, 1_000_000) if op.note == "warm" else command)
        p.log("goes on")

    Scripted.body = body
    # What is loaded at the first run is no growth.
    execute(Scripted.objects.create(note="warm"), pump=pump, web=False)
    scale = Scale()
    operation = Scripted.objects.create()
    execute(operation, pump=pump, sinks=[scale], web=False)
    done = Scripted.objects.get(pk=operation.pk)
    assert done.get_state() == "FINISHED_OK", done.traceback
    texts = done.log_lines.order_by("-seq").values_list("text", flat=True)
    return done, scale, list(texts[:3])


class Talkative(Scripted):
    """Speaks as the test says, whatever body others of its kind have."""

    class Meta:
        proxy = True
        app_label = "testapp"

    speak: ClassVar[Callable[[Progress], None]]

    def run(self, p: Progress) -> None:
        """Speak."""
        type(self).speak(p)


class Acquaintance:
    """Another operation of this process, which sends a status and waits until it is shown."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.shown = 0
        self.in_time = True
        self._seen = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """End."""
        self.over.set()
        self._thread.join(2 * DEADLINE)
        assert not self._thread.is_alive()

    def emit(self, update: Update) -> None:
        """Note that the newest status is shown."""
        if update.view.status_text == f"number {self.shown}":
            self._seen.set()

    def close(self) -> None:
        """Nothing to close."""

    def _work(self) -> None:
        Talkative.speak = self._speak
        try:
            operation = Talkative.objects.create()
            execute(operation, pump=threaded_pump(), sinks=[self], web=False)
        finally:
            connections.close_all()

    def _speak(self, p: Progress) -> None:
        while not self.over.is_set() and self.in_time:
            self._seen.clear()
            p.status(f"number {self.shown}")
            self.in_time = self._seen.wait(DEADLINE)
            self.shown += self.in_time


def test_a_flood_of_lines_is_left_out_but_for_its_end_and_holds_up_nobody(settings: Any) -> None:
    settings.LIVEOPS = {**settings.LIVEOPS, "LOG_LINES": 2_000}
    other = Acquaintance()
    other.start()
    try:
        done, scale, last = run_flood(writer(LINES, SIZE), threaded_pump())
    finally:
        other.join()
    assert last[:2] == ["goes on", "the last line"]
    assert done.log_lines.count() <= 2_200
    assert scale.skipped == scale.missing > SIZE / 80 / 2, "the gap is as wide as it is said to be"
    assert scale.last == done.live_progress.log_seq
    assert scale.last == SIZE / 80 + 4, "lines that are left out count"
    assert scale.growth < MOST_GROWTH
    assert other.in_time
    assert other.shown >= 5


def test_a_flood_without_a_line_break_does_not_grow_memory() -> None:
    _, scale, last = run_flood(writer(ONE_LINE, SIZE), threaded_pump())
    assert last[:2] == ["goes on", "the last line"]
    assert set(last[2]) == {"x"}
    assert scale.growth < MOST_GROWTH


@pytest.mark.parametrize("pump", PUMPS)
def test_binary_output_does_no_harm(pump: MakePump, settings: Any) -> None:
    settings.LIVEOPS = {**settings.LIVEOPS, "LOG_LINES": 500}
    done, _, last = run_flood(writer(BINARY, 2_000_000), pump())
    assert last[:2] == ["goes on", "the last line"]
    assert done.log_lines.count() <= 550


def test_a_flood_that_is_followed_in_a_terminal_tells_of_the_gap(settings: Any) -> None:
    settings.LIVEOPS = {**settings.LIVEOPS, "LOG_LINES": 100, "THROTTLE_HZ": 1.0}
    lookout = Lookout()
    Scripted.body = lambda op, p: p.run(["seq", "20000"])
    execute(Scripted.objects.create(), pump=inline_pump(), sinks=[lookout], web=False)
    assert lookout.skipped > 0
    assert lookout.texts[-1] == "20000"
    assert len(lookout.texts) + lookout.skipped == 20_001
