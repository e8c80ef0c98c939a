"""Commands in words: what is shown of them, what is refused, and what is said when they fail."""

import math
import pickle
import re
from datetime import timedelta
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any

import pytest

from liveops.commands import (
    CommandFailed,
    CommandNotStarted,
    CommandResult,
    CommandTimedOut,
)
from liveops.commands.errors import raise_for_status
from liveops.commands.process import check_arguments, describe
from liveops.exceptions import OperationError
from tests.unit.commands import Watcher


def failed(returncode: int = 2, *tail: str, command: str = "make all") -> CommandFailed:
    return CommandFailed(CommandResult(command, returncode, 1.5, tail))


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("make  all | tee log", "make  all | tee log"),
        (["make", "all"], "make all"),
        (("cp", Path("a b"), "$HOME", ""), "cp 'a b' '$HOME' ''"),
    ],
)
def test_a_command_is_shown_as_a_shell_would_read_it(command: Any, shown: str) -> None:
    assert describe(command) == shown


@pytest.mark.parametrize(
    "arguments",
    [
        {"command": "ls"},
        {"command": ["ls", "", Path("x")], "cwd": Path("x"), "env": {}},
        {"command": ("ls",), "cwd": "x", "env": MappingProxyType({"A": "", "B": None})},
        {"command": "ls", "timeout": 0, "grace": 0},
        {"command": "ls", "timeout": math.inf, "grace": 0.5},
        {"command": ["ls", "caf\udce9"]},
    ],
)
def test_good_arguments_pass(arguments: dict[str, Any]) -> None:
    check_arguments(**arguments)


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"command": ""}, ValueError, "The command is empty"),
    ({"command": " \n\t"}, ValueError, "The command is empty"),
    ({"command": "a\0b"}, ValueError, "The command holds a NUL character"),
    ({"command": "\ud800"}, ValueError, "cannot encode; remove it: '\\ud800'"),
    ({"command": []}, ValueError, "an empty list; give at least the program"),
    ({"command": ["", "x"]}, ValueError, "Item 0 of the command is empty"),
    ({"command": ["ls", "a\0b"]}, ValueError, "Item 1 of the command holds a NUL"),
    (
        {"command": ["ls", 5]},
        TypeError,
        "Item 1 of the command must be a string or a path; got int",
    ),
    ({"command": ["ls", None]}, TypeError, "got NoneType: None"),
    ({"command": [b"ls"]}, TypeError, "Item 0 of the command is bytes; decode it"),
    ({"command": b"ls"}, TypeError, "a string for the shell, or a list of the program and its"),
    ({"command": bytearray(b"ls")}, TypeError, "got bytearray"),
    ({"command": Path("ls")}, TypeError, "got " + type(Path()).__name__),
    ({"command": {"ls"}}, TypeError, "got set"),
    ({"command": iter(["ls"])}, TypeError, "got list_iterator"),
    ({"command": None}, TypeError, "got NoneType"),
    ({"env": [("A", "b")]}, TypeError, "env must be a mapping of names to values; got list"),
    ({"env": {1: "b"}}, TypeError, "A name in env must be a string; got 1"),
    ({"env": {"A": 1}}, TypeError, "The value of 'A' in env must be a string, or None"),
    ({"env": {"A": b"b"}}, TypeError, "got bytes"),
    ({"env": {"": "b"}}, ValueError, "A name in env is empty"),
    ({"env": {"A=B": "b"}}, ValueError, "must not hold “=”; got 'A=B'"),
    ({"env": {"A\0": "b"}}, ValueError, "A name in env holds a NUL"),
    ({"env": {"A": "\0"}}, ValueError, "The value of 'A' in env holds a NUL"),
    ({"cwd": ""}, ValueError, "cwd is empty"),
    ({"cwd": "a\0"}, ValueError, "cwd holds a NUL"),
    ({"cwd": b"a"}, TypeError, "cwd is bytes"),
    ({"cwd": 1}, TypeError, "cwd must be a string or a path; got int: 1"),
    *(
        ({name: value}, error, f"{name} must be {text}")
        for name in ("timeout", "grace")
        for value, error, text in (
            (-1, ValueError, "0 seconds or more; got -1"),
            (-math.inf, ValueError, "0 seconds or more"),
            (math.nan, ValueError, "0 seconds or more; got nan"),
            ("5", TypeError, "a number of seconds; got str"),
            (True, TypeError, "a number of seconds; got bool"),
            (timedelta(seconds=5), TypeError, "a number of seconds; got timedelta"),
        )
    ),
    ({"grace": None}, TypeError, "grace must be a number of seconds; got NoneType"),
]


