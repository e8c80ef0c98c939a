"""A process that forks in the middle of a run, as worker pools do: each has threads of its own."""

import pytest

from tests.acceptance.survival.sockets import Socket
from tests.engines.fixtures import MakeEngines
from tests.engines.models import BlockPlan
from tests.engines.waiting import until

# Runs one operation in a thread, forks while that runs, and runs another one in the child, which
# leaves as a program does.
_PROGRAM = """
import os, sys, threading, django
django.setup()
from django.db import connections
from liveops import registry
from liveops.runners.worker import run_here
from tests.engines.steps import Steps
from tests.engines.models import site_folder

mine, childs = sys.argv[1:]

def run():
    run_here(mine)
    connections.close_all()

thread = threading.Thread(target=run)
thread.start()
while not Steps(site_folder(), mine).reached("parent"):
    threading.Event().wait(0.01)
pid = os.fork()
if pid == 0:
    assert registry.everything() == []
    assert [each.name for each in threading.enumerate()] == ["MainThread"]
    print("child ends", run_here(childs))
    sys.exit(0)
_, status = os.waitpid(pid, 0)
print("child left", status)
thread.join()
print("parent ends")
"""


@pytest.mark.fault("fork-in-mid-run")
@pytest.mark.parametrize("layer", ["core", "pubsub"])
def test_a_fork_in_the_middle_of_a_run(engines: MakeEngines, layer: str) -> None:
    site = engines(database="postgres", layer=layer)  # type: ignore[arg-type]
    daphne = site.start_daphne()
    with site.here():
        ours = BlockPlan.objects.create(
            plan={
                "Load": [["log", "before {}", 5], ["wait", "parent"], ["log", "after {}", 5]],
                "Save": [["log", "saved"]],
            }
        )
        theirs = BlockPlan.objects.create(
            plan={"Load": [["log", "child {}", 5], ["wait", "child"]], "Save": [["log", "saved"]]}
        )
        first = {"op": str(ours.pk), "token": ours.subscription_token}
        second = {"op": str(theirs.pk), "token": theirs.subscription_token}
    with Socket(daphne, first) as parents, Socket(daphne, second) as childs:
        program = site.start("python", "-c", _PROGRAM, first["op"], second["op"])
        child = site.reached(theirs, "child")
        assert child not in (program.pid, 0)
        childs.sees("child 5")
        site.let_go(theirs, "child")
        childs.hears_of_the_end()
        until(lambda: "child left 0" in program.log, what=lambda: program.log)
        site.let_go(ours, "parent")  # what the child closed was its own
        parents.hears_of_the_end()
        assert (parents.lines, childs.lines) == (list(range(1, 12)), list(range(1, 7)))
    assert program.wait() == 0, program.log
    assert "child ends FINISHED_OK" in program.log
    assert "Traceback" not in program.log
    assert "liveops:" not in program.log
