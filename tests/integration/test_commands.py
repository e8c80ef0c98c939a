"""`p.run()`: what a command is given, what is shown of it while it runs, and what it returns."""

import io
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from liveops.commands import CommandFailed, CommandTimedOut
from liveops.progress import Progress
from liveops.progress.pumps import inline_pump
from liveops.sinks.text import TextSink
from tests.integration.commands import PUMPS, Gate, MakePump, is_gone, perform, pid_in
from tests.integration.edge import DEADLINE
from tests.testapp.models import Row, Scripted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("pump", PUMPS)
def test_each_line_is_shown_while_the_command_runs(pump: MakePump, tmp_path: Path) -> None:
    with Gate(tmp_path, "one") as one, Gate(tmp_path, "two") as two:
        script = f"echo first; read x < {one}; echo second >&2; read x < {two}; echo third"

        def body(op: Scripted, p: Progress) -> None:
            with p.stage("Load"):
                p.run(script, timeout=DEADLINE)

        reactions = {"first": lambda op: one.open(), "second": lambda op: two.open()}
        outcome = perform(body, pump(), reactions)
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert outcome.lookout.texts == [f"$ {script}", "first", "second", "third"]
    assert outcome.log == outcome.lookout.texts
    rows = outcome.operation.log_lines.values_list("level", "stage")
    assert set(rows) == {("info", "Load")}
    (row,) = outcome.commands
    assert (row.stage, row.command, row.exit_status) == ("Load", script, 0)
    assert row.run_id == outcome.operation.run_id


@pytest.mark.parametrize("pump", PUMPS)
def test_output_without_a_line_break_is_shown_before_the_end(
    pump: MakePump, tmp_path: Path
) -> None:
    with Gate(tmp_path) as gate:
        script = f"printf 'Your name: '; read x < {gate}; echo Ann"
        reactions = {"Your name:": lambda op: gate.open()}
        outcome = perform(lambda op, p: p.run(script, timeout=DEADLINE), pump(), reactions)
    assert outcome.state == "FINISHED_OK", outcome.error_text
    assert "".join(outcome.log[1:]) == "Your name: Ann"


def ran(command: Any, **options: Any) -> tuple[list[str], Any]:
    """Run one command; return what was stored of it in the log, and its result."""
    results: list[Any] = []
    outcome = perform(lambda op, p: results.append(p.run(command, **options)), inline_pump())
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    return outcome.log, results[0]


def test_a_list_meets_no_shell(tmp_path: Path) -> None:
    log, result = ran(["printf", r"%s\n", "$HOME  'a'; echo b", tmp_path])
    assert log[1:] == ["$HOME  'a'; echo b", str(tmp_path)]
    assert result.command == log[0].removeprefix("$ ")
    assert ran(result.command)[0] == log, "what is shown can be pasted into a shell"


def test_a_string_is_a_line_for_the_shell_and_may_have_several() -> None:
    log, _ = ran("x=1\necho $((x + 1)) | tr 2 3")
    assert log == ["$ x=1", "echo $((x + 1)) | tr 2 3", "3"]


def test_environment_and_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEOPS_KEPT", "kept")
    monkeypatch.setenv("LIVEOPS_GONE", "still here")
    script = 'echo "$LIVEOPS_KEPT ${LIVEOPS_GONE-gone} $LIVEOPS_NEW"; pwd -P'
    env = {"LIVEOPS_GONE": None, "LIVEOPS_NEW": "new"}
    for cwd in (tmp_path, str(tmp_path)):
        log, _ = ran(script, env=env, cwd=cwd)
        assert log[1:] == ["kept gone new", str(tmp_path.resolve())]
    assert os.environ["LIVEOPS_GONE"] == "still here"


def test_the_result_has_status_duration_and_last_lines() -> None:
    _, result = ran("seq 1 70; exit 4", check=False)
    assert (result.returncode, result.command) == (4, "seq 1 70; exit 4")
    assert result.seconds >= 0
    assert result.tail == tuple(map(str, range(21, 71)))
    assert result.output == "\n".join(result.tail)


def test_a_level_is_that_of_all_its_lines() -> None:
    outcome = perform(lambda op, p: p.run("echo a", level="debug"), inline_pump())
    assert [line.level for line in outcome.lookout.lines] == ["debug", "debug"]


def test_control_characters_and_wrong_bytes_do_no_harm() -> None:
    log, result = ran(r"printf 'a\033[31mred\033[0m\007\n\377\000\n10%%\r100%%\n'")
    assert log[1:] == ["ared\u2407", "\ufffd\u2400", "100%"]
    assert len(result.tail) == 3


@pytest.mark.parametrize("pump", PUMPS)
def test_a_command_that_fails_fails_the_operation_with_its_last_lines(pump: MakePump) -> None:
    caught: list[CommandFailed] = []
    script = "seq 1 30; echo 'no such table'; exit 3"
    stream = io.StringIO()

    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            try:
                p.run(script)
            except CommandFailed as error:
                caught.append(error)
                raise

    outcome = perform(body, pump(), sinks=(TextSink(stream),))
    (error,) = caught
    assert (error.returncode, error.tail[-2:]) == (3, ("30", "no such table"))
    assert outcome.state == "FINISHED_ERROR"
    assert outcome.operation.stage_states == {"Load": "failed"}
    assert outcome.statuses == [("Load", 3)]
    first, *rest = outcome.error_text.splitlines()
    assert first == f"`{script}` ended with exit status 3. Its last lines:"
    assert rest == [*map(str, range(22, 31)), "no such table"], "each on a line of its own"
    ending = stream.getvalue().partition("Failed: ")[2]
    assert ending.splitlines() == [first, *rest]


