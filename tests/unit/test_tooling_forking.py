"""The process that is forked for the programs of sites ends with the process that started it."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
START = """
import os
from tests.engines import programs
from tests.engines.forking import ForkServer


class Small(ForkServer):
    def __init__(self, program, environment):
        super().__init__("tests.unit.small_program", environment)


programs.ForkServer = Small
"""
ENDS = {
    "by-itself": "",
    "when-told": "programs.end(); assert programs._servers == {}; programs.end()",
    "while-a-fork-lives": "os.fork() or (input(), os._exit(0))",
}


@pytest.mark.parametrize("how", ENDS)
def test_what_is_forked_ends_with_who_started_it_in_silence(how: str) -> None:
    code = f"{START}\nprint(programs._server()._process.pid)\n{ENDS[how]}"
    with subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert process.wait(60) == 0
        assert not psutil.pid_exists(pid)
        _, errors = process.communicate("\n")  # whoever else was forked may end now
        assert errors == ""


def test_one_server_is_asked_again_and_another_one_after_its_end() -> None:
    code = (
        f"{START}\none = programs._server()\nassert programs._server() is one\nprograms.end()\n"
        "assert programs._server() is not one"
    )
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
