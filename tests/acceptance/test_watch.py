"""`liveops_watch` as people and scripts run it, with nothing but a database between the processes.

What it prints in a pipe is also compared with files in `golden_watch/`, written anew as those of
`test_text_golden.py` are.
"""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.terminal import CTRL_C, Terminal
from tests.acceptance.text_mode import TextMode, compare, in_pipes, normal, on_terminal

GOLDEN = Path(__file__).with_name("golden_watch")
STATUSES = {"Building the image", "Saving it", "Publishing it", "Fetching what is to be released"}
STATUSES |= {"Reading the file"}

ENDED: dict[str, tuple[int, list[str]]] = {
    "retried": (0, ["textapp.Release", "--set", "failures=2"]),
    "skipped": (0, ["textapp.Release", "--stage", "publish", "Build"]),
    "exhausted": (1, ["textapp.Release", "--set", "failures=3"]),
    "chained_failed": (1, ["textapp.Prepare", "--set", "status=3"]),
    "blocks_failed": (1, ["textapp.Mixed", "--set", "failures=1", "--set", "refuse=yes"]),
}


@pytest.fixture(scope="module")
def mode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextMode]:
    """A place to run operations, and to watch them."""
    with closing(TextMode(tmp_path_factory.mktemp("watch"))) as mode:
        yield mode


def ids(mode: TextMode, type_name: str) -> str:
    """Return the id of the newest operation of a class."""
    done = mode.django("liveops_list", "--type", type_name, "--limit", "1")
    return done.stdout.split("\t")[0]


def lasting(text: str) -> list[str]:
    """Return the lines of an output that are stored: no status, no bar, no way to run it again."""
    text = re.sub(r"\n(Run it again|Resume it):\n    .*\n", "", text)
    text = re.sub(r"  Saving: \d+ % .*\n", "", text)
    return [line for line in normal(text).splitlines() if line.strip() not in {*STATUSES, ""}]


@pytest.mark.parametrize("name", ENDED)
def test_one_that_has_ended_is_printed_as_it_was_when_it_ran(mode: TextMode, name: str) -> None:
    status, arguments = ENDED[name]
    ran = mode.run(*arguments)
    watched = mode.django("liveops_watch", ids(mode, arguments[0]), "--from-start")
    assert watched.returncode == ran.returncode == status
    assert watched.stderr == ""
    assert not set("\x1b\r") & set(watched.stdout)
    assert lasting(watched.stdout) == lasting(ran.stdout)
    compare(f"pipe_{name}", in_pipes(arguments, watched), GOLDEN)


def test_the_last_lines_alone(mode: TextMode) -> None:
    mode.run("textapp.Release")
    pk = ids(mode, "textapp.Release")
    done = mode.django("liveops_watch", pk[:8], "--tail", "2", "--no-follow")
    assert done.returncode == 0
    assert done.stdout.splitlines()[:6] == [
        "… 6 earlier lines; --from-start shows them",
        "=== [1/3] Build ===",
        "=== [2/3] Save to DB ===",
        "=== [3/3] Publish ===",
        "$ echo 'to beta'; exit 0",
        "to beta",
    ]


def test_no_chain_ends_with_the_first_one(mode: TextMode) -> None:
    mode.run("textapp.Prepare", "--set", "status=3")
    done = mode.django("liveops_watch", ids(mode, "textapp.Prepare"), "--no-chain")
    assert done.returncode == 0
    assert ">>> textapp.Release" in done.stdout
    assert "Build" not in done.stdout


def test_every_file_is_compared() -> None:
    expected = {f"pipe_{name}" for name in ENDED} | {"terminal_80", "terminal_40"}
    assert {path.stem for path in GOLDEN.iterdir()} == expected


