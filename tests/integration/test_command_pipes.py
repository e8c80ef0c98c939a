"""``run_liveop`` with an output that is closed, that carries only ASCII, or that must be clean."""

import io
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection

from liveops.progress import Progress
from liveops.sinks.text import TextSink
from tests import databases
from tests.integration.edge import DEADLINE
from tests.testapp.models import Scripted, Walk
from tests.unit.test_script_printing import Latin
from tests.unit.test_text_sink import everything, log, stage, status, without_codes

pytestmark = pytest.mark.django_db(transaction=True)


def start(*arguments: str, stdout: Any = subprocess.PIPE, **variables: str) -> Any:
    """Start the command in a process of its own."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        **databases.for_process(connection.settings_dict),
        "PYTHONPATH": str(Path(django_settings.BASE_DIR).parent),
        **variables,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "django", "run_liveop", *arguments],
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_run_goes_on_when_nobody_reads_its_output_any_more(unbuffered: str) -> None:
    arguments = ("testapp.Walk", "--set", "items=200")
    with start(*arguments, PYTHONUNBUFFERED=unbuffered) as process:
        assert process.stdout.readline() == "=== [1/3] Load ===\n"
        process.stdout.close()
        error = process.stderr.read()
        assert process.wait(DEADLINE * 3) == 0, error
    assert error.splitlines() == [
        "liveops: nobody reads the output any more; the run goes on",
    ]
    operation = Walk.objects.get()
    assert operation.get_state() == "FINISHED_OK"
    assert operation.stage_states == dict.fromkeys(Walk.stages, "done")


def test_a_terminal_that_was_closed_does_not_change_how_a_run_ends() -> None:
    ours, theirs = os.openpty()
    with start("testapp.Walk", "--set", "items=200", stdout=theirs) as process:
        os.close(theirs)
        assert os.read(ours, 1)
        os.close(ours)
        error = process.stderr.read()
        assert process.wait(DEADLINE * 3) == 0, error
    assert error.count("liveops: TextSink failed; the run goes on") == 1
    assert error.count("liveops: the summary could not be printed") == 1
    assert "Exception ignored" not in error
    assert Walk.objects.get().get_state() == "FINISHED_OK"


def test_no_line_is_lost_in_a_stream_that_carries_only_ascii() -> None:
    arguments = ("testapp.Walk", "--set", "items=1", "--set", "label=Größe")
    with start(*arguments, PYTHONIOENCODING="ascii") as process:
        told, error = process.communicate(timeout=DEADLINE * 3)
    assert (process.returncode, error) == (0, "")
    assert r"  Gr\xf6\xdfe: 100 %" in told
    assert told.count("===") == 6
    assert "\nitems=1\n" in told


@pytest.mark.parametrize("terminal", [False, True])
def test_what_the_encoding_cannot_carry_becomes_an_escape(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Latin()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    sink = TextSink(stream)
    for one in [*everything(), status("☃"), stage("☃", 0, "active"), log("after")]:
        sink.emit(one)
    sink.close()
    told = without_codes(stream.text)
    assert r"\u241b[31mred" in told
    assert told.endswith("count=3\n\\u2603\n=== [1/3] \\u2603 ===\nafter\n")


class Closed(io.StringIO):
    """A pipe that nobody reads."""

    def write(self, text: str) -> int:
        """Fail."""
        raise BrokenPipeError(32, "Broken pipe")


def test_what_is_told_of_a_closed_pipe(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "liveops"):
        call_command("run_liveop", "testapp.Walk", stdout=Closed())
    told = [r.getMessage() for r in caplog.records if r.name == "liveops" and r.levelno > 20]
    assert told == ["liveops: nobody reads the output any more; the run goes on"]
    assert "works again" not in caplog.text
    assert Walk.objects.get().get_state() == "FINISHED_OK"


def test_the_exit_status_of_a_failure_survives_a_closed_pipe() -> None:
    Scripted.body = lambda op, p: p.error("Nothing to do.")
    with pytest.raises(SystemExit) as leaving:
        call_command("run_liveop", "testapp.Scripted", stdout=Closed())
    assert leaving.value.code == 1


def test_the_summary_shows_control_characters_as_pictures() -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.run(["true", "\x1b[2J"])

    Scripted.body = body
    printed = io.StringIO()
    call_command("run_liveop", "testapp.Scripted", stdout=printed)
    assert "true '␛[2J'" in printed.getvalue()
    call_command("run_liveop", "testapp.Walk", "--set", "label=a\x1b[31mred", stdout=printed)
    assert "label=a␛[31mred" in printed.getvalue()
    assert "\x1b" not in printed.getvalue()
