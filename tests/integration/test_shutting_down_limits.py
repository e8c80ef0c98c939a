"""A process that is to end, and a database that does not let it."""

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from liveops import registry, shutdown
from liveops.runners import thread
from liveops.runners.thread import Pool
from tests.integration.edge import DEADLINE
from tests.integration.running import wait_for
from tests.integration.stopping import FOREVER, Inside
from tests.testapp.models import Walk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Let this process have a pool of its own."""
    settings.LIVEOPS = {"RUNNER": "thread", "RUNNER_THREADS": 1}
    monkeypatch.setattr(thread, "_pool", Pool())
    yield
    wait_for(lambda: not registry.everything())


class Stuck:
    """A room that is emptied with the help of a database that does not answer."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.is_empty = threading.Event()

    def is_starting(self) -> bool:
        return False

    def hand_back(self) -> None:
        assert self.answers.wait(DEADLINE)
        self.is_empty.set()


def test_nobody_waits_for_ever_for_a_database_that_does_not_answer(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "_WRITE_SECONDS", 0.05)
    monkeypatch.setattr(shutdown, "_writer", shutdown._Writer())
    body, room = Inside(), Stuck()
    body.start()
    shutdown.empty_at_the_end(room)
    try:
        assert not shutdown.stop_runs(0.0)
        assert shutdown.has_given_up()
        assert not shutdown.stop_runs(FOREVER), "nor a second time"
        assert caplog.text.count("the database does not answer") == 1
    finally:
        room.answers.set()
        body.go.set()
    assert room.is_empty.wait(DEADLINE)


def test_a_process_whose_database_does_not_answer_can_be_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    body = Inside()
    run = registry.find(body.start().pk)
    assert run is not None
    shutdown.leave_if_stuck(run, 143)
    assert left == [], "it answers"
    monkeypatch.setattr(shutdown._writer, "carry_out", lambda *_: False)
    shutdown.leave_if_stuck(run, 143)
    assert left == [143]
    body.go.set()
    wait_for(lambda: not registry.everything())
    shutdown.leave_if_stuck(run, 143)
    assert left == [143], "it has ended"


def test_what_is_about_to_be_claimed_is_waited_for() -> None:
    operation = Walk.objects.create()
    with registry.starting(operation.pk):
        assert not shutdown.stop_runs(0.0)
    assert shutdown.stop_runs(FOREVER)


def test_where_no_thread_can_be_started_the_last_writing_is_done_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    where: list[threading.Thread] = []
    assert shutdown._Writer().carry_out(lambda: where.append(threading.current_thread()), 0.0)
    assert where == [threading.current_thread()]
