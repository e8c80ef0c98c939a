"""Several that enqueue for one user at the same time: no more pass than there is room for."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, transaction

from liveops.exceptions import TooManyRunningError
from liveops.models import LiveOperation
from liveops.states import State
from tests.engines.fixtures import MakeEngines
from tests.integration.edge import DEADLINE, person
from tests.integration.reaping import NOTING, fresh_runner
from tests.testapp.models import Walk

LIMIT = 3


@pytest.fixture(scope="module", params=["postgres", "sqlite"], autouse=True)
def site(request: pytest.FixtureRequest, module_engines: MakeEngines) -> Iterator[None]:
    """Let this process work on a database of its own, with few operations a user."""
    settings = {"MAX_RUNNING_PER_USER": LIMIT}
    made = module_engines(database=request.param, runner=NOTING, liveops=settings)
    with made.here(), fresh_runner():
        yield


@pytest.fixture
def owner(request: pytest.FixtureRequest) -> Any:
    """Return a user without operations."""
    LiveOperation.objects.all().delete()
    return person(f"owner-{request.node.name}"[:150])


def at_once(calls: list[Callable[[], Any]]) -> list[str]:
    """Call functions at the same time, each in a thread of its own; return what came of each."""
    start, answers = threading.Barrier(len(calls)), [""] * len(calls)

    def call(number: int) -> None:
        start.wait(DEADLINE)
        try:
            calls[number]()
            answers[number] = "taken"
        except TooManyRunningError:
            answers[number] = "refused"
        finally:
            connections.close_all()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    return sorted(answers)


@pytest.mark.promise("max-running-race")
@pytest.mark.parametrize("room", [1, LIMIT])
def test_of_many_that_enqueue_at_once_only_so_many_pass(owner: Any, room: int) -> None:
    for _ in range(LIMIT - room):
        Walk.objects.create(owner=owner).enqueue()
    walks = [Walk.objects.create(owner=owner) for _ in range(8)]
    answers = at_once([walk.enqueue for walk in walks])
    assert answers == ["refused"] * (8 - room) + ["taken"] * room
    waiting = LiveOperation.objects.filter(state=State.NOT_STARTED, enqueued_on__isnull=False)
    assert waiting.count() == LIMIT


def test_so_it_is_when_each_is_created_in_the_transaction_that_enqueues_it(owner: Any) -> None:
    def create() -> None:
        with transaction.atomic():
            Walk.objects.create(owner=owner).enqueue()

    assert at_once([create] * 8) == ["refused"] * (8 - LIMIT) + ["taken"] * LIMIT
    assert Walk.objects.count() == LIMIT


def test_others_do_not_wait_for_whoever_has_not_committed_yet(owner: Any) -> None:
    if connection.vendor == "sqlite":
        return  # one transaction writes at a time, whoever's it is
    other = person(f"{owner.username}-2"[:150])
    with transaction.atomic():
        Walk.objects.create(owner=owner).enqueue()
        theirs = partial(Walk.objects.create, owner=other)
        assert at_once([lambda: theirs().enqueue()]) == ["taken"]
        rows = at_once([partial(Walk.objects.create, owner=owner)])
        assert rows == ["taken"], "nor does what refers to the owner"
