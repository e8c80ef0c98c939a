"""Commands that are not run: what ``p.run()`` gets instead of an answer of the system."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from liveops.commands import CommandResult, CommandTimedOut, describe
from liveops.commands.arguments import Command
from liveops.commands.results import TAIL_LINES
from liveops.progress.redaction import Redactor
from liveops.progress.text import split_lines


@dataclass(frozen=True, slots=True)
class Answer:
    """What a simulated command does.

    Attributes:
        output: what it prints.
        returncode: its exit status; negative for the signal that kills it.
        seconds: how long it takes, by the simulated clock.
    """

    output: str = ""
    returncode: int = 0
    seconds: float = 0.0


Reply = Answer | str | int | BaseException
"""An answer; a text stands for one that prints it, a number for one that ends with it. An exception
is raised as if the system could not start the command, or whatever it says."""

Commands = Mapping[str, Reply] | Callable[[Command], Reply] | Reply | Literal["real"] | None
"""How commands are answered in a test, see :class:`liveops.testing.RecordingProgress`."""

REAL = "real"


class Simulation:
    """Answers commands as a test says, instead of running them.

    Args:
        commands: the answers.
        advance: lets simulated time pass.
    """

    def __init__(self, commands: Commands, advance: Callable[[float], None]) -> None:
        self._commands = commands
        self._advance = advance

    def carry_out(
        self,
        command: Command,
        *,
        on_lines: Callable[[list[str]], None],
        pulse: Callable[[], None],
        on_end: Callable[[CommandResult], None],
        redactor: Redactor,
        timeout: float | None = None,
        cwd: str | os.PathLike[str] | None = None,
        **_: Any,
    ) -> CommandResult:
        """Do as :func:`liveops.commands.stream` would, were this what the command does.

        Raises:
            AssertionError: the test does not say what it does.
            CommandTimedOut: it takes longer than it may.
        """
        pulse()
        shown = redactor.mask(describe(command))
        answer = self._answer(command)
        lines = split_lines(answer.output) if answer.output else []
        if lines:
            on_lines(lines)
        in_time = timeout is None or answer.seconds < timeout
        seconds = answer.seconds if timeout is None else min(answer.seconds, timeout)
        self._advance(seconds)
        pulse()
        tail = tuple(map(redactor.mask, lines[-TAIL_LINES:]))
        result = CommandResult(shown, answer.returncode if in_time else -15, seconds, tail)
        on_end(result)
        if not in_time and timeout is not None:
            raise CommandTimedOut(result, timeout)
        return result

    def _answer(self, command: Command) -> Answer:
        reply = self._reply(command)
        if isinstance(reply, BaseException):
            raise reply
        if isinstance(reply, Answer):
            return reply
        if isinstance(reply, str):
            return Answer(reply)
        if isinstance(reply, int):
            return Answer(returncode=int(reply))
        raise TypeError(
            f"A command is answered with an Answer, its output, its exit status or an exception to "
            f"be raised; got {reply!r}."
        )

    def _reply(self, command: Command) -> Any:
        commands = self._commands
        if commands is None:
            return Answer()
        if callable(commands):
            return commands(command)
        if not isinstance(commands, Mapping):
            return commands
        shown = describe(command)
        fitting = [text for text in commands if shown == text or shown.startswith(f"{text} ")]
        if not fitting:
            known = ", ".join(f"`{text}`" for text in commands) or "none"
            raise AssertionError(
                f"The test does not say what `{shown}` does; it says so of {known}."
            )
        return commands[max(fitting, key=len)]
