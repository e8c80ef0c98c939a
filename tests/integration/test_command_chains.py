"""`run_liveop` and chains: the next operation runs here, or is not left waiting for ever."""

import io
import signal
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command

from liveops.progress import Progress
from liveops.states import State
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)


def run(body: Callable[[Scripted, Progress], Any]) -> tuple[Any, str]:
    """Run a body by the command; return the exit status and what was printed."""
    Scripted.body = body
    printed = io.StringIO()
    try:
        call_command("run_liveop", "testapp.Scripted", stdout=printed)
    except SystemExit as leaving:
        return leaving.code, printed.getvalue()
    return 0, printed.getvalue()


def states() -> tuple[str, str]:
    """Return the states of the first operation and of the next one."""
    return Scripted.objects.get().state, Walk.objects.get().state


def test_the_next_one_runs_when_the_first_has_returned() -> None:
    def body(_: Scripted, p: Progress) -> None:
        walk = Walk.objects.create(label="second")
        p.chain_to(walk)
        walk.refresh_from_db()
        assert walk.get_state() == State.NOT_STARTED

    status, printed = run(body)
    assert (status, states()) == (0, (State.FINISHED_OK, State.FINISHED_OK))
    assert ">>> testapp.Walk" in printed
    assert "=== [1/3] Load ===" in printed
    assert "Summary of testapp.Scripted > testapp.Walk" in printed


def test_the_exit_status_is_that_of_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Walk, p: Progress) -> None:
        p.error("It went wrong.")

    monkeypatch.setattr(Walk, "run", fail)
    status, printed = run(lambda _, p: p.chain_to(Walk.objects.create()))
    assert (status, states()) == (1, (State.FINISHED_OK, State.FINISHED_ERROR))
    assert "It went wrong." in printed


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["TERM", "HUP"]
)
def test_a_signal_after_the_hand_over_stops_the_chain(number: int, status: int) -> None:
    def body(_: Scripted, p: Progress) -> None:
        p.chain_to(Walk.objects.create())
        signal.raise_signal(number)
        pytest.fail("the signal did not stop it")

    told, printed = run(body)
    assert (told, states()) == (status, (State.FINISHED_OK, State.CANCELLED))
    assert "Cancelled" in printed


@pytest.mark.parametrize(
    ("error", "status"), [(SystemExit(3), 3), (KeyboardInterrupt(), 130)], ids=["exit", "interrupt"]
)
def test_leaving_after_the_hand_over_gives_up_the_next_one(
    error: BaseException, status: int
) -> None:
    def body(_: Scripted, p: Progress) -> None:
        p.chain_to(Walk.objects.create())
        raise error

    told, printed = run(body)
    assert (told, states()) == (status, (State.FINISHED_OK, State.CANCELLED))
    assert "Cancelled" in printed


def test_a_next_one_that_was_deleted_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    def body(_: Scripted, p: Progress) -> None:
        walk = Walk.objects.create()
        p.chain_to(walk)
        Walk.objects.all().delete()

    status, printed = run(body)
    assert status == 0
    assert Scripted.objects.get().state == State.FINISHED_OK
    assert "deleted before it could start" in capsys.readouterr().err
    assert "Summary of testapp.Scripted ─" in printed
