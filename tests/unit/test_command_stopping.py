"""Commands that are stopped: politely first, then not, and nothing of them is left."""

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from liveops.commands import CommandTimedOut, child, group
from liveops.commands.child import Child
from liveops.commands.output import Output
from liveops.commands.wakeup import Wakeup
from liveops.exceptions import OperationCancelled
from tests.unit.commands import FOREVER, Gate, Watcher, fail, is_gone, python, wait_until
from tests.unit.helpers import Clock

# Each prints its name and process id when it is ready to be stopped.
WAITS = "import signal, sys, os; {}; print(sys.argv[1], os.getpid()); signal.pause()"
POLITE = WAITS.format("pass")
DEAF = WAITS.format("signal.signal(signal.SIGTERM, signal.SIG_IGN)").replace(
    "signal.pause()", "[signal.pause() for _ in iter(int, 1)]"
)
LEAVES = """
import os, signal, sys
def leave(*_):
    os.write(1, b"1\\n2\\n3\\nbye")
    sys.exit()
signal.signal(signal.SIGTERM, leave)
print("child", os.getpid())
while True:
    signal.pause()
"""
TALKING = """
import os, signal
def say(*_):
    os.write(1, b"asked\\nand more")
signal.signal(signal.SIGTERM, say)
print("child", os.getpid())
while True:
    signal.pause()
"""


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), SystemExit(3), OperationCancelled(), ZeroDivisionError("odd")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("place", ["pulse", "on_lines"])
def test_what_a_callback_raises_stops_the_command(
    watcher: Watcher, error: BaseException, place: str
) -> None:
    if place == "on_lines":
        watcher.reactions = {"child": fail(error)}
    else:
        watcher.when_pulsed = lambda: fail(error)() if "child" in watcher.text else None
    with pytest.raises(type(error)) as caught:
        watcher.run(python(POLITE, "child"), grace=FOREVER)
    assert caught.value is error
    assert caught.value.__cause__ is None
    assert not hasattr(error, "__notes__")
    assert is_gone(watcher.pid("child"))


def test_last_words_are_heard_and_no_pulse_is_needed(watcher: Watcher) -> None:
    def stop() -> None:
        watcher.when_pulsed = fail(AssertionError("pulsed after the stop"))
        raise OperationCancelled

    watcher.reactions = {"child": stop}
    with pytest.raises(OperationCancelled) as caught:
        watcher.run(python(LEAVES), grace=FOREVER)
    assert not hasattr(caught.value, "__notes__")
    assert watcher.lines[1:] == ["1", "2", "3", "bye"]
    assert is_gone(watcher.pid("child"))


@pytest.mark.parametrize("ends_in_time", [False, True], ids=["deaf-child", "polite-child"])
def test_all_of_the_group_is_killed(watcher: Watcher, ends_in_time: bool) -> None:
    leader = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-u', '-c', sys.argv[2], 'grandchild'])\n"
        "exec(sys.argv[3])"
    )
    command = python(leader, "child", DEAF, POLITE if ends_in_time else DEAF)
    watcher.when_pulsed = lambda: (
        fail(OperationCancelled())() if watcher.text.count("child ") == 2 else None
    )
    with pytest.raises(OperationCancelled) as caught:
        watcher.run(command, grace=0.3)
    assert is_gone(watcher.pid("child"))
    assert is_gone(watcher.pid("grandchild"))
    assert not hasattr(caught.value, "__notes__")


def test_the_grace_period_is_of_the_clock(watcher: Watcher) -> None:
    clock = Clock()
    watcher.reactions = {
        "child": fail(OperationCancelled()),
        "asked": lambda: clock.advance(29.9),
        "and more": lambda: clock.advance(0.2),
    }
    with pytest.raises(OperationCancelled):
        watcher.run(python(TALKING), grace=30, clock=clock)
    assert watcher.lines[1:] == ["asked", "and more"]
    assert is_gone(watcher.pid("child"))


def test_a_halted_command_hears_of_it(watcher: Watcher) -> None:
    watcher.when_pulsed = lambda: (
        fail(OperationCancelled())()
        if watcher.lines and psutil.Process(watcher.pid("child")).status() == psutil.STATUS_STOPPED
        else None
    )
    with pytest.raises(OperationCancelled):
        watcher.run("trap 'echo heard; exit' TERM; echo child $$; kill -STOP $$", grace=FOREVER)
    assert watcher.lines[1:] == ["heard"]


