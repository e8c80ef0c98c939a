"""Stages in trouble: odd values that user code left, errors at a boundary, copies of a run."""

import copy
import pickle
from typing import Any, ClassVar

import pytest
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection

from liveops import control
from liveops.exceptions import InvalidStateError, OperationCancelled
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.boundary import Boundary
from liveops.scripts import RetryStage
from tests.integration.helpers import run_scripted
from tests.integration.test_stage_methods import carry_out, recorded
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


class Shaky(Scripted):
    """One stage that is tried twice."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["work"]
    run = LiveOperation.run
    error: ClassVar[BaseException] = RetryStage("cold")
    tried: ClassVar[list[int]] = []

    @LiveOperation.stage("work", "Working", retry_attempts=1)
    def work(self, p: Progress) -> None:
        """Fail."""
        self.tried.append(1)
        raise self.error

    @property
    def work_retry_timeout(self) -> float:
        """Decide from the row, which has none yet while a command line is read."""
        return 60.0 + len(type(self).objects.get(pk=self.pk).note)


@pytest.mark.parametrize("odd", [None, [], "no", {1: object()}], ids=["none", "list", "str", "key"])
def test_states_that_are_none_do_not_leave_the_operation_running(odd: Any) -> None:
    def body(op: Scripted, p: Progress) -> None:
        op.stage_states = odd

    operation, _ = run_scripted(body)
    assert operation.get_state() in {"FINISHED_OK", "FINISHED_ERROR"}


def test_a_place_that_is_none_is_an_error_at_once() -> None:
    def body(op: Scripted, p: Progress) -> None:
        op.current_stage = None  # type: ignore[assignment]

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_ERROR"
    assert "IntegrityError" in operation.traceback


@pytest.mark.parametrize(
    ("error", "state"),
    [(OperationCancelled("stop"), "CANCELLED"), (ValueError("no"), "FINISHED_ERROR")],
)
def test_a_database_error_on_leaving_hides_no_other(
    error: BaseException, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Boundary.save

    def flaky(self: Boundary, write: Any, then: Any) -> bool:
        if Shaky.tried:
            raise DatabaseError("away")
        return save(self, write, then)

    monkeypatch.setattr(Boundary, "save", flaky)
    monkeypatch.setattr(Shaky, "error", error)
    monkeypatch.setattr(Shaky, "tried", [])
    operation, _ = carry_out(Shaky)
    assert operation.get_state() == state
    assert "DatabaseError" not in operation.live_progress.error_text
    assert operation.stage_states == {"work": "cancelled" if state == "CANCELLED" else "failed"}


def test_an_attempt_whose_boundary_fails_is_recorded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    save = Boundary.save

    def flaky(self: Boundary, write: Any, then: Any) -> bool:
        if Shaky.tried == [1]:
            Shaky.tried.append(0)
            raise DatabaseError("away")
        return save(self, write, then)

    monkeypatch.setattr(Boundary, "save", flaky)
    monkeypatch.setattr(Shaky, "tried", [])
    operation, _ = carry_out(Shaky)
    assert operation.get_state() == "FINISHED_ERROR"
    assert recorded(operation) == [("work", 1, "failed")]


def test_a_lost_connection_is_made_anew_at_a_boundary(monkeypatch: pytest.MonkeyPatch) -> None:
    saves: list[str] = []

    def body(op: Scripted, p: Progress) -> None:
        save = op.save

        def lost_once(**how: Any) -> None:
            saves.append(str(op.stage_states))
            if len(saves) == 1:
                connection.errors_occurred = True
                raise OperationalError("server closed the connection unexpectedly")
            save(**how)

        monkeypatch.setattr(connection, "is_usable", lambda: False)
        monkeypatch.setattr(op, "save", lost_once)
        with p.stage("Load"):
            p.log("inside")

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"Load": "done"}
    assert saves == ["{'Load': 'active'}"] * 2 + ["{'Load': 'done'}"]


def test_limits_of_the_command_line_go_before_a_property(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Shaky, "tried", [])
    with pytest.raises(SystemExit) as left:
        call_command("run_liveop", "testapp.Shaky", "--work-retry-timeout", "0")
    assert left.value.code == 1
    assert Shaky.tried == [1], "no time for another attempt"
    assert "--work-retry-timeout 0" in capsys.readouterr().out


def test_a_dry_run_stays_one_when_it_is_started_again() -> None:
    def body(op: Scripted, p: Progress) -> None:
        op.refresh_from_db()
        p.run(["false"])

    Scripted.body = body
    call_command("run_liveop", "testapp.Scripted", "--dry-run")
    operation = Scripted.objects.get()
    assert (operation.dry_run, operation.get_state()) == (True, "FINISHED_OK")
    control.restart(operation)
    operation = Scripted.objects.get()
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert not operation.command_runs.exists()


def test_an_operation_that_runs_can_be_copied() -> None:
    copies: list[Any] = []

    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            p.log("saved at once")
        copies.extend([copy.deepcopy(op), copy.copy(op), pickle.loads(pickle.dumps(op))])  # noqa: S301  (what was pickled on this line)
        assert {"_progress_query", "_run_query"} <= vars(op).keys()

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert copies == [operation] * 3
    for each in copies:
        assert not {"_progress_query", "_run_query"} & vars(each).keys()
        with pytest.raises(InvalidStateError):
            _ = each.progress


def test_no_command_is_run_after_the_end() -> None:
    kept: list[Progress] = []
    run_scripted(lambda op, p: kept.append(p))
    with pytest.raises(InvalidStateError, match="The run has ended"):
        kept[0].run(["true"])
