"""``run_liveop``: what it prints, how it exits, and what Ctrl-C does."""

import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from liveops import store
from liveops.exceptions import OperationError
from liveops.models import LiveOperation
from liveops.progress import Progress
from tests import databases
from tests.integration.conftest import Templates
from tests.integration.edge import DEADLINE, person
from tests.integration.markup import HOSTILE
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str, status: int = 0) -> list[str]:
    """Run the command and return what it printed, line by line."""
    printed = io.StringIO()
    code: Any = 0
    try:
        call_command("run_liveop", *arguments, stdout=printed)
    except SystemExit as leaving:
        code = leaving.code
    assert code == status, printed.getvalue()
    return told_before_summary(printed.getvalue())


def told_before_summary(text: str) -> list[str]:
    """Return the lines that come before the closing summary, which has tests of its own."""
    return text.partition("─── Summary of ")[0].rstrip("\n").splitlines()


def headers(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("===")]


def test_headers_are_exact_and_the_log_stands_below_them() -> None:
    lines = run("testapp.Walk", "--set", "items=2")
    assert headers(lines) == ["=== [1/3] Load ===", "=== [2/3] Validate ===", "=== [3/3] Save ==="]
    told = [line for line in lines if not line.startswith("  ")]
    assert told == [
        "=== [1/3] Load ===",
        "Load 0",
        "Load 1",
        "=== [2/3] Validate ===",
        "Validate 0",
        "Validate 1",
        "=== [3/3] Save ===",
        "Save 0",
        "Save 1",
        "items=2",
    ]


def test_a_pipe_gets_plain_lines_of_progress() -> None:
    lines = run("testapp.Walk", "--set", "items=2", "--set", "label=Hiking")
    bars = [line for line in lines if line.startswith("  ")]
    assert any(line.startswith("  Hiking: 100 % (2 / 2 steps") for line in bars)
    assert all("\x1b" not in line and "\r" not in line for line in lines)


def test_the_run_leaves_what_any_run_leaves() -> None:
    run("testapp.Walk", "--set", "items=2")
    operation = Walk.objects.get()
    assert (operation.get_state(), operation.owner) == ("FINISHED_OK", None)
    assert operation.stage_states == dict.fromkeys(Walk.stages, "done")
    assert operation.result_context == {"items": 2}
    assert operation.log_lines.count() == 6


def test_a_stage_that_is_not_listed_has_a_header_without_a_number() -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Warm up"), p.stage("Save"):
            pass

    Scripted.body = body
    assert headers(run("testapp.Scripted")) == ["=== Warm up ===", "=== [3/3] Save ==="]


def test_status_and_levels_are_told() -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.status("At work")
        p._run.flush()
        p.log("plain")
        p.log("odd", level="warning")
        p.log("bad", level="error")

    Scripted.body = body
    assert run("testapp.Scripted") == ["At work", "plain", "warning: odd", "error: bad"]


def test_the_result_is_lines_of_key_and_value() -> None:
    Scripted.body = lambda op, p: p.result({"count": 3, "name": "a b", "all": [1, 2]}, more=None)
    assert run("testapp.Scripted") == ["count=3", "name=a b", "all=[1, 2]", "more=None"]


def test_the_result_may_have_a_template_of_its_own(templates: Templates) -> None:
    templates({"testapp/scripted_result.txt": "{{ count }} of {{ op.note }}\n\nDone.\n"})
    Scripted.body = lambda op, p: p.result(count=3)
    assert run("testapp.Scripted", "--set", "note=five") == ["3 of five", "", "Done."]


def test_a_template_that_fails_costs_neither_the_result_nor_the_exit_status(
    templates: Templates,
) -> None:
    templates({"testapp/scripted_result.txt": "{% include 'missing.txt' %}"})
    Scripted.body = lambda op, p: p.result(count=3)
    assert run("testapp.Scripted") == ["count=3"]
    templates({"testapp/scripted_result.txt": "{% nonsense %}"})
    assert run("testapp.Scripted") == ["count=3"]


def test_hostile_text_does_not_reach_the_terminal() -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage(f"Stage {HOSTILE}"):
            p.status(HOSTILE)
            p.log(f"[bold]{HOSTILE}\nsecond line\r")
            for _ in p.track([1], label=HOSTILE, unit="\x1b]0;x\x07"):
                pass
        p.result({"\x1b[2J": "\x1b]0;title\x07"})

    Scripted.body = body
    printed = "\n".join(run("testapp.Scripted"))
    assert all(character.isprintable() or character == "\n" for character in printed)
    assert "[bold]<script>" in printed, "what is no control character is told as it is"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OperationError("Line 7 has no name."), "Failed: Line 7 has no name."),
        (LookupError("the cause"), "Failed: It stopped with an unexpected error (LookupError)."),
    ],
)
def test_a_failure_is_told_and_exits_with_1(error: Exception, text: str) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            raise error

    Scripted.body = body
    lines = run("testapp.Scripted", status=1)
    assert lines[0] == "=== [1/3] Load ==="
    assert lines[1].startswith("--- Load: failed after ")
    assert lines[2].startswith(text)
    assert Scripted.objects.get().get_state() == "FINISHED_ERROR"


