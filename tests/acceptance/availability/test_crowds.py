"""Two thousand sockets that subscribe and never read: the others hardly notice."""

import pytest

from tests.acceptance.availability.deaf import Deaf, room_for
from tests.acceptance.availability.serving import answers_in, memory_of
from tests.acceptance.survival.outside import start
from tests.acceptance.survival.sockets import Socket
from tests.engines.fixtures import MakeEngines
from tests.engines.waiting import until

NUMBER = 2_000
PLAN = {"Load": [["log_until", "end"]]}
SLOWER = 50
KILOBYTES_EACH = 100


@pytest.mark.promise("deaf-crowd")
def test_two_thousand_sockets_that_never_read(engines: MakeEngines) -> None:
    """They watch an operation that says something new ten times a second."""
    number = room_for(NUMBER)
    site = engines()
    daphne = site.start_daphne()
    crowded, other = (start(daphne, "BlockPlan", **PLAN) for _ in range(2))
    with Socket(daphne, crowded) as beside, Socket(daphne, other) as elsewhere:
        until(lambda: beside.lines and elsewhere.lines)
        before, small = answers_in(daphne), memory_of(daphne)
        with Deaf(daphne, crowded, number):
            known = len(beside.lines), len(elsewhere.lines)
            until(lambda: len(beside.lines) > known[0] + 200, what="the watcher beside the crowd")
            until(lambda: len(elsewhere.lines) > known[1] + 200, what="the watcher elsewhere")
            answered, grown = answers_in(daphne), (memory_of(daphne) - small) / 1024 / number
            print(f"\nanswers: {before * 1e3:.1f} ms, beside a crowd {answered * 1e3:.1f} ms")
            print(f"{grown:.0f} KB for each of {number}")
            assert answered <= SLOWER * before
            assert grown <= KILOBYTES_EACH
            for started in (crowded, other):
                site.let_go(started["op"], "end")
            for socket in (beside, elsewhere):
                socket.hears_of_the_end()
                assert socket.lines == list(range(1, len(socket.lines) + 1))
