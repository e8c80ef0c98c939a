"""The sites on which each runner is tried, and what a test does with an operation there."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connections
from django.test import Client

from liveops import conf
from liveops.models import LiveOperation
from tests.engines.fixtures import MakeEngines
from tests.engines.models import Planned, StagedPlan
from tests.engines.site import Engines
from tests.engines.waiting import until

# Between them they use both databases and all layers.
SITES: dict[str, dict[str, Any]] = {
    "eager": {"runner": "eager"},
    "thread": {"runner": "thread"},
    "path": {"runner": "tests.engines.runners.ThreadEach"},
    "celery": {"runner": "celery", "database": "postgres", "layer": "core"},
    "tasks-db": {"runner": "tasks", "tasks": "db", "layer": "pubsub"},
    "tasks-rq": {"runner": "tasks", "tasks": "rq", "database": "postgres", "layer": "pubsub"},
}
APART = [kind for kind, site in SITES.items() if site["runner"] in ("celery", "tasks")]
"""Those whose operations run in other processes."""


class Place:
    """A runner at work.

    Args:
        kind: a key of `SITES`.
        make: the factory of sites.
        works: whether its workers are started now.
        more: of what makes a site.
    """

    def __init__(self, kind: str, make: MakeEngines, *, works: bool = True, **more: Any) -> None:
        self.kind = kind
        self.is_apart = kind in APART
        self.early: Any = None
        self.site: Engines = make(**{**SITES[kind], **more})
        if works:
            self.start_workers()

    def start_workers(self) -> None:
        """Start what carries out two operations at the same time, if that is another process."""
        if self.kind == "celery":
            self.site.start_celery()
        elif self.site.tasks is not None:
            workers = [self.site.start_tasks_worker(wait=False) for _ in range(2)]
            for worker in workers:
                self.site.wait_for_tasks_worker(worker)

    @contextmanager
    def enqueued(self, operation: LiveOperation) -> Iterator[None]:
        """Enqueue an operation, and go on with the block while it runs."""
        if self.kind != "eager":
            operation.enqueue()
            yield
            return
        # There the caller carries it out.
        caller = threading.Thread(target=_enqueue, args=(operation,))
        caller.start()
        try:
            yield
        finally:
            caller.join(30)

    def settle(self) -> None:
        """Wait until all that was handed over before has been looked at by a worker."""
        last = StagedPlan.objects.create()
        last.enqueue()
        ended(last)


def _enqueue(operation: LiveOperation) -> None:
    operation.enqueue()
    connections.close_all()


def deliver(operation: LiveOperation) -> None:
    """Hand an operation to the runner once more, as a broker does that sends a message twice."""
    conf.load_runner()().enqueue(operation)


def stored(operation: LiveOperation) -> Any:
    """Return the operation as it is stored now."""
    return type(operation)._base_manager.get(pk=operation.pk)


def ended(operation: LiveOperation, seconds: float = 30.0) -> Any:
    """Wait until an operation has ended; return it."""

    def found() -> Any:
        row = stored(operation)
        return row if row.get_state() not in ("NOT_STARTED", "STARTED") else None

    return until(found, seconds, lambda: f"the end of an operation {stored(operation).get_state()}")


def lines(operation: LiveOperation) -> list[str]:
    """Return the texts of an operation's log."""
    return list(stored(operation).log_lines.values_list("text", flat=True))


def created(model: type[Planned] = StagedPlan, **plan: Any) -> Planned:
    """Create an operation with steps by stage."""
    operation: Planned = model._base_manager.create(plan=plan)
    return operation


def page(operation: LiveOperation) -> str:
    """Return the words of an operation's page."""
    client = Client()
    user, _ = get_user_model().objects.get_or_create(username="admin", is_superuser=True)
    client.force_login(user)
    html = client.get(operation.get_absolute_url()).content.decode()
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())
