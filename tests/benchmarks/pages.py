"""What the pages cost the server: the list over a long history, an operation with a long log.

The short and the long one take turns, and the quickest answer of each counts.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from liveops.models import LiveOperation
from liveops.states import State
from tests.benchmarks import rows
from tests.benchmarks.measured import Measured

ENDED, RUNNING = 100_000, 1_000
FEW_LINES, MANY_LINES = 1_000, 1_000_000
_MOST_QUERIES = 6
_ROUNDS = 15


def measure() -> Iterator[Measured]:
    """Measure the list and the page of an operation."""
    client = client_of("root", is_superuser=True)
    yield from _list(client)
    with undone():
        yield from _log(client)


def client_of(name: str, **fields: Any) -> Client:
    """Return a client that is logged in as a new user."""
    client = Client(raise_request_exception=True)
    client.force_login(User.objects.create_user(name, **fields))
    return client


@contextmanager
def undone() -> Iterator[None]:
    """Leave the database as it was."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def asks(client: Client, url: str) -> Callable[[], None]:
    """Return a call that fetches a page."""

    def ask() -> None:
        response = client.get(url, headers={"host": "localhost"})
        assert response.status_code == 200, response

    return ask


def queries_of(ask: Callable[[], None]) -> int:
    """Return how many queries a call asks, those for session and user apart."""
    with CaptureQueriesContext(connection) as queries:
        ask()
    return sum("liveops_" in query["sql"] for query in queries)


def quickest(ask: Callable[[], None], rounds: int = _ROUNDS) -> float:
    """Return the milliseconds of the quickest of some rounds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        ask()
        times.append(time.perf_counter() - began)
    return min(times) * 1000


def _list(client: Client) -> Iterator[Measured]:
    ask = asks(client, "/live/")
    ask()
    empty = quickest(ask)
    with undone():
        owner = User.objects.get(username="root")
        rows.multiply(rows.operation(owner=owner), ENDED)
        running = rows.operation(State.STARTED, owner=owner)
        rows.multiply(running, RUNNING)
        rows.give_progress(running)
        number = queries_of(ask)
        yield Measured(
            *("pages", "list of 101,000 operations", number, "queries", "limit"),
            *(_MOST_QUERIES, 1.0),
            is_count=True,
        )
        full = quickest(ask)
        rows.analyze()  # from here on the database plans by what it knows of the rows
        known = quickest(ask)
    empty = min(empty, quickest(ask))
    name = "list of 101,000 operations"
    yield Measured("pages", name, full, "ms", "empty list", empty, 3.0)
    yield Measured("pages", f"{name}, after ANALYZE", known, "ms", "empty list", empty, 3.0)


def _log(client: Client) -> Iterator[Measured]:
    pages = []
    for number in (FEW_LINES, MANY_LINES):
        operation: LiveOperation = rows.operation()
        rows.give_lines(operation, number)
        pages.append(asks(client, operation.get_absolute_url()))
    few, many = pages
    counts = [queries_of(page) for page in pages]
    name, against = "page with a million log lines", "page with a thousand"
    yield Measured("pages", name, counts[1], "queries", against, counts[0], 1.0, is_count=True)
    # In turns, for the machine is not always as busy as at the beginning.
    times = [(quickest(few, 1), quickest(many, 1)) for _ in range(_ROUNDS)]
    best_few, best_many = (min(column) for column in zip(*times, strict=True))
    yield Measured("pages", name, best_many, "ms", against, best_few, 1.5)
