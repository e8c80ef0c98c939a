"""All that `run_liveop` prints, in a pipe and on a terminal, compared with files.

The files are in `golden/`: command line, exit status, then the output, of a terminal as the rows
that are left on it. Durations are `#:##` there. To write them anew after a change that is meant,
and to look at what changed:

    LIVEOPS_WRITE_GOLDEN=1 python -m pytest tests/acceptance/test_text_golden.py
    git diff tests/acceptance/golden
"""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.screen import Screen
from tests.acceptance.terminal import CTRL_C
from tests.acceptance.text_mode import GOLDEN, TextMode, compare, in_pipes, normal, on_terminal

SCENARIOS: dict[str, tuple[int, list[str]]] = {
    "done": (0, ["textapp.Release"]),
    "retried": (0, ["textapp.Release", "--set", "failures=2", "--save-to-db-retry-delay", "0.01"]),
    "skipped": (0, ["textapp.Release", "--stage", "publish", "Build"]),
    "exhausted": (1, ["textapp.Release", "--set", "failures=3"]),
    "command_failed": (1, ["textapp.Release", "--set", "status=3"]),
    "chained": (0, ["textapp.Prepare"]),
    "chained_failed": (1, ["textapp.Prepare", "--set", "status=3"]),
    "dry_run": (0, ["textapp.Release", "--dry-run", "--set", "version=2 b"]),
    "blocks": (0, ["textapp.Mixed", "--set", "failures=1"]),
    "blocks_skipped": (0, ["textapp.Mixed", "--stage", "load", "report"]),
    "blocks_failed": (1, ["textapp.Mixed", "--set", "refuse=yes"]),
}
NARROW = ["retried", "skipped", "blocks"]
PRESSED = {
    "cancelled_body": (["textapp.Endless", "--set", "way=body"], "\nup"),
    "cancelled_wait": (["textapp.Endless", "--set", "way=wait"], "Trying again"),
}


@pytest.fixture(scope="module")
def mode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextMode]:
    """A place to run operations."""
    with closing(TextMode(tmp_path_factory.mktemp("text"))) as mode:
        yield mode


@pytest.mark.parametrize("name", SCENARIOS)
def test_in_a_pipe(mode: TextMode, name: str) -> None:
    status, arguments = SCENARIOS[name]
    done = mode.run(*arguments)
    assert done.returncode == status, done.stdout + done.stderr
    assert not set("\x1b\r") & set(done.stdout)
    compare(f"pipe_{name}", in_pipes(arguments, done))


@pytest.mark.parametrize("name", SCENARIOS)
def test_on_a_terminal(mode: TextMode, name: str) -> None:
    status, arguments = SCENARIOS[name]
    with mode.terminal(*arguments) as terminal:
        assert terminal.wait() == status, terminal.screen.text
    compare(f"terminal_{name}", on_terminal(arguments, status, terminal))


@pytest.mark.parametrize("name", NARROW)
def test_on_a_narrow_terminal(mode: TextMode, name: str) -> None:
    status, arguments = SCENARIOS[name]
    with mode.terminal(*arguments, columns=40) as terminal:
        assert terminal.wait() == status, terminal.screen.text
    compare(f"narrow_{name}", on_terminal(arguments, status, terminal))


@pytest.mark.parametrize("name", PRESSED)
def test_ctrl_c_on_a_terminal(mode: TextMode, name: str) -> None:
    arguments, seen = PRESSED[name]
    with mode.terminal(*arguments) as terminal:
        terminal.wait_for(seen)
        terminal.press(CTRL_C)
        assert terminal.wait() == 130
    compare(f"terminal_{name}", on_terminal(arguments, 130, terminal))


