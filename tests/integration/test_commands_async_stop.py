"""`await p.arun()` when its task, its operation or the process is to stop."""

import asyncio
from pathlib import Path

import pytest

from liveops.exceptions import OperationInterrupted, StopSignal
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.pumps import threaded_pump
from tests.integration.commands import (
    DEAF,
    FAMILY,
    PUMPS,
    Gate,
    MakePump,
    Reaction,
    cancel,
    family,
    is_gone,
    perform,
    perform_async,
    pid_in,
    stop_with,
)
from tests.integration.edge import DEADLINE
from tests.testapp.models import AsyncScripted

pytestmark = pytest.mark.django_db(transaction=True)

LONG = 10 * DEADLINE


def numbers(p: Progress) -> list[int]:
    """Return the numbers of the processes of the family."""
    p._run.flush()
    texts = [line.text for line in p._run._screen.tail]
    return [pid_in(texts, name) for name in ("child", "grandchild")]


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize(("deaf", "grace"), [("", LONG), (DEAF, 0.2)], ids=["term", "kill"])
def test_a_task_that_is_cancelled_goes_on_when_the_command_is_gone(
    deaf: str, grace: float, pump: MakePump, tmp_path: Path
) -> None:
    with Gate(tmp_path) as started:
        script = deaf + family(f"echo > {started}; ")

        async def body(op: AsyncScripted, p: Progress) -> None:
            async def time_out(limit: asyncio.Timeout) -> None:
                await started.reached()
                limit.reschedule(asyncio.get_running_loop().time())

            try:
                async with asyncio.timeout(None) as limit:
                    watching = asyncio.create_task(time_out(limit))
                    await p.arun(script, timeout=LONG, grace=grace)
            except TimeoutError:
                p.log("timed out")
            await watching
            assert all(is_gone(pid) for pid in numbers(p))
            await p.arun("echo after")

        outcome = perform_async(body, pump)
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert outcome.log[-3:] == ["timed out", "$ echo after", "after"]
    assert [row.command for row in outcome.commands] == [script, "echo after"]


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize(
    ("reaction", "state", "stage"),
    [
        (cancel, "CANCELLED", "cancelled"),
        (stop_with(OperationInterrupted("going down")), "INTERRUPTED", "interrupted"),
    ],
    ids=["cancel", "exit"],
)
def test_a_stop_ends_the_command_and_then_the_run(
    reaction: Reaction, state: str, stage: str, pump: MakePump
) -> None:
    async def body(op: AsyncScripted, p: Progress) -> None:
        with p.stage("Load"):
            await p.arun(FAMILY, timeout=LONG)
        p.log("never reached")

    outcome = perform_async(body, pump, {"grandchild": reaction})
    assert outcome.state == state
    assert outcome.operation.stage_states == {"Load": stage}
    assert is_gone(outcome.lookout.pid("child"))
    assert is_gone(outcome.lookout.pid("grandchild"))
    assert [row.command for row in outcome.commands] == [FAMILY]
    assert "never reached" not in outcome.log


@pytest.mark.parametrize("return_exceptions", [False, True], ids=["first", "all"])
def test_a_cancel_ends_each_of_several_commands(return_exceptions: bool, tmp_path: Path) -> None:
    both = ("echo one $$; exec sleep 1000", "echo two $$; exec sleep 1000")
    shown: list[str] = []

    def cancel_at_second(name: str) -> Reaction:
        def react(operation: LiveOperation) -> None:
            shown.append(name)
            if len(shown) == 2:
                cancel(operation)

        return react

    async def body(op: AsyncScripted, p: Progress) -> None:
        results = await asyncio.gather(
            *(p.arun(script, timeout=DEADLINE / 4) for script in both),
            return_exceptions=return_exceptions,
        )
        assert all(isinstance(result, StopSignal) for result in results)
        p.check_cancelled()

    reactions = {name: cancel_at_second(name) for name in ("one", "two")}
    outcome = perform_async(body, threaded_pump, reactions)
    assert outcome.state == "CANCELLED", outcome.operation.traceback
    assert is_gone(outcome.lookout.pid("one"))
    assert is_gone(outcome.lookout.pid("two"))
    assert sorted(row.command for row in outcome.commands) == sorted(both)


def stubborn(started: Gate, asked: Gate, end: Gate) -> str:
    """Return a command that goes away only when it is let, after it was asked to."""
    start = family(f"echo > {started}; ")
    return f"trap 'echo > {asked}; read x < {end}; exit 1' TERM; {start}"


@pytest.mark.parametrize("pump", PUMPS)
def test_a_second_cancellation_does_not_leave_the_command_behind(
    pump: MakePump, tmp_path: Path
) -> None:
    with Gate(tmp_path, "a") as started, Gate(tmp_path, "b") as asked, Gate(tmp_path, "c") as end:
        script = stubborn(started, asked, end)

        async def body(op: AsyncScripted, p: Progress) -> None:
            task = asyncio.create_task(p.arun(script, timeout=LONG, grace=LONG))
            await started.reached()
            task.cancel()
            await asked.reached()
            task.cancel()
            for _ in range(10):  # as often as the loop needs to hand a cancellation on
                await asyncio.sleep(0)
            early = task.done()
            end.open()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not early
            assert all(is_gone(pid) for pid in numbers(p))

        outcome = perform_async(body, pump)
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert [row.command for row in outcome.commands] == [script]


@pytest.mark.parametrize("pump", PUMPS)
def test_a_cancel_is_not_lost_when_the_task_is_cancelled_too(
    pump: MakePump, tmp_path: Path
) -> None:
    with Gate(tmp_path, "a") as started, Gate(tmp_path, "b") as asked, Gate(tmp_path, "c") as end:
        script = stubborn(started, asked, end)

        async def body(op: AsyncScripted, p: Progress) -> None:
            async def time_out(limit: asyncio.Timeout) -> None:
                await started.reached()
                cancel(op)
                await asked.reached()
                limit.reschedule(asyncio.get_running_loop().time())
                end.open()

            try:
                async with asyncio.timeout(None) as limit:
                    watching = asyncio.create_task(time_out(limit))
                    await p.arun(script, timeout=LONG, grace=LONG)
            except TimeoutError:
                await watching
            with p.stage("Save"):
                p.log("never reached")

        outcome = perform_async(body, pump)
    assert outcome.state == "CANCELLED", outcome.operation.traceback
    assert "never reached" not in outcome.log


class Migration(AsyncScripted):
    """Has a stage method that is a coroutine, and a phase that is none."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages = ["migrate"]
    run = LiveOperation.run

    @LiveOperation.stage("migrate", "Migrating")
    async def migrate(self, p: Progress) -> None:
        """Run a command beside the loop."""
        await p.arun(FAMILY, timeout=LONG)

    def _end_stage(self) -> None:
        super()._end_stage()
        self.progress.run(["echo", "cleaned up"])


@pytest.mark.parametrize("pump", PUMPS)
def test_a_plain_phase_of_an_async_stage_runs_commands_plainly(pump: MakePump) -> None:
    outcome = perform(Migration.run, pump(), {"grandchild": cancel}, model=Migration)
    assert outcome.state == "CANCELLED", outcome.operation.traceback
    assert outcome.log[-1] == "cleaned up"
    assert [row.command for row in outcome.commands] == [FAMILY, "echo 'cleaned up'"]
