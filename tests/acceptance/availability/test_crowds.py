"""Two thousand sockets that subscribe and never read: the others hardly notice."""

import json

import pytest

from tests.acceptance.availability.deaf import Deaf, room_for
from tests.acceptance.availability.serving import answers_in, memory_of
from tests.acceptance.survival.outside import start
from tests.acceptance.survival.sockets import Socket
from tests.engines.fixtures import MakeEngines
from tests.engines.process import Process
from tests.engines.waiting import until

NUMBER = 2_000
PLAN = {"Load": [["log_until", "end"]]}
SLOWER = 50
KILOBYTES_EACH = 100
LINES = 100


@pytest.mark.promise("deaf-crowd")
def test_two_thousand_sockets_that_never_read(engines: MakeEngines) -> None:
    """They watch an operation that says something new ten times a second.

    How long its log is by then, and so how much each of them was sent, is a matter of the machine:
    what counts is what a socket takes beyond that.
    """
    number = room_for(NUMBER)
    site = engines()
    daphne = site.start_daphne()
    crowded, other = (start(daphne, "BlockPlan", **PLAN) for _ in range(2))
    with Socket(daphne, crowded) as beside, Socket(daphne, other) as elsewhere:
        until(lambda: beside.lines and elsewhere.lines)
        before, small = answers_in(daphne), memory_of(daphne)
        with Deaf(daphne, crowded, number):
            known = len(beside.lines), len(elsewhere.lines)
            until(lambda: len(beside.lines) > known[0] + LINES, what="the watcher beside the crowd")
            until(lambda: len(elsewhere.lines) > known[1] + LINES, what="the watcher elsewhere")
            answered, grown = answers_in(daphne), (memory_of(daphne) - small) / 1024 / number
            sent = snapshot_of(daphne, crowded) / 1024
            print(f"\nanswers: {before * 1e3:.1f} ms, beside a crowd {answered * 1e3:.1f} ms")
            print(f"{grown:.0f} KB for each of {number}, who were sent up to {sent:.0f} KB")
            assert answered <= SLOWER * before
            assert grown <= KILOBYTES_EACH + sent
            for started in (crowded, other):
                site.let_go(started["op"], "end")
            for socket in (beside, elsewhere):
                socket.hears_of_the_end()
                assert socket.lines == list(range(1, len(socket.lines) + 1))


def snapshot_of(daphne: Process, started: dict[str, str]) -> int:
    """Return how many bytes somebody is sent who comes now."""
    with Socket(daphne, started) as late:
        until(lambda: late.frames)
        return len(json.dumps(late.frames[0]))
