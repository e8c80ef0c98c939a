"""What ``run_liveop`` closes with: how to run it again, what was run, how long it took."""

import logging
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TextIO

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from liveops import store
from liveops.commands.errors import signal_name
from liveops.models import CommandRun, LiveOperation, StageRun
from liveops.progress.text import clean, clean_lines, format_duration
from liveops.stages import StageState
from liveops.states import State
from liveops.summary import TextConsole, print_summary, timing_table

logger = logging.getLogger("liveops")

_RESULTS = {
    State.FINISHED_OK: ("Success", "bold green"),
    State.FINISHED_ERROR: ("Failure", "bold red"),
    State.CANCELLED: ("Cancelled", "bold yellow"),
    State.INTERRUPTED: ("Interrupted", "bold yellow"),
}


def print_closing(
    stream: TextIO, operation: LiveOperation, state: State, command_line: str
) -> None:
    """Print the summary of a run that has ended; if that fails, say so in the log.

    Args:
        stream: where to print.
        operation: the operation, as it was saved at the end.
        state: how it ended.
        command_line: what runs it again.
    """
    alias = store.alias_of(operation)
    mine = {"operation": operation.pk, "run_id": operation.run_id}
    commands = list(CommandRun.objects.using(alias).filter(**mine))
    attempts = list(StageRun.objects.using(alias).filter(**mine))
    result, style = _RESULTS[state]
    sections: dict[str, RenderableType | str] = {
        "Run it again": clean_lines(command_line),
        "Commands executed": _commands_text(commands, dry_run=operation.dry_run),
        "Time per stage": _times(operation, attempts),
        "Result": Text(result, style=style),
    }
    try:
        console = TextConsole(stream)
        console.print()
        print_summary(console, f"Summary of {operation._meta.label}", sections)
    except OSError as error:
        logger.warning("liveops: the summary could not be printed (%s)", error)
        if stream is sys.stdout:
            _discard(stream)


def _discard(stream: TextIO) -> None:
    """Lead a stream nowhere: Python writes what is left in it at the end, and would fail."""
    with suppress(OSError, ValueError):  # a stream without a file needs no such thing
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
        stream.flush()


def _commands_text(commands: Iterable[CommandRun], *, dry_run: bool) -> str:
    lines = []
    for command in commands:
        took = format_duration((command.finished_on - command.started_on).total_seconds())
        ending = _ending(command.exit_status)
        lines.append(f"{clean_lines(command.command)}  ({took}{ending})")
    return "\n".join(lines) or ("none: this was a dry run" if dry_run else "none")


def _ending(exit_status: int | None) -> str:
    if exit_status is None:
        return ", not started"
    if exit_status < 0:
        return f", ended by {signal_name(-exit_status)}"
    return f", exit status {exit_status}" if exit_status else ""


def _times(operation: LiveOperation, attempts: Iterable[StageRun]) -> Table:
    by_stage: dict[str, list[StageRun]] = {}
    for attempt in attempts:
        by_stage.setdefault(attempt.stage, []).append(attempt)
    rows = []
    for name, tried in by_stage.items():
        seconds = sum((one.finished_on - one.started_on).total_seconds() for one in tried)
        # That of the stage: one may be cancelled after its last attempt has failed.
        state = operation.stage_states.get(name, tried[-1].outcome)
        notes = [] if state == StageState.DONE else [state]
        if (number := tried[-1].attempt) > 1:
            notes.append(f"{number} attempts")
        note = f" ({', '.join(notes)})" if notes else ""
        took = format_duration(None if state == StageState.SKIPPED else seconds)
        rows.append((f"{clean(name)}{note}", took))
    started, finished = operation.started_on, operation.finished_on
    whole = (finished - started).total_seconds() if started and finished else None
    return timing_table(rows, format_duration(whole))
