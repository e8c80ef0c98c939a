"""SIGTERM in a worker of another system, whose main thread carries out an operation."""

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.runners.worker import run_here
from tests.integration.edge import DEADLINE
from tests.integration.running import wait_for
from tests.integration.stopping import FOREVER, asking, listening
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


def terminate() -> None:
    """Send SIGTERM to this process."""
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def heard(settings: Any) -> Iterator[list[str]]:
    """Be a worker that notes a SIGTERM, and in which state the operation was then."""
    settings.LIVEOPS = {"SHUTDOWN_GRACE": FOREVER}
    states: list[str] = []

    def note(*_: object) -> None:
        states.append(LiveOperation.objects.get().get_state())

    before = signal.signal(signal.SIGTERM, note)
    yield states
    wait_for(lambda: "liveops-stop" not in {thread.name for thread in threading.enumerate()})
    assert signal.getsignal(signal.SIGTERM) is note
    signal.signal(signal.SIGTERM, before)


def run(body: Any) -> Any:
    """Carry out an operation here, as a worker does; return how it ended."""
    Scripted.body = body
    operation = Scripted.objects.create()
    run_here(str(operation.pk))
    return LiveOperation.objects.get()


def test_the_run_is_stopped_first_and_then_the_worker_does_what_it_does(heard: list[str]) -> None:
    def body(op: Scripted, p: Progress) -> None:
        terminate()
        listening(op, p)

    assert run(body).get_state() == "INTERRUPTED"
    assert heard == ["INTERRUPTED"]


def test_a_run_that_asks_has_its_grace(heard: list[str]) -> None:
    def body(op: Scripted, p: Progress) -> None:
        assert not p.shutting_down
        terminate()
        asking(op, p)

    assert run(body).get_state() == "FINISHED_OK"
    assert heard == ["FINISHED_OK"]


def test_without_a_signal_nothing_is_changed(heard: list[str]) -> None:
    assert run(lambda op, p: None).get_state() == "FINISHED_OK"
    assert heard == []


def test_a_second_signal_stops_it_at_once(heard: list[str]) -> None:
    def body(op: Scripted, p: Progress) -> None:
        assert not p.shutting_down
        terminate()
        wait_for(lambda: p.shutting_down)
        terminate()
        threading.Event().wait(DEADLINE)

    with pytest.raises(SystemExit) as leaving:
        run(body)
    assert leaving.value.code == 128 + signal.SIGTERM
    assert LiveOperation.objects.get().get_state() == "INTERRUPTED"
    assert heard == ["INTERRUPTED"]


def test_what_does_not_hear_is_torn_away_at_the_end_of_the_grace(
    heard: list[str], settings: Any
) -> None:
    settings.LIVEOPS = {"SHUTDOWN_GRACE": 0.1}

    def body(op: Scripted, p: Progress) -> None:
        terminate()
        threading.Event().wait(DEADLINE)

    with pytest.raises(SystemExit):
        run(body)
    assert LiveOperation.objects.get().get_state() == "INTERRUPTED"
    assert heard == ["INTERRUPTED"]


def test_a_worker_that_ignores_the_signal_goes_on_to_do_so(heard: list[str]) -> None:
    note = signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def body(op: Scripted, p: Progress) -> None:
        terminate()
        p.check_cancelled()

    assert run(body).get_state() == "FINISHED_OK"
    signal.signal(signal.SIGTERM, note)
    assert heard == []
