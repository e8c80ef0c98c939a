"""Readers that take nothing of what a loud operation says: bounded in memory, and dropped."""

import psutil
import pytest

from tests.acceptance.availability.deaf import Deaf
from tests.acceptance.availability.serving import memory_of
from tests.acceptance.survival.outside import start
from tests.acceptance.survival.sockets import Socket
from tests.engines.fixtures import MakeEngines
from tests.engines.process import Process
from tests.engines.waiting import until

NUMBER = 10
LOUD = {"Load": [["log", "{}", 10**12]]}  # longer than any test
MEGABYTES_EACH = 4


def connections(daphne: Process) -> int:
    """Return how many connections a server has open with its clients."""
    port = int(daphne.url.rpartition(":")[2])
    found = psutil.Process(daphne.pid).net_connections("tcp")
    return sum(each.laddr.port == port and each.status == "ESTABLISHED" for each in found)


@pytest.mark.promise("slow-readers-bounded")
def test_who_takes_nothing_is_dropped_and_costs_little_until_then(engines: MakeEngines) -> None:
    """Under Daphne, which keeps what it is given for a reader without a bound of its own."""
    site = engines(liveops={"SLOW_READER_SECONDS": 1, "LOG_LINES": 100})
    daphne = site.start_daphne()
    loud = start(daphne, "BlockPlan", **LOUD)
    with Socket(daphne, loud) as watcher:
        until(lambda: watcher.lines)
        small, sizes = memory_of(daphne), [0]
        with Deaf(daphne, loud, NUMBER):

            def is_dropped() -> bool:
                sizes.append(memory_of(daphne) - small)
                return connections(daphne) == 1

            until(is_dropped, 90, lambda: f"{connections(daphne)} open; {daphne.log[-2000:]}")
        most = max(sizes) / 2**20
        print(f"\nat most {most:.0f} MB for {NUMBER}")
        assert most <= MEGABYTES_EACH * NUMBER
        known = len(watcher.lines)
        until(lambda: len(watcher.lines) > known, what="the one that reads")
