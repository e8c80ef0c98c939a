"""``manage.py liveops_list``: the newest operations."""

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TextIO

from django.core.management.base import CommandError
from django.utils import timezone
from rich.table import Table
from rich.text import Text

from liveops.management.base import OperationCommand
from liveops.management.durations import duration
from liveops.management.summary import discard
from liveops.management.terminal import stream_of
from liveops.management.values import find_model, find_owner
from liveops.models import LiveOperation
from liveops.progress.text import clean
from liveops.stages import StageState
from liveops.states import State
from liveops.summary import Carried, TextConsole, is_gone

_COLUMNS = ("id", "type", "state", "stage", "owner", "created", "finished")
_MOST = 1_000_000
_SHORT_ID = 8  # as much as the other commands need
_NARROW = 100
_NOT_ON_NARROW_ONES = {"owner", "finished"}
_WORDS = {
    "waiting": State.NOT_STARTED,
    "running": State.STARTED,
    "succeeded": State.FINISHED_OK,
    "failed": State.FINISHED_ERROR,
    "cancelled": State.CANCELLED,
    "interrupted": State.INTERRUPTED,
}
_PASSED = {StageState.DONE, StageState.SKIPPED}


class Command(OperationCommand):
    """List operations, newest first: a table on a terminal, else lines with tabs and no heading."""

    help = (
        "List the newest operations. On a terminal as a table; in a pipe one line each with the "
        f"columns {', '.join(_COLUMNS)}, separated by tabs. Exit status: 0, also if there are none."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument(
            "--state",
            action="append",
            type=_state,
            choices=[state.value for state in State],
            metavar="STATE",
            help=(
                f"only those in this state; may be repeated: {', '.join(s.value for s in State)}, "
                f"or as the pages say, {', '.join(_WORDS)}"
            ),
        )
        parser.add_argument(
            "--type", metavar="APP.MODEL", help="only those of this class, as app_label.ModelName"
        )
        parser.add_argument("--owner", metavar="NAME", help="only those of this user")
        parser.add_argument(
            "--since",
            type=duration,
            metavar="AGE",
            help="only those that were created no longer ago than this, such as 90m, 12h or 30d",
        )
        parser.add_argument(
            "--limit", type=int, default=20, metavar="N", help="how many at most (default 20)"
        )
        parser.add_argument(
            "--json",
            action="store_true",
            help="print one JSON object a line, on a terminal too",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the list.

        Raises:
            CommandError: an unknown class or user, or a limit that is none.
        """
        if not 1 <= options["limit"] <= _MOST:
            raise CommandError(f"--limit takes a whole number from 1 on, up to {_MOST}.")
        rows = LiveOperation._base_manager.select_related("owner").order_by("-created_on")
        if options["state"]:
            rows = rows.filter(state__in=options["state"])
        if options["type"] is not None:
            rows = rows.filter(operation_type=find_model(options["type"])._meta.label)
        if options["owner"] is not None:
            rows = rows.filter(owner=find_owner(options["owner"]))
        if options["since"] is not None:
            rows = rows.filter(created_on__gte=timezone.now() - options["since"])
        stream = stream_of(self)
        operations = rows[: options["limit"]]
        try:
            if options["json"]:
                stream.writelines(f"{_record(operation)}\n" for operation in operations)
            elif stream.isatty():
                _print_table(stream, [_cells(one, short=True) for one in operations])
            else:
                lines = ["\t".join(_cells(one, short=False)) for one in operations]
                stream.writelines(f"{line}\n" for line in lines)
            stream.flush()
        except OSError as error:
            discard(stream)
            if not is_gone(error):  # else whoever reads has enough
                raise CommandError(f"The list could not be printed: {error}") from error


def _state(text: str) -> str:
    """Return the state that a word means, or the word if it means none."""
    return _WORDS.get(text.lower(), text)


def _print_table(stream: TextIO, lines: Iterable[tuple[str, ...]]) -> None:
    console = TextConsole(stream)
    left_out = _NOT_ON_NARROW_ONES if console.width < _NARROW else set()
    table = Table(box=None, pad_edge=False)
    for name in _COLUMNS:
        if name not in left_out:
            table.add_column(name, no_wrap=True)
    for cells in lines:
        told = zip(_COLUMNS, cells, strict=True)
        table.add_row(*[Text(cell) for name, cell in told if name not in left_out])
    console.print(Carried(table))


def _record(operation: LiveOperation) -> str:
    """Return what is told of an operation as JSON; times as ISO 8601, null for what is not."""
    owner = operation.owner
    record = {
        "id": str(operation.pk),
        "type": operation.operation_type,
        "state": operation.get_state(),
        "stage": _stage(operation) or None,
        "owner": None if owner is None else owner.get_username(),
        "created": _iso(operation.created_on),
        "started": _iso(operation.started_on),
        "finished": _iso(operation.finished_on),
    }
    return json.dumps(record)  # in ASCII, so that no terminal is told anything


def _cells(operation: LiveOperation, *, short: bool) -> tuple[str, ...]:
    """Return what is told of an operation; short, as much as fits on a line of a terminal."""
    owner = operation.owner
    created, finished = _local(operation.created_on), _local(operation.finished_on)
    return (
        str(operation.pk)[: _SHORT_ID if short else None],
        clean(operation.operation_type),
        operation.get_state(),
        clean(_stage(operation)),
        clean(owner.get_username()) if owner is not None else "",
        _short_time(created) if short else _time(created),
        _short_time(finished) if short else _time(finished),
    )


def _stage(operation: LiveOperation) -> str:
    """Return the stage in which it is, or in which it broke off."""
    if operation.get_state() == State.FINISHED_OK:
        return ""
    states = operation.stage_states.items()
    return next((name for name, state in states if state not in _PASSED), "")


def _local(moment: datetime | None) -> datetime | None:
    return (
        timezone.localtime(moment) if moment is not None and timezone.is_aware(moment) else moment
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(sep=" ", timespec="seconds")


def _short_time(moment: datetime | None) -> str:
    if moment is None:
        return ""
    is_today = moment.date() == timezone.localdate()
    return moment.strftime("%H:%M:%S" if is_today else "%Y-%m-%d")
