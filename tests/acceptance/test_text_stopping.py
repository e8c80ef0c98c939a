"""Ctrl-C and SIGTERM while an operation runs on a terminal: who is stopped, and the exit status."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.acceptance.terminal import CTRL_C, DEADLINE, Terminal
from tests.acceptance.text_mode import TextMode

FOREVER = 1_000
"""Seconds that no test waits for: what they limit must not be needed."""

DELAY = 60
"""Seconds that `Endless` waits before it tries again."""

PAUSE = threading.Event()
"""Never set: waiting for it leaves the processor to those who are waited for."""


@pytest.fixture(scope="module")
def mode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextMode]:
    """A place to run operations."""
    with closing(TextMode(tmp_path_factory.mktemp("stopping"))) as mode:
        yield mode


def endless(mode: TextMode, way: str, **fields: object) -> Terminal:
    """Start the operation that never ends by itself."""
    settings = [f"--set={name}={value}" for name, value in {"way": way, **fields}.items()]
    return mode.terminal("textapp.Endless", *settings)


def family(terminal: Terminal, *, of: int) -> list[psutil.Process]:
    """Return the processes that the program has started, once there are so many."""
    program = psutil.Process(terminal.process.pid)
    deadline = time.monotonic() + DEADLINE
    while len(found := program.children(recursive=True)) < of:
        assert time.monotonic() < deadline, found
        PAUSE.wait(0.01)
    return found


def wait_for_file(path: Path) -> None:
    """Wait until a command has written a file."""
    deadline = time.monotonic() + DEADLINE
    while not path.exists():
        assert time.monotonic() < deadline, f"there is no {path.name}"
        PAUSE.wait(0.01)


def assert_gone(processes: list[psutil.Process]) -> None:
    """Fail unless all of these have ended; who reaps an orphan is not our business."""
    gone, left = psutil.wait_procs(processes, timeout=0)
    left = [one for one in left if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert not left, (gone, left)


def end(terminal: Terminal) -> tuple[int, str]:
    """Wait for the end of the program; return its exit status and the rows it left."""
    return terminal.wait(), terminal.screen.text


def assert_summed_up(rows: str, outcome: str, stage: str = "Work") -> None:
    """Fail unless the rows tell once how it ended, and sum it up."""
    assert rows.count(f"\n{outcome}.\n") == 1
    assert f"\n    {outcome}\n\n" in rows
    assert f"    {stage} ({outcome.lower()}" in rows
    assert "Traceback" not in rows


def test_in_the_body(mode: TextMode) -> None:
    with endless(mode, "body") as terminal:
        terminal.wait_for("\nup")
        terminal.press(CTRL_C)
        status, rows = end(terminal)
    assert status == 130
    assert_summed_up(rows, "Cancelled")
    assert mode.newest("state", "stage_states") == ("CANCELLED", '{"Work": "cancelled"}')


def test_in_the_wait_for_another_attempt(mode: TextMode) -> None:
    with endless(mode, "wait") as terminal:
        terminal.wait_for("Trying again in 1:00")
        began = time.monotonic()
        terminal.press(CTRL_C)
        status, rows = end(terminal)
    assert time.monotonic() - began < DELAY / 2
    assert status == 130
    assert "attempt 2" not in rows
    assert_summed_up(rows, "Cancelled")
    assert mode.newest("state", "stage_states") == ("CANCELLED", '{"Work": "cancelled"}')


def test_in_a_child_process_all_of_its_family_ends(mode: TextMode) -> None:
    with endless(mode, "child", grace=FOREVER) as terminal:
        terminal.wait_for("\nup")
        processes = family(terminal, of=3)
        assert all(os.getpgid(one.pid) != terminal.process.pid for one in processes)
        terminal.press(CTRL_C)
        status, rows = end(terminal)
        assert_gone(processes)
    assert status == 130
    assert "ended by SIGTERM)" in rows
    assert_summed_up(rows, "Cancelled")
    assert mode.newest("state") == ("CANCELLED",)


def test_a_child_that_does_not_listen_is_killed_after_its_grace(
    mode: TextMode, tmp_path: Path
) -> None:
    with endless(mode, "deaf", grace=0.3, folder=tmp_path) as terminal:
        terminal.wait_for("\nup")
        processes = family(terminal, of=2)
        terminal.press(CTRL_C)
        status, rows = end(terminal)
        assert_gone(processes)
    assert (tmp_path / "asked").exists()
    assert status == 130
    assert_summed_up(rows, "Cancelled")


def test_a_second_ctrl_c_kills_a_child_that_is_being_stopped(
    mode: TextMode, tmp_path: Path
) -> None:
    with endless(mode, "deaf", grace=FOREVER, folder=tmp_path) as terminal:
        terminal.wait_for("\nup")
        processes = family(terminal, of=2)
        terminal.press(CTRL_C)
        wait_for_file(tmp_path / "asked")
        assert terminal.process.poll() is None, "it waits for its child"
        terminal.press(CTRL_C)
        status, rows = end(terminal)
        assert_gone(processes)
    assert status == 130
    assert "Traceback" not in rows
    assert mode.newest("state")[0] in {"CANCELLED", "INTERRUPTED"}


def test_a_second_ctrl_c_stops_code_that_does_not_listen(mode: TextMode) -> None:
    with endless(mode, "absent") as terminal:
        terminal.wait_for("\nup")
        terminal.press(CTRL_C)
        terminal.wait_for("Press Ctrl-C again to stop at once.")
        terminal.press(CTRL_C)
        status, rows = end(terminal)
    assert status == 130
    assert_summed_up(rows, "Interrupted")
    assert mode.newest("state", "stage_states") == ("INTERRUPTED", '{"Work": "interrupted"}')


@pytest.mark.parametrize("way", ["body", "absent", "child"])
def test_sigterm_ends_the_run_and_its_children(mode: TextMode, way: str) -> None:
    with endless(mode, way) as terminal:
        terminal.wait_for("\nup")
        processes = family(terminal, of=3) if way == "child" else []
        terminal.process.send_signal(signal.SIGTERM)
        status, rows = end(terminal)
        assert_gone(processes)
    assert status == 128 + signal.SIGTERM
    assert rows.count("\nInterrupted.\n") == 1
    assert "Traceback" not in rows
    assert mode.newest("state", "stage_states") == ("INTERRUPTED", '{"Work": "interrupted"}')


@pytest.mark.parametrize(
    ("numbers", "status", "state"),
    [
        ([signal.SIGTERM], 143, "INTERRUPTED"),
        ([signal.SIGHUP], 129, "INTERRUPTED"),
        ([signal.SIGINT], 130, "CANCELLED"),
    ],
    ids=["term", "hang up", "int"],
)
@pytest.mark.parametrize("model", ["textapp.Endless", "textapp.Waiting"])
def test_whatever_the_signal_nobody_is_left(
    mode: TextMode, model: str, numbers: list[int], status: int, state: str
) -> None:
    with mode.terminal(model, "--set=way=child", f"--set=grace={FOREVER}") as terminal:
        terminal.wait_for("\nup")
        processes = family(terminal, of=3)
        for number in numbers:
            terminal.process.send_signal(number)
        code, rows = end(terminal)
        assert_gone(processes)
    assert code == status
    assert_summed_up(rows, state.capitalize())
    stages = f'{{"Work": "{state.lower()}"}}'
    assert mode.newest("state", "stage_states") == (state, stages)


def test_a_deaf_child_does_not_survive_a_second_signal(mode: TextMode, tmp_path: Path) -> None:
    with endless(mode, "deaf", grace=FOREVER, folder=tmp_path) as terminal:
        terminal.wait_for("\nup")
        processes = family(terminal, of=2)
        terminal.press(CTRL_C)
        wait_for_file(tmp_path / "asked")
        terminal.process.send_signal(signal.SIGTERM)
        code, _ = end(terminal)
        assert_gone(processes)
    assert code == 143
    assert mode.newest("state") in {("INTERRUPTED",), ("CANCELLED",)}


def test_a_signal_while_the_end_is_saved_loses_nothing(mode: TextMode, tmp_path: Path) -> None:
    arguments = ["--set=way=body", f"--set=folder={tmp_path}"]
    with mode.terminal("textapp.Late", *arguments) as terminal:
        wait_for_file(tmp_path / "ending")
        terminal.process.send_signal(signal.SIGTERM)
        terminal.process.send_signal(signal.SIGINT)
        (tmp_path / "go").touch()
        code, _ = end(terminal)
    assert code in {0, 143}, "the signal may come when all is done"
    assert mode.newest("state") == ("FINISHED_OK",)
