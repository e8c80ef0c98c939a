"""A run that is stopped while `p.run()` waits: nobody is left, and what happened is recorded."""

import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction

from liveops import control
from liveops.exceptions import OperationInterrupted
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.pumps import inline_pump, threaded_pump
from liveops.runners.executor import execute
from tests.integration.commands import (
    DEAF,
    FAMILY,
    PUMPS,
    Gate,
    Lookout,
    MakePump,
    Outcome,
    Reaction,
    cancel,
    elsewhere,
    is_gone,
    perform,
    stop_with,
)
from tests.integration.edge import DEADLINE
from tests.testapp.models import Row, Scripted

pytestmark = pytest.mark.django_db(transaction=True)

OTHER_RUN = "00000000-0000-4000-8000-000000000000"
LONG = 10 * DEADLINE


def _flag(operation: LiveOperation) -> None:
    # As another process does it, of which this one hears only through the database.
    LiveOperation.objects.filter(pk=operation.pk).update(cancel_requested=True)


def _take_over(operation: LiveOperation) -> None:
    LiveOperation.objects.filter(pk=operation.pk).update(run_id=OTHER_RUN)


def run_family(pump: MakePump, reaction: Reaction, script: str = FAMILY, **options: Any) -> Outcome:
    """Run the family in a stage until the reaction to its numbers stops it; none of it is left."""
    reached: list[str] = []

    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            try:
                p.run(script, timeout=LONG, **options)
            except Exception:  # noqa: BLE001  (a stop is none of these)
                reached.append("swallowed")
            reached.append("went on")

    outcome = perform(body, pump(), {"grandchild": reaction})
    assert reached == []
    assert is_gone(outcome.lookout.pid("child"))
    assert is_gone(outcome.lookout.pid("grandchild"))
    return outcome


@pytest.mark.parametrize("pump", PUMPS)
def test_a_cancel_stops_the_command_and_all_that_it_started(pump: MakePump) -> None:
    outcome = run_family(pump, cancel)
    assert outcome.state == "CANCELLED"
    assert outcome.operation.stage_states == {"Load": "cancelled"}
    assert [run.outcome for run in outcome.operation.stage_runs.all()] == ["cancelled"]
    (row,) = outcome.commands
    assert (row.stage, row.command) == ("Load", FAMILY)
    assert row.started_on <= row.finished_on
    assert outcome.log == outcome.lookout.texts, "nothing is lost of what it said"


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize(
    ("script", "grace", "number"),
    [(FAMILY, LONG, signal.SIGTERM), (DEAF + FAMILY, 0.2, signal.SIGKILL)],
    ids=["term", "kill"],
)
def test_a_command_that_a_cancel_ended_is_recorded_with_the_signal(
    script: str, grace: float, number: int, pump: MakePump
) -> None:
    outcome = run_family(pump, cancel, script, grace=grace)
    assert outcome.statuses == [("Load", -number)]


@pytest.mark.parametrize("pump", PUMPS)
def test_who_does_not_heed_the_request_is_killed(pump: MakePump) -> None:
    outcome = run_family(pump, cancel, DEAF + FAMILY, grace=0.2)
    assert outcome.state == "CANCELLED"
    assert outcome.operation.stage_states == {"Load": "cancelled"}
    assert len(outcome.commands) == 1


@pytest.mark.parametrize("pump", PUMPS)
def test_a_cancel_from_another_process_is_noticed(pump: MakePump) -> None:
    outcome = run_family(pump, elsewhere(_flag))
    assert outcome.state == "CANCELLED"
    assert outcome.operation.cancel_requested


@pytest.mark.parametrize("pump", PUMPS)
def test_a_run_that_lost_its_fence_stops_the_command_and_writes_nothing(pump: MakePump) -> None:
    outcome = run_family(pump, elsewhere(_take_over))
    assert outcome.state == "STARTED", "the other run goes on"
    assert str(outcome.operation.run_id) == OTHER_RUN
    assert outcome.operation.stage_states == {"Load": "active"}


@pytest.mark.parametrize("pump", PUMPS)
def test_a_process_that_goes_down_takes_the_command_with_it(pump: MakePump) -> None:
    outcome = run_family(pump, stop_with(OperationInterrupted("The process is shutting down.")))
    assert outcome.state == "INTERRUPTED"
    assert outcome.operation.stage_states == {"Load": "interrupted"}
    assert [row.command for row in outcome.commands] == [FAMILY]


def test_a_ctrl_c_in_a_terminal_takes_the_command_with_it() -> None:
    def interrupt(operation: LiveOperation) -> None:
        signal.raise_signal(signal.SIGINT)

    lookout = Lookout({"grandchild": interrupt})
    Scripted.body = lambda op, p: p.run(FAMILY, timeout=LONG)
    operation = Scripted.objects.create()
    with pytest.raises(KeyboardInterrupt):
        execute(operation, pump=inline_pump(), sinks=[lookout], web=False)
    outcome = Outcome(Scripted.objects.get(), lookout)
    assert outcome.state == "INTERRUPTED"
    assert is_gone(lookout.pid("child"))
    assert is_gone(lookout.pid("grandchild"))
    assert [row.command for row in outcome.commands] == [FAMILY]


