"""Commands run as real processes: their output comes as it is written, their end is told apart."""

import os
import selectors
import signal
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from liveops.commands import child
from liveops.commands.output import Output
from liveops.commands.process import stream
from liveops.commands.wakeup import Wakeup
from tests.unit.commands import FOREVER, Gate, Watcher, is_gone, python, python_line, wait_until
from tests.unit.helpers import PATIENCE, Clock

MEGABYTE = 1_000_000


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


@pytest.mark.parametrize(
    "command",
    ["echo one; echo two >&2; exit 3", ["sh", "-c", "echo one; echo two >&2; exit 3"]],
    ids=["shell", "list"],
)
def test_output_and_errors_come_in_order_with_the_exit_status(
    watcher: Watcher, command: str | list[str]
) -> None:
    result = watcher.run(command)
    assert watcher.lines == ["one", "two"]
    assert result.returncode == 3
    assert result.tail == ("one", "two")
    assert result.output == "one\ntwo"


def test_a_shell_line_may_hold_quoted_code(watcher: Watcher) -> None:
    watcher.run(python_line("print('quoted \"well\"')"))
    assert watcher.lines == ['quoted "well"']


def test_a_list_meets_no_shell(watcher: Watcher, tmp_path: Path) -> None:
    watcher.run(["printf", "%s\\n", "$HOME; *", tmp_path])
    assert watcher.lines == ["$HOME; *", str(tmp_path)]


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGPIPE"])
def test_a_signal_is_a_negative_exit_status(watcher: Watcher, name: str) -> None:
    result = watcher.run(f"kill -{name.removeprefix('SIG')} $$")
    assert result.returncode == -signal.Signals[name]


def test_a_silent_command(watcher: Watcher) -> None:
    result = watcher.run(["true"])
    assert (result.command, result.returncode, result.tail, result.output) == ("true", 0, (), "")
    assert watcher.batches == 0
    assert watcher.pulses


def test_the_tail_is_the_last_50_lines(watcher: Watcher) -> None:
    result = watcher.run("seq 1000")
    assert watcher.lines == [str(number) for number in range(1, 1001)]
    assert result.tail == tuple(watcher.lines[-50:])


def test_the_duration_is_that_of_the_clock(watcher: Watcher) -> None:
    clock = Clock(100)
    watcher.reactions = {"begun": lambda: clock.advance(7.5)}
    assert watcher.run("echo begun", clock=clock).seconds == 7.5


def test_there_is_no_input(watcher: Watcher) -> None:
    ours = os.dup(0)
    with tempfile.TemporaryFile() as file:
        file.write(b"not for you\n")
        file.seek(0)
        os.dup2(file.fileno(), 0)
        try:
            watcher.run("cat; echo nothing")
        finally:
            os.dup2(ours, 0)
            os.close(ours)
    assert watcher.lines == ["nothing"]


def test_it_leads_a_session_of_its_own(watcher: Watcher) -> None:
    watcher.run(python("import os; print(os.getpid() == os.getpgrp() == os.getsid(0))"))
    assert watcher.lines == ["True"]