@pytest.mark.parametrize(("arguments", "error", "text"), BAD, ids=range(len(BAD)))
def test_bad_arguments_are_refused_before_anything_runs(
    arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    watcher = Watcher()
    with pytest.raises(error, match=re.escape(text)) as caught:
        watcher.run(**{"command": "echo ran", **arguments})
    assert type(caught.value) is error
    assert str(caught.value).endswith((".", "'"))
    assert watcher.lines == []


def test_a_good_end_raises_nothing() -> None:
    raise_for_status(CommandResult("ls", 0, 0.1, ()))


def test_a_bad_end_says_how_and_with_which_words() -> None:
    result = CommandResult("make all", 2, 0.1, ("cc main.c", "", "main.c:1: no"))
    with pytest.raises(CommandFailed) as caught:
        raise_for_status(result)
    assert str(caught.value) == (
        "`make all` ended with exit status 2. Its last lines:\ncc main.c\nmain.c:1: no"
    )
    assert caught.value.result is result
    assert (caught.value.command, caught.value.returncode) == ("make all", 2)
    assert caught.value.tail == result.tail


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (failed(), "`make all` ended with exit status 2."),
        (failed(1, "", "  "), "`make all` ended with exit status 1."),
        (failed(-9), "`make all` was killed by SIGKILL."),
        (failed(-9, "x"), "`make all` was killed by SIGKILL. Its last lines:\nx"),
        (failed(-99), "`make all` was killed by signal 99."),
        (failed(2, command="a\nb\x1b"), "`a␊b␛` ended with exit status 2."),
        (
            CommandTimedOut(CommandResult("make", -15, 30.1, ("x",)), 30),
            "`make` was stopped after 30 s, its time limit. Its last lines:\nx",
        ),
        (
            CommandTimedOut(CommandResult("make", 0, 3, ()), 2.5),
            "`make` was stopped after 2.5 s, its time limit.",
        ),
        (CommandNotStarted("make", "it is gone"), "`make` could not be started: it is gone."),
    ],
    ids=range(9),
)
def test_the_message_is_a_sentence(error: OperationError, text: str) -> None:
    assert str(error) == text


def test_a_message_stays_short_and_clean() -> None:
    error = failed(2, *(f"{number} \x1b{'x' * 1000}" for number in range(50)), command="y" * 10_000)
    first, *lines = str(error).split("\n")
    assert len(first) < 600
    assert [line.split()[0] for line in lines] == [str(number) for number in range(40, 50)]
    assert all(len(line) == 200 and line.endswith("x…") and "␛" in line for line in lines)
    assert (len(error.command), len(error.tail), len(error.tail[0])) == (10_000, 50, 1003)


@pytest.mark.parametrize(
    "error",
    [
        failed(2, "x"),
        CommandTimedOut(CommandResult("make", -15, 30.1, ("x",)), 30),
        CommandNotStarted("make", "it is gone"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_travel_between_processes(error: OperationError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  (what was pickled on this line)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_a_path_that_is_no_text_is_refused() -> None:
    class Bytes:
        def __fspath__(self) -> bytes:
            return b"ls"

    with pytest.raises(TypeError, match="Item 0 of the command is bytes"):
        check_arguments([Bytes()])  # type: ignore[list-item]
    check_arguments([PurePath("ls")])


# What cannot be started.


def test_what_cannot_be_started_says_why(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("hello\n", encoding="utf-8")
    strange = tmp_path / "strange"
    strange.write_bytes(b"\x01\x02")
    strange.chmod(0o755)
    orphan = tmp_path / "orphan"
    orphan.write_text("#!/no/such/interpreter\n", encoding="utf-8")
    orphan.chmod(0o755)
    missing = tmp_path / "missing"
    cases = [
        (["no-such-program"], None, "there is no program no-such-program on the PATH"),
        ([str(missing), "x"], None, f"there is no program {missing}"),
        (["./missing"], tmp_path, "there is no program ./missing"),
        (["./orphan"], tmp_path, "the interpreter that ./orphan names in its first line does not"),
        ([text], None, f"{text} may not be executed"),
        ([tmp_path], None, f"{tmp_path} is a directory"),
        ([strange], None, f"{strange} is no program of this system"),
        (["true"], missing, f"its directory {missing} does not exist"),
        (["true"], text / "below", f"its directory {text / 'below'} does not exist"),
        ("true", missing, f"its directory {missing} does not exist"),
        ("true", str(text), f"its directory {text} is a file"),
        ([str(missing)], missing, f"its directory {missing} does not exist"),
        (["true", "x" * 3_000_000], None, "the system says “Argument list too long”"),
    ]
    for command, cwd, reason in cases:
        with pytest.raises(CommandNotStarted) as caught:
            Watcher().run(command, cwd=cwd)
        assert reason in str(caught.value)
        assert str(caught.value).startswith("`")
        assert len(str(caught.value)) < 1000
        assert isinstance(caught.value.__cause__, OSError)


def test_what_the_shell_cannot_find_is_an_exit_status() -> None:
    watcher = Watcher()
    assert watcher.run("no-such-program").returncode == 127
    assert "no-such-program" in watcher.text


def test_a_system_without_process_groups_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("os.killpg")
    with pytest.raises(CommandNotStarted, match="has no process groups"):
        Watcher().run(["true"])
