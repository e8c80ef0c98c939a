"""``manage.py liveops_list``: the newest operations."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from liveops.management.terminal import stream_of
from liveops.management.values import find_model
from liveops.models import LiveOperation
from liveops.progress.text import clean
from liveops.stages import StageState
from liveops.states import State

_COLUMNS = ("id", "type", "state", "stage", "owner", "created", "finished")
_MOST = 1_000_000
_SHORT_ID = 8  # as much as the other commands need
_NARROW = 100
_NOT_ON_NARROW_ONES = {"owner", "finished"}
_PASSED = {StageState.DONE, StageState.SKIPPED}


class Command(BaseCommand):
    """List operations, newest first: a table on a terminal, else lines with tabs and no heading."""

    help = (
        "List the newest operations. On a terminal as a table; in a pipe one line each with the "
        f"columns {', '.join(_COLUMNS)}, separated by tabs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument(
            "--state",
            action="append",
            choices=[state.value for state in State],
            metavar="STATE",
            help=f"only those in this state; may be repeated: {', '.join(s.value for s in State)}",
        )
        parser.add_argument(
            "--type", metavar="APP.MODEL", help="only those of this class, as app_label.ModelName"
        )
        parser.add_argument(
            "--limit", type=int, default=20, metavar="N", help="how many at most (default 20)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the list.

        Raises:
            CommandError: an unknown class, or a limit that is none.
        """
        if not 1 <= options["limit"] <= _MOST:
            raise CommandError(f"--limit takes a whole number from 1 on, up to {_MOST}.")
        rows = LiveOperation._base_manager.select_related("owner").order_by("-created_on")
        if options["state"]:
            rows = rows.filter(state__in=options["state"])
        if options["type"]:
            rows = rows.filter(operation_type=find_model(options["type"])._meta.label)
        stream = stream_of(self)
        is_terminal = stream.isatty()
        lines = [_cells(operation, short=is_terminal) for operation in rows[: options["limit"]]]
        if not is_terminal:
            stream.writelines("\t".join(cells) + "\n" for cells in lines)
            return
        console = Console(file=stream, markup=False, highlight=False)
        left_out = _NOT_ON_NARROW_ONES if console.width < _NARROW else set()
        table = Table(box=None, pad_edge=False)
        for name in _COLUMNS:
            if name not in left_out:
                table.add_column(name, no_wrap=True)
        for cells in lines:
            told = zip(_COLUMNS, cells, strict=True)
            table.add_row(*[cell for name, cell in told if name not in left_out])
        console.print(table)


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


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(sep=" ", timespec="seconds")


def _short_time(moment: datetime | None) -> str:
    if moment is None:
        return ""
    is_today = moment.date() == timezone.localdate()
    return moment.strftime("%H:%M:%S" if is_today else "%Y-%m-%d")