def test_the_environment_is_changed_not_replaced(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KEPT", "CHANGED", "REMOVED"):
        monkeypatch.setenv(name, "old")
    script = 'echo "$KEPT $CHANGED ${REMOVED-no} $ADDED ${NEVER-no}"'
    watcher.run(script, env={"CHANGED": "new", "REMOVED": None, "ADDED": "é =", "NEVER": None})
    watcher.run(script)
    assert watcher.lines == ["old new no é = no", "old old old  no"]


def test_a_path_in_the_environment_is_where_programs_are_found(
    watcher: Watcher, tmp_path: Path
) -> None:
    program = tmp_path / "greet"
    program.write_text("#!/bin/sh\necho hello\n", encoding="utf-8")
    program.chmod(0o755)
    watcher.run(["greet"], env={"PATH": str(tmp_path)})
    assert watcher.lines == ["hello"]


@pytest.mark.parametrize("kind", [str, Path])
def test_it_runs_in_its_directory(watcher: Watcher, tmp_path: Path, kind: type) -> None:
    watcher.run("pwd -P", cwd=kind(tmp_path))
    assert watcher.lines == [str(tmp_path.resolve())]


def test_text_without_a_line_break_is_seen_before_the_end(watcher: Watcher, gate: Gate) -> None:
    watcher.reactions = {"ready? ": gate.open}
    watcher.run(f"printf 'ready? '; read x < {gate}; echo $x")
    assert watcher.lines == ["ready? ", "go"]


def test_binary_output_does_no_harm(watcher: Watcher) -> None:
    result = watcher.run("head -c 1000000 /dev/urandom; printf '\\n\\377\\000end'")
    assert result.returncode == 0
    assert watcher.lines[-1] == "\ufffd\0end"


def test_the_pulse_goes_on_in_silence_and_after_each_batch(watcher: Watcher, gate: Gate) -> None:
    watcher.when_pulsed = lambda: gate.open() if watcher.pulses == 5 else None
    watcher.run(f"read x < {gate}; seq 100000")
    assert 5 + watcher.batches <= watcher.pulses


def test_another_thread_has_it_look_at_once(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    monkeypatch.setattr(child, "PULSE_SECONDS", FOREVER)
    waiting, woken = threading.Event(), threading.Event()

    def pulse() -> None:
        if woken.is_set():
            gate.open()
        elif "here" in watcher.text:
            waiting.set()

    def wake() -> None:
        waiting.wait(PATIENCE)
        woken.set()
        watcher.wake()

    watcher.when_pulsed = pulse
    thread = threading.Thread(target=wake)
    thread.start()
    watcher.run(f"echo here; read x < {gate}")
    thread.join()
    watcher.wake()  # too late, which does no harm


def test_more_rings_than_can_be_kept_are_one() -> None:
    with Wakeup() as wakeup, selectors.DefaultSelector() as selector:
        selector.register(wakeup, selectors.EVENT_READ)
        for _ in range(2):
            assert selector.select(0) == []
            for _ in range(10_000):
                wakeup.ring()
            assert selector.select(FOREVER)
            wakeup.quiet()
        with Output(wakeup, lambda lines: None, Clock()) as output:
            wakeup.ring()
            assert not output.wait(FOREVER)
            assert selector.select(0) == []
    wakeup.ring()


def test_it_runs_in_any_thread_and_many_at_once() -> None:
    def numbers(first: int) -> list[str]:
        lines: list[str] = []
        stream(
            ["seq", str(first), str(first + 999)],
            on_lines=lines.extend,
            on_stop=lambda wake: lambda: None,
            pulse=lambda: None,
        )
        return lines

    with ThreadPoolExecutor(4) as pool:
        for first, lines in enumerate(pool.map(numbers, range(24))):
            assert lines == [str(number) for number in range(first, first + 1000)]


# What goes on after the command, or before its end.


def test_a_process_in_the_background_is_neither_awaited_nor_killed(watcher: Watcher) -> None:
    assert watcher.run("sleep 600 & echo pid $!").returncode == 0
    pid = watcher.pid("pid")
    assert not is_gone(pid)
    psutil.Process(pid).kill()
    wait_until(lambda: is_gone(pid))


def test_what_it_says_soon_after_is_heard(
    watcher: Watcher, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "LINGER_SECONDS", FOREVER)

    def pulse() -> None:
        if "pid" in watcher.text and is_gone(watcher.pid("pid")):
            gate.open()

    watcher.when_pulsed = pulse
    watcher.run(f"(read x < {gate}; echo late) & echo pid $$")
    assert watcher.lines[1:] == ["late"]


def test_all_that_was_written_before_the_end_is_heard(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "LINGER_SECONDS", 0.0)
    watcher.reactions = {"pid": lambda: wait_until(lambda: is_gone(watcher.pid("end")))}
    watcher.run("echo end $$; sleep 600 & echo pid $!; head -c 60000 /dev/zero | tr '\\0' x")
    psutil.Process(watcher.pid("pid")).kill()
    assert watcher.text.count("x") == 60_000


def test_a_command_that_closes_its_output_is_waited_for(watcher: Watcher, gate: Gate) -> None:
    watcher.when_pulsed = lambda: gate.open() if watcher.pulses == 8 else None
    result = watcher.run(f"echo last; exec >&- 2>&-; read x < {gate}; exit 4")
    assert (watcher.lines, result.returncode) == (["last"], 4)
    assert watcher.pulses >= 8


# Floods.


@pytest.mark.parametrize(
    ("command", "lines", "longest"),
    [
        (f"yes | head -c {100 * MEGABYTE}", 50 * MEGABYTE, 1),
        (f"head -c {100 * MEGABYTE} /dev/zero | tr '\\0' x", 100 * MEGABYTE // 8192 + 1, 8192),
        (f"yes 99% | tr '\\n' '\\r' | head -c {100 * MEGABYTE}", 1, 3),
    ],
    ids=["short-lines", "one-line", "rewritten"],
)
def test_100_megabytes_take_no_memory(command: str, lines: int, longest: int) -> None:
    process = psutil.Process()
    given = batches = longest_seen = most = 0

    def on_lines(batch: list[str]) -> None:
        nonlocal given, batches, longest_seen, most
        given += len(batch)
        batches += 1
        longest_seen = max(longest_seen, len(max(batch, key=len)))
        if batches % 50 == 0:
            most = max(most, process.memory_info().rss)

    before = process.memory_info().rss
    result = stream(
        command, on_lines=on_lines, on_stop=lambda wake: lambda: None, pulse=lambda: None
    )
    most = max(most, process.memory_info().rss)
    assert (result.returncode, given, longest_seen) == (0, lines, longest)
    assert most - before < 40 * MEGABYTE