@pytest.mark.parametrize("columns", [80, 40])
def test_stages_and_bar_stand_below_the_lines_and_are_gone_at_the_end(
    mode: TextMode, tmp_path: Path, columns: int
) -> None:
    run = mode.terminal("textapp.Halfway", "--set", f"folder={tmp_path}")
    with run:
        run.wait_for(" 50 % (")
        pk = ids(mode, "textapp.Halfway")
        with mode.terminal(pk, columns=columns, name="liveops_watch") as terminal:
            terminal.wait_for("50 % (5 / 10 lambs")
            terminal.wait_for(" elapsed")  # the last row of a look, which is written from above
            rows = terminal.screen.text.splitlines()
            assert rows[0] == "=== [1/1] Count ==="
            assert re.fullmatch(r"● Count +0:\d\d(?: ~\d s)?", rows[1]), rows
            assert re.search(r"^\S Counting +━+", rows[2]), rows
            assert re.search(r"\d+ % of all, 0:\d\d elapsed", rows[-1]), rows
            assert len(rows) == (4 if columns == 80 else 5)
            (tmp_path / "go").touch()
            assert terminal.wait() == 0, terminal.screen.text
        assert run.wait() == 0
    assert "50 %" not in terminal.screen.text
    assert terminal.written.rindex("\x1b[?25h") > terminal.written.rindex("\x1b[?25l")
    compare(f"terminal_{columns}", on_terminal(["textapp.Halfway"], 0, terminal), GOLDEN)


def running(mode: TextMode, way: str = "body") -> tuple[Terminal, str]:
    """Start an operation that never ends by itself; return its terminal and its id."""
    run = mode.terminal("textapp.Endless", "--set", f"way={way}")
    run.wait_for("\nup")
    return run, ids(mode, "textapp.Endless")


def test_ctrl_c_leaves_the_operation_alone_and_cancel_does_not(mode: TextMode) -> None:
    run, pk = running(mode)
    with run:
        done = mode.django("liveops_watch", pk, "--no-follow")
        assert done.returncode == 3
        assert done.stdout.splitlines()[-1] == "It has not ended yet: STARTED."
        with mode.terminal(pk, name="liveops_watch") as first:
            first.wait_for("● Work")
            first.press(CTRL_C)
            assert first.wait() == 130
        assert (
            f"No longer watching. Operation {pk} goes on by itself."
            in first.screen.text.replace("\n", "")
        )
        assert mode.newest("state") == ("STARTED",)
        with mode.terminal(pk, name="liveops_watch") as second:
            second.wait_for("● Work")
            cancelled = mode.django("liveops_cancel", pk, "--wait")
            assert cancelled.returncode == 0, cancelled.stderr
            assert cancelled.stdout.splitlines() == [
                f"Operation {pk} was asked to stop.",
                f"Operation {pk} has ended: CANCELLED.",
            ]
            assert second.wait() == 130
        assert "--- Work: cancelled after" in second.screen.text
        assert f"liveops_resume {pk}" in second.screen.text.replace("\n", "")
        assert run.wait() == 130


def test_an_interruption_has_a_status_of_its_own(mode: TextMode) -> None:
    run, pk = running(mode)
    with run, mode.terminal(pk, name="liveops_watch") as terminal:
        terminal.wait_for("● Work")
        os.kill(run.process.pid, signal.SIGTERM)
        assert run.wait() == 143
        assert terminal.wait() == 143
    assert "Interrupted." in terminal.screen.text


def test_a_watcher_that_is_told_to_end_leaves_the_terminal_as_it_was(mode: TextMode) -> None:
    run, pk = running(mode)
    with run:
        with mode.terminal(pk, name="liveops_watch") as terminal:
            terminal.wait_for("● Work")
            os.kill(terminal.process.pid, signal.SIGTERM)
            assert terminal.wait() == 143
        assert "● Work" not in terminal.screen.text
        assert terminal.written.rindex("\x1b[?25h") > terminal.written.rindex("\x1b[?25l")
        assert mode.newest("state") == ("STARTED",)
        run.press(CTRL_C)
        assert run.wait() == 130
