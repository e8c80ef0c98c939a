"""What ``run_liveop`` closes with: how to run it again, what was run, how long it took."""

import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TextIO, TypeVar

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from liveops import store
from liveops.commands.errors import signal_name
from liveops.models import CommandRun, LiveOperation, StageRun
from liveops.progress.text import clean, clean_lines, format_took
from liveops.stages import StageState
from liveops.states import State
from liveops.summary import TextConsole, print_summary, timing_table

logger = logging.getLogger("liveops")

Row = TypeVar("Row", CommandRun, StageRun)

_RESULTS = {
    State.FINISHED_OK: ("Success", "bold green"),
    State.FINISHED_ERROR: ("Failure", "bold red"),
    State.CANCELLED: ("Cancelled", "bold yellow"),
    State.INTERRUPTED: ("Interrupted", "bold yellow"),
}


def print_closing(
    stream: TextIO,
    operations: Sequence[LiveOperation],
    state: State,
    again: Mapping[str, str],
) -> None:
    """Print the summary of what was run; if that fails, say so in the log.

    Args:
        stream: where to print.
        operations: the operation, as it was saved at the end, and those of its chain.
        state: how the last one ended.
        again: the command line of each way to go on with it, by what stands above it.
    """
    commands = [row for one in operations for row in _rows_of(one, CommandRun)]
    dry_run = all(operation.dry_run for operation in operations)
    result, style = _RESULTS[state]
    sections: dict[str, RenderableType | str] = {
        **{heading: clean_lines(command_line) for heading, command_line in again.items()},
        "Commands executed": _commands_text(commands, dry_run=dry_run),
        "Time per stage": _times(operations),
        "Result": Text(result, style=style),
    }
    labels = " > ".join(operation._meta.label for operation in operations)
    try:
        console = TextConsole(stream)
        console.print()
        print_summary(console, f"Summary of {labels}", sections)
    except OSError as error:
        # That nobody reads a pipe any more was said before, or does not matter at the very end.
        level = logging.DEBUG if isinstance(error, BrokenPipeError) else logging.WARNING
        logger.log(level, "liveops: the summary could not be printed (%s)", error)
        if stream is sys.stdout:
            discard(stream)


def discard(stream: TextIO) -> None:
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
        took = format_took((command.finished_on - command.started_on).total_seconds()) or "–"
        ending = _ending(command.exit_status)
        lines.append(f"{clean_lines(command.command)}  ({took}{ending})")
    return "\n".join(lines) or ("none: this was a dry run" if dry_run else "none")


def _ending(exit_status: int | None) -> str:
    if exit_status is None:
        return ", not started"
    if exit_status < 0:
        return f", ended by {signal_name(-exit_status)}"
    return f", exit status {exit_status}" if exit_status else ""


def _rows_of(operation: LiveOperation, model: type[Row]) -> list[Row]:
    mine = {"operation": operation.pk, "run_id": operation.run_id}
    return list(model._default_manager.using(store.alias_of(operation)).filter(**mine))


def _times(operations: Sequence[LiveOperation]) -> Table:
    rows = []
    for operation in operations:
        prefix = f"{operation._meta.label}: " if len(operations) > 1 else ""
        rows += [(prefix + name, took) for name, took in _stage_times(operation)]
    started, finished = operations[0].started_on, operations[-1].finished_on
    whole = (finished - started).total_seconds() if started and finished else None
    return timing_table(rows, format_took(whole) or "–")


def _stage_times(operation: LiveOperation) -> list[tuple[str, str]]:
    attempts = _rows_of(operation, StageRun)
    by_stage: dict[str, list[StageRun]] = {}
    for attempt in attempts:
        by_stage.setdefault(attempt.stage, []).append(attempt)
    rows = []
    for name, tried in by_stage.items():
        # That of the stage: one may be cancelled after its last attempt has failed.
        state = operation.stage_states.get(name, tried[-1].outcome)
        notes = [] if state == StageState.DONE else [state]
        if (number := tried[-1].attempt) > 1:
            notes.append(f"{number} attempts")
        note = f" ({', '.join(notes)})" if notes else ""
        took = "–" if state == StageState.SKIPPED else format_took(_seconds(tried)) or "–"
        rows.append((f"{clean(name)}{note}", took))
    return rows


def _seconds(tried: Sequence[StageRun]) -> float:
    """Return how long a stage took, the waits between its attempts included, as pages tell it."""
    seconds = 0.0
    for attempt, before in zip(tried, (None, *tried), strict=False):
        # The first attempt of another passage through the stage comes after something else.
        goes_on = before is not None and attempt.attempt > before.attempt
        began = before.finished_on if before is not None and goes_on else attempt.started_on
        seconds += (attempt.finished_on - began).total_seconds()
    return seconds
