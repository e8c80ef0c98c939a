"""A script's commands: running, recording and showing them, or only showing them."""

import re
import shlex
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staged_script import StagedScript as OriginalScript

from liveops.scripts import StagedScript
from tests.unit.test_script_stages import Traced

TRICKY = "ls [a-z]* [bold]x[/red] :smile: $HOME | cat"


def script(**options: Any) -> Traced:
    traced = Traced()
    traced.print_commands = options.pop("print_commands", True)
    traced.dry_run = options.pop("dry_run", False)
    return traced


def test_a_command_is_run_recorded_and_shown() -> None:
    traced = script()
    done = traced.run("echo one; echo two >&2; exit 3", shell=True, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, "one\n", "two\n")
    assert traced.commands_executed == ["echo one; echo two >&2; exit 3"]
    assert "Executing: echo one; echo two >&2; exit 3" in traced.printed


def test_options_go_to_subprocess(tmp_path: Any) -> None:
    done = script().run(
        "pwd; echo $COLOUR",
        shell=True,
        cwd=tmp_path,
        env={"COLOUR": "red"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.stdout.split() == [str(tmp_path.resolve()), "red"]
    with pytest.raises(subprocess.CalledProcessError):
        script().run("exit 3", shell=True, check=True)
    with pytest.raises(subprocess.TimeoutExpired):
        script().run("sleep 60", shell=True, timeout=0.01)


def test_a_command_that_cannot_be_started_is_recorded_too() -> None:
    traced = script()
    with pytest.raises(FileNotFoundError):
        traced.run("no-such-program")
    assert traced.commands_executed == ["no-such-program"]


def test_a_list_of_arguments_is_recorded_as_it_would_be_typed() -> None:
    traced = script()
    command: Any = [sys.executable, "-c", "print('a b')"]
    assert traced.run(command, capture_output=True, text=True).stdout == "a b\n"
    assert traced.commands_executed == [shlex.join(command)]


@pytest.mark.parametrize(
    ("of_script", "of_call", "shown"),
    [
        (True, None, True),
        (False, None, False),
        (True, False, False),
        (False, True, True),
    ],
)
def test_whether_a_command_is_shown(of_script: bool, of_call: bool | None, shown: bool) -> None:
    traced = script(print_commands=of_script)
    traced.run("true", print_command=of_call)
    assert ("Executing: true" in traced.printed) is shown
    assert traced.commands_executed == ["true"]


def test_a_dry_run_only_shows_it(tmp_path: Any) -> None:
    traced = script(dry_run=True)
    done = traced.run(f"touch {tmp_path}/file", shell=True)
    assert not list(tmp_path.iterdir())
    assert (done.returncode, done.stdout) == (0, f"touch {tmp_path}/file")
    assert traced.commands_executed == []
    assert f"DRY-RUN MODE: this would be executed: touch {tmp_path}/file" in traced.printed


@pytest.mark.parametrize("dry_run", [False, True])
def test_brackets_and_colons_of_a_command_are_shown(dry_run: bool) -> None:
    traced = script(dry_run=dry_run)
    traced.run(TRICKY, shell=True, capture_output=True)
    assert TRICKY in traced.printed
    traced.print_script_execution_summary()
    assert traced.printed.count(TRICKY) == (1 if dry_run else 2)


def test_a_subclass_may_say_it_otherwise() -> None:
    said: list[str] = []

    class Own(Traced):
        def print_dry_run_message(self, message: str, *, indent: int = 0) -> None:
            said.append(message)

    own = Own()
    own.dry_run = True
    own.run("ls [a-z]*")
    assert said == ["this would be executed: ls [a-z]*"]


def test_a_long_command_may_be_recorded_over_several_lines() -> None:
    traced = script()
    traced.run("true --colour red", shell=True, pretty_print=True)
    traced.run("echo 'it is' # isn't it", shell=True, pretty_print=True, capture_output=True)
    assert traced.commands_executed == ["true \\\n    --colour red", "echo 'it is' # isn't it"]


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("make", ["make"]),
        ("", [""]),
        ("make all tests", ["make", "all", "tests"]),
        ("make --jobs 4 all", ["make", "--jobs 4", "all"]),
        ("make --jobs 4", ["make", "--jobs 4"]),
        ("make --quiet --jobs 4", ["make", "--quiet", "--jobs 4"]),
        ("make --quiet -j 4", ["make", "--quiet", "-j", "4"]),
        ("make --jobs=4 all", ["make", "--jobs=4 all"]),
        ("make --name 'two words' all", ["make", "--name 'two words'", "all"]),
        ("make 'two words'", ["make", "'two words'"]),
        ("'two words' --a b", ["'two words'", "--a b"]),
        ("--a b", ["--a", "b"]),
        ("make ''", ["make", "''"]),
        ("make *.py > out | cat", ["make", "*.py", ">", "out", "|", "cat"]),
    ],
)
def test_how_a_command_is_laid_out(command: str, lines: list[str]) -> None:
    plain = StagedScript(set())
    assert plain.pretty_print_command(command) == " \\\n    ".join(lines)
    assert plain.pretty_print_command(command, indent=1) == " \\\n ".join(lines)


def test_a_quotation_that_is_not_closed_is_an_error() -> None:
    with pytest.raises(ValueError, match="quotation"):
        StagedScript(set()).pretty_print_command("echo 'one")


def as_words(laid_out: str) -> list[str]:
    """Read a layout as a shell does, where a backslash takes away the end of a line."""
    return shlex.split(re.sub(r" \\\n *", " ", laid_out))


words = st.one_of(
    st.from_regex(r"-{0,2}[a-z=/.*|]{1,4}", fullmatch=True),
    st.text(st.sampled_from("-ab =*'\"\\$#"), max_size=5),
)


@given(st.lists(words, min_size=1, max_size=7), st.integers(0, 6))
def test_the_layout_is_that_of_the_original_wherever_that_one_reads_the_same(
    arguments: list[str], indent: int
) -> None:
    command = shlex.join(arguments)
    ours = StagedScript(set()).pretty_print_command(command, indent)
    assert as_words(ours) == arguments
    original = OriginalScript.__new__(OriginalScript)  # its __init__ needs a script with a file
    theirs = original.pretty_print_command(command, indent)
    try:
        reads_the_same = as_words(theirs) == arguments
    except ValueError:
        reads_the_same = False
    assert ours == theirs or not reads_the_same
