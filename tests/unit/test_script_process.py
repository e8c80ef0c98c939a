"""Scripts as processes of their own: without Django, with exit statuses, with Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.helpers import PATIENCE

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import functools, sys
from liveops.scripts import RetryStage, StagedScript

class Release(StagedScript):
    @StagedScript.stage("unpack", "Unpacking")
    def unpack(self):
        self.run("echo unpacked", shell=True)

    @StagedScript.stage("build", "Building")
    def build(self):
        if self.args.how == "error":
            raise OSError("disk full")
        if self.args.how == "retry":
            raise RetryStage("busy")
        if self.args.how == "hang":
            self.console.print("hanging")
            self.run("read nothing", shell=True)

    @functools.cached_property
    def parser(self):
        parser = super().parser
        parser.add_argument("--how", default="well")
        parser.set_defaults(stage=list(self.stages))
        return parser

    def parse_args(self, argv):
        super().parse_args(argv)
        if self.args.how == "wrong":
            self.raise_parser_error("That is wrong.")

    def main(self, argv):
        self.parse_args(argv)
        try:
            self.unpack()
            self.build()
        finally:
            self.print_script_execution_summary()

if __name__ == "__main__":
    Release({"unpack", "build"}).main(sys.argv[1:])
"""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    path = tmp_path / "release.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **more}


def python(*args: str, code: str | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """Run an interpreter to its end."""
    return subprocess.run(
        [sys.executable, *args],
        input=code or "",
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        env=environment(**more),
        check=False,
    )


@pytest.mark.parametrize(
    ("argv", "status", "says"),
    [
        ([], 0, "Success"),
        (["--stage", "build"], 0, "Skipping this stage"),
        (["--dry-run"], 0, "this would be executed: echo unpacked"),
        (["--how", "retry"], 0, "Failure"),
        (["--how", "retry", "--build-retry-attempts", "2"], 0, "Attempts: 3"),
        (["--how", "error"], 1, "disk full"),
        (["--how", "wrong"], 1, "That is wrong."),
        (["--stage", "test"], 2, "invalid choice: 'test'"),
        (["--help"], 0, "--build-retry-timeout"),
    ],
)
def test_the_exit_status(release: Path, argv: list[str], status: int, says: str) -> None:
    done = python(str(release), *argv)
    assert done.returncode == status, done.stderr
    assert says in done.stdout + done.stderr
    assert ("summary of the script" in done.stdout) is (
        status != 2 and "wrong" not in argv and "--help" not in argv
    )


def test_output_of_commands_stands_where_it_belongs(release: Path) -> None:
    out = python(str(release)).stdout
    marks = ["Unpacking", "Executing: echo unpacked", "\nunpacked\n", "'unpack' stage took"]
    places = [out.index(mark) for mark in [*marks, "Building", "release.py: summary"]]
    assert places == sorted(places)


def test_the_same_command_line_looks_the_same_in_every_process(release: Path) -> None:
    helps = {python(str(release), "--help", PYTHONHASHSEED=seed).stdout for seed in "123"}
    assert len(helps) == 1
    assert "--stage {unpack,build}" in helps.pop()


NAME = (
    "from liveops.scripts import StagedScript\n"
    "class Release(StagedScript): pass\n"
    "script = Release(set()); script.parse_args([])\n"
    "script.print_script_execution_summary(); print(script.script_name, script.script_stem)\n"
)


@pytest.mark.parametrize("args", [["-c", NAME], ["-"], ["-i", "-q"]], ids=["-c", "stdin", "prompt"])
def test_a_script_without_a_file_has_the_name_of_its_class(args: list[str]) -> None:
    done = python(*args, code=None if args[0] == "-c" else NAME.replace("pass\n", "pass\n\n"))
    assert done.returncode == 0, done.stderr
    assert "Release Release" in done.stdout


def test_nothing_of_django_is_needed() -> None:
    done = python(
        "-c",
        "import sys\n"
        "for name in ('django', 'channels', 'asgiref', 'django_htmx'): sys.modules[name] = None\n"
        "import liveops.scripts, liveops.summary\n"
        "print(sorted(liveops.scripts.__all__))\n"
        "print([name for name in sys.modules if name.startswith(('django.', 'channels.'))])\n",
    )
    assert done.stderr == ""
    assert done.stdout == "['HelpFormatter', 'RetryStage', 'StageDuration', 'StagedScript']\n[]\n"


class Live:
    """A script that is running, and that is killed if it takes too long."""

    def __init__(self, release: Path, *argv: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(release), *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            env=environment(),
            start_new_session=True,
        )
        self._watch = threading.Timer(PATIENCE, self.kill)
        self._watch.start()

    def kill(self) -> None:
        """End it and its children, if they are still there."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def interrupt_after(self, mark: str) -> str:
        """Press Ctrl-C once it has printed something; return what it prints from then on."""
        assert self.process.stdout
        assert any(mark in line for line in self.process.stdout)
        os.killpg(self.process.pid, signal.SIGINT)
        rest = self.process.stdout.read()
        self.process.wait()
        return rest

    def close(self) -> None:
        """Leave nothing behind."""
        self._watch.cancel()
        self.kill()
        self.process.communicate()


@pytest.fixture
def lives() -> Iterator[list[Live]]:
    started: list[Live] = []
    yield started
    for live in started:
        live.close()


@pytest.mark.parametrize(
    ("argv", "mark"),
    [
        (["--how", "hang"], "Executing: read nothing"),
        (
            ["--how", "retry", "--build-retry-attempts", "2", "--build-retry-delay", "600"],
            "the next one begins in",
        ),
    ],
    ids=["in the body", "between two attempts"],
)
def test_ctrl_c_leaves_at_once_and_still_sums_up(
    release: Path, lives: list[Live], argv: list[str], mark: str
) -> None:
    live = Live(release, *argv)
    lives.append(live)
    rest = live.interrupt_after(mark)
    assert live.process.returncode == -signal.SIGINT
    assert "release.py: summary" in rest
    assert "KeyboardInterrupt" in rest