@pytest.mark.parametrize("pump", PUMPS)
def test_last_words_reach_the_log(pump: MakePump) -> None:
    script = f"trap 'echo tidying up; exit 0' TERM; {FAMILY}"
    outcome = perform(lambda op, p: p.run(script, timeout=LONG), pump(), {"grandchild": cancel})
    assert outcome.state == "CANCELLED"
    assert outcome.log[-1] == "tidying up"
    assert outcome.lookout.texts == outcome.log


@pytest.mark.parametrize("pump", PUMPS)
def test_once_it_is_to_stop_no_other_command_starts(pump: MakePump, tmp_path: Path) -> None:
    def body(op: Scripted, p: Progress) -> None:
        control.cancel(LiveOperation.objects.get(pk=op.pk))
        p.run(["touch", tmp_path / "made"])

    outcome = perform(body, pump())
    assert outcome.state == "CANCELLED"
    assert list(tmp_path.iterdir()) == []
    assert outcome.log == []
    assert outcome.commands == []


@pytest.mark.parametrize("pump", PUMPS)
def test_a_cancel_within_a_transaction_is_heard(pump: MakePump) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"), transaction.atomic():
            Row.objects.create(name="taken back")
            p.run(FAMILY, timeout=LONG)

    outcome = perform(body, pump(), {"grandchild": cancel})
    assert outcome.state == "CANCELLED"
    assert outcome.operation.stage_states == {"Load": "cancelled"}
    assert not Row.objects.exists()
    assert is_gone(outcome.lookout.pid("grandchild"))
    assert [row.command for row in outcome.commands] == [FAMILY]


class Rollout(Scripted):
    """Cleans up behind each stage, however it ended."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages = ["rollout"]
    run = LiveOperation.run

    @LiveOperation.stage("rollout", "Rolling out")
    def rollout(self, p: Progress) -> None:
        """Go on until stopped."""
        p.run(FAMILY, timeout=LONG)

    def _end_stage(self) -> None:
        super()._end_stage()
        self.progress.run(["echo", "cleaned up"])


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize(
    ("reaction", "state"),
    [
        (cancel, "CANCELLED"),
        (stop_with(OperationInterrupted("going down")), "INTERRUPTED"),
    ],
    ids=["cancel", "exit"],
)
def test_a_command_of_the_end_of_the_stage_runs_after_a_stop(
    reaction: Reaction, state: str, pump: MakePump
) -> None:
    outcome = perform(Rollout.run, pump(), {"grandchild": reaction}, model=Rollout)
    assert outcome.state == state
    assert outcome.log[-2:] == ["$ echo 'cleaned up'", "cleaned up"]
    assert [row.command for row in outcome.commands] == [FAMILY, "echo 'cleaned up'"]
    assert outcome.commands[1].exit_status == 0
    assert is_gone(outcome.lookout.pid("child"))


@pytest.mark.parametrize("pump", PUMPS)
def test_a_cleanup_that_hangs_is_stopped_when_the_process_goes_down(pump: MakePump) -> None:
    script = "echo cleaning; exec sleep 1000"
    going_down = stop_with(OperationInterrupted("going down"))

    def body(op: Scripted, p: Progress) -> None:
        try:
            p.run(FAMILY, timeout=LONG)
        finally:
            p.run(script, timeout=DEADLINE / 4)

    outcome = perform(body, pump(), {"grandchild": cancel, "cleaning": going_down})
    assert "CommandTimedOut" not in outcome.operation.traceback
    assert outcome.state in {"CANCELLED", "INTERRUPTED"}


def test_the_command_of_another_operation_goes_on(tmp_path: Path) -> None:
    states: dict[str, str] = {}

    def carry_out(name: str, lookout: Lookout) -> None:
        try:
            operation = Scripted.objects.create(note=name)
            execute(operation, pump=threaded_pump(), sinks=[lookout], web=False)
            states[name] = Scripted.objects.get(pk=operation.pk).get_state()
        finally:
            connections.close_all()

    with Gate(tmp_path) as gate:
        Scripted.body = lambda op, p: p.run(
            FAMILY if op.note == "one" else f"echo other $$; read x < {gate}", timeout=DEADLINE
        )
        ready = threading.Event()
        other = Lookout({"other": lambda op: ready.set()})
        thread = threading.Thread(target=carry_out, args=("two", other))
        thread.start()
        assert ready.wait(DEADLINE)
        one = Lookout({"grandchild": cancel})
        carry_out("one", one)
        assert states == {"one": "CANCELLED"}
        assert is_gone(one.pid("grandchild"))
        assert not is_gone(other.pid("other"))
        gate.open()
        thread.join(DEADLINE)
    assert states == {"one": "CANCELLED", "two": "FINISHED_OK"}
