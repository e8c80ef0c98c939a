"""More lines than a log may have: the last ones are stored, under their true numbers."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from liveops import store
from liveops.models import LogLine
from liveops.progress import Progress
from liveops.runners.executor import execute
from tests.integration.commands import PUMPS, Lookout, MakePump
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)

LINES = 6_000
BOUND = 500

logger = logging.getLogger("tests.floods")


def log(p: Progress) -> None:
    for number in range(1, LINES + 1):
        p.log(number)


def capture(p: Progress) -> None:
    with p.capture_logging("tests.floods"):
        for number in range(1, LINES + 1):
            logger.info("%d", number)


def run(p: Progress) -> None:
    p.run(["seq", "2", str(LINES)])  # the command itself is the first line


@pytest.mark.parametrize("flood", [log, capture, run])
@pytest.mark.parametrize("pump", PUMPS)
def test_the_last_lines_of_each_run_have_their_true_numbers(
    pump: MakePump, flood: Callable[[Progress], None], settings: Any
) -> None:
    settings.LIVEOPS = {**settings.LIVEOPS, "LOG_LINES": BOUND}
    Scripted.body = lambda op, p: flood(p)
    operation = Scripted.objects.create()
    for before in (0, LINES):
        lookout = Lookout()
        execute(operation, pump=pump(), sinks=[lookout], web=False)
        operation = Scripted.objects.get(pk=operation.pk)
        assert operation.get_state() == "FINISHED_OK", operation.traceback
        assert operation.live_progress.log_seq == before + LINES
        assert len(lookout.lines) + lookout.skipped == LINES, "what is not shown is told"
        stored = LogLine.objects.filter(operation=operation.pk, seq__gt=before).order_by("seq")
        lines = list(stored.values_list("seq", "text"))[-BOUND:]
        assert [seq for seq, _ in lines] == list(
            range(before + LINES - BOUND + 1, before + LINES + 1)
        )
        assert [int(text) for _, text in lines] == [seq - before for seq, _ in lines]
        assert all(int(line.text) == line.seq - before for line in lookout.lines[1:])
        store.restart(operation)
        operation = Scripted.objects.get(pk=operation.pk)