def test_a_failure_that_is_not_checked_or_caught_is_none() -> None:
    def body(op: Scripted, p: Progress) -> None:
        assert p.run("exit 7", check=False).returncode == 7
        with pytest.raises(CommandFailed, match="was killed by SIGKILL"):
            p.run("kill -KILL $$")

    outcome = perform(body, inline_pump())
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert outcome.statuses == [("", 7), ("", -signal.SIGKILL)]


@pytest.mark.parametrize("pump", PUMPS)
def test_a_command_that_takes_too_long_is_stopped(pump: MakePump) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with pytest.raises(CommandTimedOut, match="its time limit") as caught:
            p.run("sleep 1000 & echo child $!; wait", timeout=0.3)
        assert is_gone(pid_in(list(caught.value.tail), "child"))
        p.log("goes on")

    outcome = perform(body, pump())
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert outcome.statuses == [("", -signal.SIGTERM)]
    assert outcome.log[-1] == "goes on"


@pytest.mark.parametrize(
    ("command", "cwd", "reason"),
    [
        (["no-such-program-here"], None, "there is no program no-such-program-here on the PATH"),
        (["true"], "missing", "does not exist"),
    ],
    ids=["program", "directory"],
)
def test_what_cannot_be_started_says_why(
    command: list[str], cwd: str | None, reason: str, tmp_path: Path
) -> None:
    place = None if cwd is None else tmp_path / cwd
    outcome = perform(lambda op, p: p.run(command, cwd=place), inline_pump())
    assert outcome.state == "FINISHED_ERROR"
    assert reason in outcome.error_text
    assert "CommandNotStarted" in outcome.operation.traceback
    assert outcome.statuses == [("", None)]


WRONG: dict[str, tuple[type[Exception], Any, dict[str, Any]]] = {
    "nothing": (ValueError, [], {}),
    "empty": (ValueError, " ", {}),
    "nul": (ValueError, ["echo", "a\0b"], {}),
    "bytes": (TypeError, b"ls", {}),
    "bytes-item": (TypeError, ["echo", b"a"], {}),
    "number": (TypeError, ["kill", 1], {}),
    "none": (TypeError, None, {}),
    "env-name": (ValueError, "true", {"env": {"A=B": "x"}}),
    "env-value": (TypeError, "true", {"env": {"A": 1}}),
    "env": (TypeError, "true", {"env": "A=1"}),
    "cwd": (TypeError, "true", {"cwd": 3}),
    "cwd-empty": (ValueError, "true", {"cwd": ""}),
    "timeout": (ValueError, "true", {"timeout": -1}),
    "timeout-text": (TypeError, "true", {"timeout": "5"}),
    "timeout-nan": (ValueError, "true", {"timeout": float("nan")}),
    "grace": (ValueError, "true", {"grace": -0.1}),
    "level": (ValueError, "true", {"level": "loud"}),
}


@pytest.mark.parametrize("dry_run", [False, True], ids=["real", "dry"])
@pytest.mark.parametrize("name", list(WRONG))
def test_wrong_arguments_are_refused_and_leave_no_trace(name: str, dry_run: bool) -> None:
    error, command, options = WRONG[name]

    def body(op: Scripted, p: Progress) -> None:
        op.dry_run = dry_run
        with pytest.raises(error, match=r"\w+ .*\w"):
            p.run(command, **options)

    outcome = perform(body, inline_pump())
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert outcome.log == []
    assert outcome.commands == []


@pytest.mark.parametrize("pump", PUMPS)
def test_inside_a_transaction_that_is_rolled_back_all_is_shown_and_kept(
    pump: MakePump, tmp_path: Path
) -> None:
    with Gate(tmp_path) as gate:

        def fail_inside(p: Progress) -> None:
            with p.stage("Load"), transaction.atomic():
                Row.objects.create(name="taken back")
                p.run(f"echo first; read x < {gate}; exit 1", timeout=DEADLINE)

        def body(op: Scripted, p: Progress) -> None:
            with pytest.raises(CommandFailed):
                fail_inside(p)
            p.run("echo after")

        outcome = perform(body, pump(), {"first": lambda op: gate.open()})
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert not Row.objects.exists()
    assert outcome.log[1:] == ["first", "$ echo after", "after"]
    assert [status for _, status in outcome.statuses] == [1, 0]


def _track(p: Progress, run: Callable[[str], Any]) -> None:
    for number in p.track(range(3)):
        run(f"echo {number}")


@pytest.mark.parametrize("pump", PUMPS)
def test_inside_a_loop_and_beside_captured_logging(pump: MakePump) -> None:
    logger = logging.getLogger("shop.import")

    def body(op: Scripted, p: Progress) -> None:
        with p.capture_logging("shop"):
            logger.info("before")
            _track(p, p.run)
            logger.info("after")

    outcome = perform(body, pump())
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert outcome.log == ["before", "$ echo 0", "0", "$ echo 1", "1", "$ echo 2", "2", "after"]
    assert (outcome.operation.live_progress.done, outcome.operation.live_progress.percent) == (
        3,
        100,
    )