@pytest.mark.parametrize("name", ["Release", "Mixed"])
def test_help(mode: TextMode, name: str) -> None:
    arguments = [f"textapp.{name}", "--help"]
    done = mode.run(*arguments)
    assert done.returncode == 0, done.stderr
    # The part before is Django's, in words that differ from version to version.
    own = done.stdout[done.stdout.index("\nstages:") + 1 :]
    compare(f"help_{name.lower()}", f"run_liveop {' '.join(arguments)}\n[…]\n{own}")


def test_every_file_is_compared() -> None:
    expected = {f"pipe_{name}" for name in SCENARIOS}
    expected |= {f"terminal_{name}" for name in SCENARIOS.keys() | PRESSED}
    expected |= {f"narrow_{name}" for name in NARROW} | {"help_release", "help_mixed"}
    assert {path.stem for path in GOLDEN.iterdir()} == expected


@pytest.mark.parametrize("columns", [80, 40])
def test_the_bar_is_below_the_lines_and_gone_at_the_end(
    mode: TextMode, tmp_path: Path, columns: int
) -> None:
    with mode.terminal(
        "textapp.Halfway", "--set", f"folder={tmp_path}", columns=columns
    ) as terminal:
        terminal.wait_for(" 50 % (")
        rows = terminal.screen.text.splitlines()
        assert rows[0] == "=== [1/1] Count ==="
        assert re.search(r"Cou.* 50 % \(5 / 10 lambs", rows[1]), rows
        assert len(rows) == 2
        (tmp_path / "go").touch()
        assert terminal.wait() == 0
    assert "50 %" not in terminal.screen.text
    assert terminal.screen.text.startswith("=== [1/1] Count ===\n\n─")
    assert terminal.written.rindex("\x1b[?25h") > terminal.written.rindex("\x1b[?25l")


@pytest.mark.parametrize("name", ["retried", "skipped", "dry_run", "command_failed"])
def test_the_line_that_runs_it_again_does(mode: TextMode, name: str) -> None:
    first = mode.run(*SCENARIOS[name][1])
    _, _, rest = first.stdout.partition("\nRun it again:\n")
    line = rest.splitlines()[0].strip()
    second = mode.shell(line)
    assert second.returncode == first.returncode
    assert normal(second.stdout) == normal(first.stdout)


def test_the_migration_fits_the_models(mode: TextMode) -> None:
    done = mode.django("makemigrations", "textapp", "--check", "--dry-run")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("written", "rows"),
    [
        pytest.param("one\r\ntwo", ["one", "two"], id="lines"),
        pytest.param("1234567890ab\r\n", ["1234567890", "ab"], id="wrapped"),
        pytest.param("old\r\x1b[2Knew", ["new"], id="erased"),
        pytest.param("old text\rnew\x1b[K", ["new"], id="erased to the end"),
        pytest.param("a\r\nb\r\n\x1b[2A\x1b[2KA\r\n", ["A", "b"], id="up"),
        pytest.param("a\r\nb\r\n\x1b[2A\x1b[J", [], id="erased below"),
        pytest.param("\x1b[1;31mred\x1b[0m\x1b[?25l", ["red"], id="styles"),
        pytest.param("a\tb\bc", ["a       c"], id="tab and backspace"),
        pytest.param("\x1b[3Ca\x1b[Gb", ["b  a"], id="columns"),
        pytest.param("漢字漢字漢字", ["漢字漢字漢", "字"], id="wide"),
        pytest.param("\x1b]0;title\x07a", ["a"], id="title"),
        pytest.param("1234567890\r\nb", ["1234567890", "b"], id="full row"),
    ],
)
def test_the_small_terminal(written: str, rows: list[str]) -> None:
    whole, pieces = Screen(columns=10), Screen(columns=10)
    whole.feed(written)
    for character in written:
        pieces.feed(character)
    assert whole.text == pieces.text == "\n".join(rows) + "\n"


def test_the_small_terminal_refuses_what_it_does_not_know() -> None:
    for unknown in ("\x1b[5P", "\x0e"):
        with pytest.raises(ValueError, match="does not know"):
            Screen().feed(unknown)
