"""Two hundred operations that log as fast as they can: pages and other watchers go on."""

import pytest
from django.db.models import QuerySet

from liveops.models import LiveOperation, LogLine
from liveops.states import State
from tests.acceptance.availability.serving import answers_in, memory_of
from tests.acceptance.survival.outside import start
from tests.acceptance.survival.sockets import Socket
from tests.engines.fixtures import MakeEngines
from tests.engines.waiting import until

FLOODING = 200
LINES = 2_000
KEPT = 1_000
STEADY = {"Load": [["log_until", "end"]]}
FLOOD = {"Load": [["log", "line {} of a flood, as long as lines of a log are", LINES]]}
SLOWER = 100
MEGABYTES = 200


def ended_operations() -> QuerySet[LiveOperation]:
    return LiveOperation.objects.filter(state=State.FINISHED_OK)


def ended() -> int:
    return ended_operations().count()


@pytest.mark.promise("log-floods")
def test_two_hundred_operations_that_log_as_fast_as_they_can(engines: MakeEngines) -> None:
    """All in the process that serves the pages, with as many threads as it has by default."""
    site = engines(liveops={"LOG_LINES": KEPT})
    daphne = site.start_daphne()
    steady = start(daphne, "BlockPlan", **STEADY)
    with Socket(daphne, steady) as watcher, site.here():
        until(lambda: watcher.lines)
        before, small = answers_in(daphne), memory_of(daphne)
        start(daphne, "BlockPlan", Load=[["enqueue", FLOOD, FLOODING]])
        until(lambda: ended() > 1)
        answered, known = answers_in(daphne), len(watcher.lines)
        # SQLite may let others write first for half a minute; the flood goes on for longer, or
        # what follows fails.
        until(lambda: len(watcher.lines) > known + 20, 120)
        grown = (memory_of(daphne) - small) / 2**20
        assert ended() < FLOODING, "The flood was over before anything was measured."
        print(f"\nanswers: {before * 1e3:.1f} ms, in the flood {answered * 1e3:.1f} ms")
        print(f"{grown:.0f} MB more")
        assert answered <= SLOWER * before
        assert grown <= MEGABYTES
        counts = [each.log_lines.count() for each in ended_operations()[:3]]
        assert KEPT in counts, counts
        site.let_go(steady["op"], "end")
        watcher.hears_of_the_end()
        assert watcher.lines == sorted(watcher.lines)
        last = LogLine.objects.filter(operation__pk=steady["op"]).order_by("-seq").first()
        assert last is not None
        assert watcher.lines[-1] == last.seq
