"""Workers that are cheap to kill: forks of one process that has loaded Django already.

The process that ``COMMAND`` starts keeps them at work until it is killed itself. They take
operations from a list in Redis, which forgets a message as soon as it is handed out: a worker that
dies before it has claimed loses it for good, and a reaper has to notice.
"""

import os
import threading
import uuid
from typing import Any, ClassVar

import redis
from django.conf import settings
from django.db import connections

from liveops import reaping_thread
from liveops.exceptions import ConfigurationError
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.runners.base import Runner
from liveops.runners.worker import run_here
from liveops.stages import RetryStage
from tests.engines.models import Planned, ResumingPlan

COMMAND = "import django; django.setup(); from tests.engines import chaos_workers as w; w.main({})"
"""What Python is told to be the parent of so many workers."""
RUNNER = "tests.engines.chaos_workers.ListRunner"
LINE_SECONDS = 0.01


def queue_name() -> str:
    """Return the list in Redis that operations of this site wait in."""
    return f"{_setting('CELERY_TASK_DEFAULT_QUEUE')}.chaos"


def connect() -> Any:
    """Return a connection to the site's Redis."""
    return redis.Redis.from_url(_setting("CELERY_BROKER_URL"), socket_timeout=60)


def _setting(name: str) -> str:
    value: str | None = getattr(settings, name, None)
    if value is None:
        raise ConfigurationError("A site of these workers needs Redis.")
    return value


class ListRunner(Runner):
    """Appends an operation's id to the list."""

    spans_processes: ClassVar[bool] = True

    def enqueue(self, operation: LiveOperation) -> None:
        """Append it."""
        with connect() as client:
            client.rpush(queue_name(), str(operation.pk))


def _work(operation: Any, p: Progress, lines: int) -> None:
    """Log numbered lines, a little time apart; each tells its run, so none can be mistaken."""
    pause = threading.Event()
    counted = operation.__dict__.setdefault("_counted", [0])
    for _ in range(lines):
        counted[0] += 1
        p.log(f"{operation.fence} {counted[0]}")
        p.check_cancelled()
        pause.wait(LINE_SECONDS)


def _stumble(operation: Any, p: Progress) -> None:
    """Ask for another attempt, once in the life of the operation."""
    if not operation.steps.may_pass("stumbled"):
        operation.steps.let_go("stumbled")
        raise RetryStage("stumbled")


def _note(operation: Any, p: Progress, what: str) -> None:
    """Write a row that is the project's own."""
    operation.do_user(p, f"{what} {operation.pk} {uuid.uuid4().hex[:8]}")


def _hand_on(operation: Any, p: Progress, plan: dict[str, Any]) -> None:
    """Go on with another operation, which is resumed as often as it needs."""
    p.chain_to(type(operation)._base_manager.create(plan=plan, resumes_left=10_000))


def add_verbs() -> None:
    """Teach planned operations what chaos has them do."""
    verbs = {"work": _work, "stumble": _stumble, "note": _note, "hand_on": _hand_on}
    for name, verb in verbs.items():
        setattr(Planned, f"do_{name}", verb)


def carry_out_for_ever() -> None:
    """Be a worker."""
    client = connect()
    while True:
        taken = client.blpop([queue_name()], timeout=30)
        if taken is not None:
            run_here(taken[1].decode())


def _warm_up() -> None:
    """Carry out an operation, so that no worker has to import and compile what that takes."""
    operation = ResumingPlan.objects.create(plan={"Load": [["log", "warm"], ["return", 1]]})
    run_here(str(operation.pk))
    reaping_thread.stop()
    ResumingPlan.objects.get(pk=operation.pk).delete()
    connections.close_all()


def main(workers: int) -> None:
    """Keep so many workers at work."""
    add_verbs()
    _warm_up()
    print("ready", flush=True)
    alive: set[int] = set()
    while True:
        while len(alive) < workers:
            pid = os.fork()
            if pid == 0:
                try:
                    carry_out_for_ever()
                finally:
                    os._exit(1)
            alive.add(pid)
        dead, status = os.waitpid(-1, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            alive.discard(dead)
