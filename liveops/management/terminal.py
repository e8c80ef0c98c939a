"""Carrying out an operation in the terminal: what ``run_liveop`` and ``liveops_resume`` share."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shlex import join
from typing import Any, TextIO

from django.core.management.base import CommandError

from liveops import store
from liveops.management.signals import Signals
from liveops.management.summary import print_closing
from liveops.models import LiveOperation
from liveops.progress.pumps import suitable_pump
from liveops.runners.executor import execute
from liveops.sinks.sender import sender
from liveops.sinks.text import TextSink
from liveops.states import State

EXIT_STATUS = {State.FINISHED_OK: 0, State.CANCELLED: 130, State.INTERRUPTED: 130}
"""Exit status by final state; 1 for every other."""

_INTERRUPTED = 130
_SEND_SECONDS = 5.0


def program_of(prog_name: str) -> tuple[str, ...]:
    """Return the words that start a management command again, given what it was started as.

    Python is what it was typed as, such as ``.venv/bin/python``; by its name alone if that was a
    path from the root.
    """
    typed = sys.orig_argv[0] if sys.orig_argv else ""
    is_relative = os.sep in typed and not Path(typed).is_absolute()
    python = typed if is_relative else "python"
    if Path(prog_name).name == "__main__.py":
        return (python, "-m", "django")
    if not prog_name:
        return (python, "manage.py")
    return (python, prog_name) if prog_name.endswith(".py") else (prog_name,)


def to_resume(program: Sequence[str], operation: LiveOperation) -> dict[str, str]:
    """Return what resumes an operation, for the summary; nothing if it cannot be resumed."""
    if not operation.can_resume:
        return {}
    return {"Resume it": join([*program, "liveops_resume", str(operation.pk)])}


def stream_of(command: Any) -> TextIO:
    """Return where a command prints: the wrapper around it would break every line of a bar.

    Raises:
        CommandError: its standard output is closed.
    """
    stream: TextIO | None = getattr(command.stdout, "_out", sys.stdout)
    if stream is None:
        raise CommandError("There is no standard output; lead it to /dev/null at least.")
    return stream


def run_in_terminal(
    operation: LiveOperation, stream: TextIO, again: Callable[[LiveOperation], Mapping[str, str]]
) -> None:
    """Carry out an operation, and those that it is chained to, and print a summary.

    Args:
        operation: a specific instance that waits.
        stream: where to print.
        again: given the last operation of the chain as it ended, what the summary says first:
            command lines that go on with it, each by its heading.

    Raises:
        SystemExit: with the exit status, unless it is 0.
    """
    signals = Signals(operation)
    status: Any = None
    carried_out = [operation]
    try:
        with signals:
            state = _carry_out(carried_out, stream, signals)
    except KeyboardInterrupt:
        state, status = store.state_of(carried_out[-1]), signals.status or _INTERRUPTED
    except SystemExit as leaving:
        # Never 0: it did not end.
        state, status = store.state_of(carried_out[-1]), leaving.code or None
    finally:
        sender().flush(_SEND_SECONDS)
    if state is None:  # cancelled before it was claimed, perhaps
        state = store.state_of(carried_out[-1])
    if state.is_final:
        print_closing(stream, carried_out, state, again(carried_out[-1]))
    if status is None:
        status = signals.status or EXIT_STATUS.get(state, 1)
    if status:
        sys.exit(status)


def _carry_out(operations: list[LiveOperation], stream: TextIO, signals: Signals) -> State | None:
    """Carry out an operation and those that follow it in its chain, in this thread.

    Args:
        operations: begins with the first one; those that follow are added.
        stream: where to print.
        signals: what turns Ctrl-C into a cancel.

    Returns:
        The state that the last one ended in; None if it could not be claimed.
    """
    following: list[LiveOperation] = []
    while True:
        operation = operations[-1]
        try:
            state = execute(
                operation,
                pump=suitable_pump(store.alias_of(operation)),
                sinks=[TextSink(stream)],
                hand_on=following.append,
                resumes=False,
            )
        except (KeyboardInterrupt, SystemExit):
            for given_up in _load_anew(following):
                operations.append(given_up)
                signals.give_up(given_up)
            raise
        found = _load_anew(following)
        if not found:
            return state
        following.clear()
        operations += found
        signals.go_on_with(operations[-1])


def _load_anew(operations: list[LiveOperation]) -> list[LiveOperation]:
    """Return at most one operation as it is stored now; say so if it is not there any more."""
    if not operations:
        return []
    (operation,) = operations
    rows = LiveOperation._base_manager.using(store.alias_of(operation))
    row = rows.filter(pk=operation.pk).first()
    if row is None:
        sys.stderr.write("The next operation was deleted before it could start.\n")
        return []
    return [row.specific]
