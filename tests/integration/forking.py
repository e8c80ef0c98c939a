"""Carry out operations whose ``run()`` forks, in a process of its own; tell what became of them.

Run it with DJANGO_SETTINGS_MODULE, a database of its own and ways for the child to go on. It prints
JSON: for each way the status with which the child ended, and the operation as it was stored.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any


def ways(p: Any, other: Any) -> dict[str, Callable[[], object]]:
    """Return what a child may do."""

    def fail() -> None:
        raise ValueError("the child fails")

    def flood() -> None:
        for number in p.track(range(100)):
            p.log(f"the child's {number}")
            p.status("the child's")
            p.check_cancelled()

    return {
        "return": lambda: None,
        "exit": lambda: sys.exit(3),
        "exit-in-words": lambda: sys.exit("the child's last words"),
        "fail": fail,
        "flood": flood,
        "stage": lambda: p.stage("Save").__enter__(),
        "chain": lambda: p.chain_to(other),
        "interrupt": lambda: os.kill(os.getpid(), 2),
    }


def main() -> None:
    """Carry out one operation for each way."""
    import django  # noqa: PLC0415

    django.setup()
    # Only after Django was set up.
    from django.core.management import call_command  # noqa: PLC0415

    from liveops.models import LiveOperation  # noqa: PLC0415
    from liveops.progress.pumps import threaded_pump  # noqa: PLC0415
    from liveops.runners.executor import execute  # noqa: PLC0415
    from tests.testapp.models import Walk  # noqa: PLC0415

    def run(self: Walk, p: Any) -> None:
        with p.stage("Load"):
            p.log("before")
            pid = os.fork()
            if not pid:
                ways(p, other)[way]()
                return
            statuses[way] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            p.log("after")
        with p.stage("Save"):
            p.log("saved")

    call_command("migrate", verbosity=0)
    other = Walk.objects.create(label="other")
    Walk.run = run  # type: ignore[method-assign]
    statuses: dict[str, int] = {}
    stored: dict[str, Any] = {}
    for way in sys.argv[1:]:
        operation = Walk.objects.create(label=way)
        execute(operation, pump=threaded_pump())
        operation = Walk.objects.get(pk=operation.pk)
        lines = [line.text for line in operation.log_lines.all()]
        attempts = [attempt.outcome for attempt in operation.stage_runs.all()]
        stored[way] = [statuses[way], operation.get_state(), lines, attempts]
    stored["operations"] = LiveOperation.objects.count()
    json.dump(stored, sys.stdout)


if __name__ == "__main__":
    main()