def test_a_command_that_closed_its_output_can_be_stopped(watcher: Watcher, tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    watcher.when_pulsed = lambda: fail(OperationCancelled())() if watcher.pulses == 9 else None
    with pytest.raises(OperationCancelled):
        watcher.run(f"echo child $$; exec >&- 2>&-; read x < {gate}", grace=FOREVER)
    assert is_gone(watcher.pid("child"))


def test_what_is_left_in_the_background_can_be_stopped(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "LINGER_SECONDS", FOREVER)
    watcher.when_pulsed = lambda: (
        fail(OperationCancelled())() if watcher.lines and is_gone(watcher.pid("child")) else None
    )
    with pytest.raises(OperationCancelled):
        watcher.run("echo child $$; sleep 600 & echo background $!", grace=FOREVER)
    assert is_gone(watcher.pid("background"))


def test_one_that_left_the_group_holds_nothing_up(watcher: Watcher) -> None:
    watcher.reactions = {"escaped": fail(OperationCancelled())}
    escape = "setsid sh -c 'echo escaped $$; exec sleep 600' & wait"
    with pytest.raises(OperationCancelled):
        watcher.run(f"trap 'printf bye; exit' TERM; {escape}", grace=FOREVER)
    psutil.Process(watcher.pid("escaped")).kill()
    assert watcher.lines[1:] == ["bye"]


# The time limit.


@pytest.mark.parametrize("timeout", [0, 0.3])
def test_a_command_that_takes_too_long_is_stopped(watcher: Watcher, timeout: float) -> None:
    with pytest.raises(CommandTimedOut) as caught:
        watcher.run("echo begun; sleep 600", timeout=timeout, grace=FOREVER)
    assert caught.value.timeout == timeout
    assert caught.value.returncode == -signal.SIGTERM
    assert caught.value.command == "echo begun; sleep 600"
    assert caught.value.__cause__ is None
    assert f"was stopped after {timeout} s, its time limit." in str(caught.value)


def test_the_time_limit_is_of_the_clock_and_keeps_last_words(watcher: Watcher) -> None:
    clock = Clock(1000)
    watcher.reactions = {"child": lambda: clock.advance(60)}
    with pytest.raises(CommandTimedOut) as caught:
        watcher.run(python(LEAVES), timeout=60, grace=30, clock=clock)
    assert caught.value.tail[1:] == ("1", "2", "3", "bye")
    assert caught.value.returncode == 0
    assert caught.value.result.seconds == 60


def test_an_end_in_time_is_an_end_in_time(watcher: Watcher) -> None:
    clock = Clock()
    watcher.when_pulsed = lambda: (
        clock.advance(60) if watcher.lines and is_gone(watcher.pid("child")) else None
    )
    assert watcher.run("echo child $$", timeout=60, clock=clock).returncode == 0


# What happens while a command is being stopped.


@pytest.mark.parametrize("first", [KeyboardInterrupt(), OperationCancelled()])
def test_a_ctrl_c_ends_the_grace_period(watcher: Watcher, first: BaseException) -> None:
    watcher.reactions = {
        "child": fail(first),
        "asked": fail(KeyboardInterrupt("second")),
        "and more": fail(KeyboardInterrupt("third")),
    }
    with pytest.raises(type(first)) as caught:
        watcher.run(python(TALKING), grace=FOREVER)
    assert caught.value is first
    assert is_gone(watcher.pid("child"))


@pytest.mark.parametrize("limit", ["error", "timeout"])
def test_a_first_ctrl_c_is_not_lost(watcher: Watcher, limit: str) -> None:
    clock = Clock()
    watcher.reactions = {"asked": fail(KeyboardInterrupt("first"))}
    watcher.reactions["child"] = (
        fail(ZeroDivisionError("odd")) if limit == "error" else lambda: clock.advance(9)
    )
    with pytest.raises(KeyboardInterrupt, match="first") as caught:
        watcher.run(python(TALKING), grace=FOREVER, timeout=9, clock=clock)
    cause = ZeroDivisionError if limit == "error" else CommandTimedOut
    assert isinstance(caught.value.__cause__, cause)
    assert is_gone(watcher.pid("child"))


def test_a_consumer_that_fails_again_is_left_alone(watcher: Watcher) -> None:
    watcher.reactions = {
        "child": fail(OperationCancelled()),
        "3": fail(ZeroDivisionError("full")),
    }
    with pytest.raises(OperationCancelled) as caught:
        watcher.run(python(LEAVES), grace=FOREVER)
    (note,) = caught.value.__notes__
    assert note.endswith("while the command was being stopped: ZeroDivisionError('full')")
    assert watcher.lines[1:] == ["1", "2", "3"]


def test_what_cannot_be_ended_is_told_not_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = Watcher()
    with (
        subprocess.Popen(["sleep", "600"], start_new_session=True) as process,  # noqa: S607  (a program of every system)
        Wakeup() as wakeup,
        Output(wakeup, watcher.on_lines, Clock()) as output,
    ):
        with monkeypatch.context() as patched:
            patched.setattr(group, "send", lambda *_: None)
            patched.setattr(child, "KILL_SECONDS", 0.0)
            held = Child(process, output, Clock())
            held.stop(lambda: 0.0)
            error = held.verdict(OperationCancelled(), held.result("sleep", 1.0), None)
        assert held.result("sleep", 1.0).returncode == -signal.SIGKILL
        process.kill()
    assert error.__notes__ == [f"Process group {process.pid} could not be ended."]


# Process groups.


def test_a_group_is_alive_while_a_process_of_it_runs() -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as process:  # noqa: S607  (a program of every system)
        assert group.is_alive(process.pid)
        group.send(process.pid, signal.SIGKILL)
        # Not reaped yet, as where nobody cares for orphans.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        os.killpg(process.pid, 0)
        assert not group.is_alive(process.pid)
    assert not group.is_alive(process.pid)
    group.send(process.pid, signal.SIGTERM)


def test_a_group_of_another_user_counts_as_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "killpg", lambda *_: fail(PermissionError())())
    group.send(1, signal.SIGTERM)
    assert group.is_alive(1)


def test_without_proc_a_group_is_alive_until_it_is_reaped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(group, "_PROC", tmp_path)
    with subprocess.Popen(["true"], start_new_session=True) as process:  # noqa: S607  (a program of every system)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert group.is_alive(process.pid)
    wait_until(lambda: not group.is_alive(process.pid))