def test_an_error_that_was_only_reported_exits_with_1() -> None:
    Scripted.body = lambda op, p: p.error("Nothing to do.")
    assert run("testapp.Scripted", status=1) == ["error: Nothing to do.", "Failed: Nothing to do."]


def test_a_cancel_from_elsewhere_exits_with_130() -> None:
    def body(op: Scripted, p: Progress) -> None:
        store.request_cancel(LiveOperation.objects.get(pk=op.pk))
        p._run.look_at_flags()
        p.check_cancelled()

    Scripted.body = body
    assert run("testapp.Scripted", status=130)[-1] == "Cancelled."
    assert Scripted.objects.get().get_state() == "CANCELLED"


def press_ctrl_c(p: Progress, *, listen: bool) -> None:
    """Interrupt this process as a terminal does, and wait for what comes of it."""
    os.kill(os.getpid(), signal.SIGINT)
    pause = threading.Event()
    for _ in range(int(DEADLINE / 0.01)):
        if listen:
            p.check_cancelled()
        elif p._run.stop is not None:
            return
        pause.wait(0.01)
    pytest.fail("nothing came of it")


def test_ctrl_c_cancels_at_the_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            press_ctrl_c(p, listen=True)

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    Scripted.body = body
    lines = run("testapp.Scripted", status=130)
    assert lines[-1] == "Cancelled."
    assert "Ctrl-C again" in capsys.readouterr().err
    row = Scripted.objects.get()
    assert (row.get_state(), row.stage_states) == ("CANCELLED", {"Load": "cancelled"})
    assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))


def test_ctrl_c_twice_stops_at_once() -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            press_ctrl_c(p, listen=False)
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(DEADLINE)
            pytest.fail("it went on")

    Scripted.body = body
    assert run("testapp.Scripted", status=130)[-1] == "Interrupted."
    row = Scripted.objects.get()
    assert (row.get_state(), row.stage_states) == ("INTERRUPTED", {"Load": "interrupted"})


def test_a_process_that_is_told_to_end_leaves_no_run_behind() -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait(DEADLINE)
            pytest.fail("it went on")

    Scripted.body = body
    run("testapp.Scripted", status=128 + signal.SIGTERM)
    assert Scripted.objects.get().get_state() == "INTERRUPTED"


def test_the_owner_is_named_and_never_created() -> None:
    owner = person("sam")
    run("testapp.Walk", "--owner", "sam", "--set", "items=1")
    assert Walk.objects.get().owner == owner
    for nobody in ("nobody", "no\udcffbody"):  # the second as an argument that is not UTF-8
        with pytest.raises(CommandError, match=r"no user 'no.*body'.*--owner"):
            run("testapp.Walk", "--owner", nobody)
    assert (User.objects.count(), Walk.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    "label", ["testapp.Wolk", "auth.User", "Walk", "", "liveops.LiveOperation"]
)
def test_an_unknown_class_is_answered_with_those_there_are(label: str) -> None:
    with pytest.raises(CommandError) as refused:
        run(label)
    assert f"{label!r} is not an operation" in str(refused.value)
    assert "testapp.Walk" in str(refused.value)
    assert "auth.User," not in str(refused.value)


def test_a_real_process_exits_as_promised() -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        **databases.for_process(connection.settings_dict),
        "PYTHONPATH": str(Path(django_settings.BASE_DIR).parent),
    }
    command = [sys.executable, "-m", "django", "run_liveop", "testapp.Walk", "--set"]

    def start(items: int) -> "subprocess.Popen[str]":
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([*command, f"items={items}"], env=environment, text=True, **pipes)

    with start(1) as short, start(10**9) as endless:
        assert endless.stdout is not None
        while not endless.stdout.readline().startswith("=== [1/3] Load ==="):
            assert endless.poll() is None
        endless.send_signal(signal.SIGINT)
        told, error = endless.communicate(timeout=DEADLINE * 3)
        assert endless.returncode == 130, error
        assert told_before_summary(told)[-1] == "Cancelled."
        told, error = short.communicate(timeout=DEADLINE * 3)
        assert (short.returncode, error) == (0, "")
        assert told_before_summary(told)[-1] == "items=1"
    states = {op.items: op.get_state() for op in Walk.objects.all()}
    assert states == {1: "FINISHED_OK", 10**9: "CANCELLED"}


@pytest.mark.parametrize("code", [0, None])
def test_code_that_leaves_the_process_does_not_pass_for_success(code: int | None) -> None:
    def body(op: Scripted, p: Progress) -> None:
        sys.exit(code)

    Scripted.body = body
    assert run("testapp.Scripted", status=130)[-1] == "Interrupted."
    assert Scripted.objects.get().get_state() == "INTERRUPTED"
