"""`await p.arun()`: commands beside each other and beside other coroutines."""

import asyncio
import signal
from pathlib import Path

import pytest

from liveops.commands import CommandFailed, CommandTimedOut
from liveops.progress import Progress
from liveops.progress.pumps import inline_pump, threaded_pump
from tests.integration.commands import (
    PUMPS,
    Gate,
    MakePump,
    perform_async,
)
from tests.integration.edge import DEADLINE
from tests.testapp.models import AsyncScripted

pytestmark = pytest.mark.django_db(transaction=True)

LONG = 10 * DEADLINE


@pytest.mark.parametrize("pump", PUMPS)
def test_a_plain_run_in_a_coroutine_says_what_to_write(pump: MakePump, tmp_path: Path) -> None:
    async def body(op: AsyncScripted, p: Progress) -> None:
        with pytest.raises(RuntimeError, match=r"await p\.arun\("):
            p.run(["touch", tmp_path / "made"])

    outcome = perform_async(body, pump)
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert (outcome.log, outcome.commands) == ([], [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pump", PUMPS)
def test_the_loop_goes_on_and_lines_are_shown_meanwhile(pump: MakePump, tmp_path: Path) -> None:
    with Gate(tmp_path, "a") as shown, Gate(tmp_path, "b") as there, Gate(tmp_path, "c") as back:
        script = f"echo first; read x < {shown}; echo > {there}; read x < {back}; echo last"

        async def body(op: AsyncScripted, p: Progress) -> None:
            async def let_go_on() -> None:
                await there.reached()
                back.open()

            helper = asyncio.create_task(let_go_on())
            with p.stage("Load"):
                result = await p.arun(script, timeout=DEADLINE)
            await helper
            assert result.output == "first\nlast"

        outcome = perform_async(body, pump, {"first": lambda op: shown.open()})
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert outcome.statuses == [("Load", 0)]
    assert outcome.log[1:] == ["first", "last"]


@pytest.mark.parametrize("pump", PUMPS)
def test_other_coroutines_use_their_progress_meanwhile(pump: MakePump, tmp_path: Path) -> None:
    """With the inline pump too, showing something must not wait for the command."""
    with Gate(tmp_path) as gate:

        async def body(op: AsyncScripted, p: Progress) -> None:
            async def report() -> None:
                for number in range(3):
                    p._run.throttle.next_at = 0.0  # what comes next is due at once
                    p.status(f"step {number}")
                    await asyncio.sleep(0)
                gate.open()

            command = p.arun(f"read x < {gate}; echo done", timeout=DEADLINE / 4)
            task = asyncio.create_task(command)
            await asyncio.sleep(0)
            await report()
            await task

        outcome = perform_async(body, pump)
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback


def test_commands_run_beside_each_other_with_the_pump_of_a_server(tmp_path: Path) -> None:
    with Gate(tmp_path, "there") as there, Gate(tmp_path, "back") as back:

        async def body(op: AsyncScripted, p: Progress) -> None:
            results = await asyncio.gather(
                p.arun(f"echo a > {there}; read x < {back}; echo got $x", timeout=DEADLINE),
                p.arun(f"read x < {there}; echo got $x; echo b > {back}", timeout=DEADLINE),
                p.arun("exit 5", check=False),
            )
            assert [result.output for result in results] == ["got b", "got a", ""]

        outcome = perform_async(body, threaded_pump)
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert sorted(status or 0 for _, status in outcome.statuses) == [0, 0, 5]
    assert {"got a", "got b"} <= set(outcome.log)


def test_commands_run_one_after_the_other_where_there_is_one_connection() -> None:
    async def body(op: AsyncScripted, p: Progress) -> None:
        scripts = [f"echo {number}" for number in range(3)]
        results = await asyncio.gather(*(p.arun(script) for script in scripts))
        assert [result.output for result in results] == ["0", "1", "2"]

    outcome = perform_async(body, inline_pump)
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert len(outcome.commands) == 3


@pytest.mark.parametrize("pump", PUMPS)
def test_errors_and_dry_runs_are_as_with_run(pump: MakePump) -> None:
    async def body(op: AsyncScripted, p: Progress) -> None:
        with pytest.raises(CommandFailed, match="exit status 3"):
            await p.arun("exit 3")
        with pytest.raises(CommandTimedOut):
            await p.arun(["sleep", "1000"], timeout=0.1)
        with pytest.raises(ValueError, match="empty"):
            await p.arun([])
        op.dry_run = True
        assert (await p.arun("exit 4")).returncode == 0

    outcome = perform_async(body, pump)
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert outcome.statuses == [("", 3), ("", -signal.SIGTERM)]
    assert "exit 4" in outcome.log[-1]
