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
from liveops.states import State

_COLUMNS = ("id", "type", "state", "stage", "owner", "created", "finished")
_MOST = 1_000_000


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
        lines = [_cells(operation) for operation in rows[: options["limit"]]]
        stream = stream_of(self)
        if not stream.isatty():
            stream.writelines("\t".join(cells) + "\n" for cells in lines)
            return
        table = Table(*_COLUMNS, box=None, pad_edge=False)
        for cells in lines:
            table.add_row(*cells)
        Console(file=stream, markup=False, highlight=False).print(table)


def _cells(operation: LiveOperation) -> tuple[str, ...]:
    active = [name for name, state in operation.stage_states.items() if state == "active"]
    owner = operation.owner
    return (
        str(operation.pk),
        clean(operation.operation_type),
        operation.get_state(),
        clean(active[-1]) if active else "",
        clean(owner.get_username()) if owner is not None else "",
        _time(operation.created_on),
        _time(operation.finished_on),
    )


def _time(moment: datetime | None) -> str:
    if moment is None:
        return ""
    local = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    return local.isoformat(sep=" ", timespec="seconds")
