"""The arguments of a command: how it is named, whether they can be right, its environment."""

import os
import shlex
from collections.abc import Mapping, Sequence

Command = str | Sequence[str | os.PathLike[str]]
Environment = Mapping[str, str | None]


def describe(command: Command) -> str:
    """Return the command as it is shown and recorded: a line that a shell would understand."""
    if isinstance(command, str):
        return command
    return shlex.join(os.fspath(item) for item in command)


def check_arguments(
    command: Command,
    *,
    env: Environment | None = None,
    cwd: str | os.PathLike[str] | None = None,
    timeout: float | None = None,
    grace: float = 5.0,
) -> None:
    """Refuse what cannot be run, with a sentence that says what to write instead.

    Args:
        command: a line for the shell, or a program and its arguments.
        env: what to add to the environment; None as a value takes a variable out.
        cwd: the directory to run in.
        timeout: seconds that the command may take; None for any time.
        grace: seconds between asking a command to end and killing it.

    Raises:
        TypeError: something is not of the right kind.
        ValueError: something is empty, out of range, or holds what no system call takes.
    """
    if isinstance(command, str):
        _check_text("The command", command, filled=True)
    else:
        _check_items(command)
    if env is not None:
        _check_environment(env)
    if cwd is not None:
        _check_text("cwd", _path_text("cwd", cwd), filled=True)
    if timeout is not None:
        _check_seconds("timeout", timeout)
    _check_seconds("grace", grace)


def environment(env: Environment | None) -> dict[str, str] | None:
    """Return this process' environment with the changes, or None where nothing is changed."""
    if env is None:
        return None
    merged = {**os.environ, **env}
    return {name: value for name, value in merged.items() if value is not None}


def _check_items(command: object) -> None:
    if isinstance(command, bytes | bytearray | memoryview) or not isinstance(command, Sequence):
        raise TypeError(
            "A command is a string for the shell, or a list of the program and its arguments; got "
            f"{_kind(command)}."
        )
    if not command:
        raise ValueError("The command is an empty list; give at least the program to run.")
    for place, item in enumerate(command):
        name = f"Item {place} of the command"
        _check_text(name, _path_text(name, item), filled=place == 0)


def _check_environment(env: object) -> None:
    if not isinstance(env, Mapping):
        raise TypeError(f"env must be a mapping of names to values; got {_kind(env)}.")
    for name, value in env.items():
        if not isinstance(name, str):
            raise TypeError(f"A name in env must be a string; got {name!r}.")
        _check_text("A name in env", name, filled=True)
        if "=" in name:
            raise ValueError(f"A name in env must not hold “=”; got {name!r}.")
        if value is None:
            continue
        if not isinstance(value, str):
            raise TypeError(
                f"The value of {name!r} in env must be a string, or None to take the variable out; "
                f"got {_kind(value)}."
            )
        _check_text(f"The value of {name!r} in env", value, filled=False)


def _check_text(name: str, text: str, *, filled: bool) -> None:
    if filled and not text.strip():
        raise ValueError(f"{name} is empty; say what is meant.")
    if "\0" in text:
        raise ValueError(f"{name} holds a NUL character, which no command can be given; remove it.")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise ValueError(
            f"{name} holds a character that this system cannot encode; remove it: {text!a}."
        ) from None


def _check_seconds(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of seconds; got {_kind(value)}.")
    if not value >= 0:
        raise ValueError(f"{name} must be 0 seconds or more; got {value!r}.")


def _path_text(name: str, value: object) -> str:
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if isinstance(text, bytes):
        raise TypeError(f"{name} is bytes; decode it to a string first, with os.fsdecode().")
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a string or a path; got {_kind(text)}: {text!r}.")
    return text


def _kind(value: object) -> str:
    return type(value).__name__
