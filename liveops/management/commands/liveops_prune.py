"""``manage.py liveops_prune``: operations that ended long ago are deleted."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError

from liveops.management.base import OperationCommand
from liveops.management.durations import duration
from liveops.management.pruning import Plan, Pruned, count, prune
from liveops.management.values import find_model

_INTERRUPTED = 130
_MOST = 10_000  # a query names each of a batch, and databases limit that


class Command(OperationCommand):
    """Delete old operations in batches; what waits or runs is never touched."""

    help = (
        "Delete operations that ended long ago, with their logs and all else beside them. "
        "Operations that wait or run stay. Durations are 90m, 12h, 30d or 2w. Exit status: 0; 1 "
        "if the database refuses; 130 after Ctrl-C. What was deleted until then stays deleted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument(
            "--older-than",
            type=duration,
            required=True,
            metavar="AGE",
            help="delete those that succeeded and ended longer ago than this",
        )
        parser.add_argument(
            "--keep-failed",
            type=duration,
            metavar="AGE",
            help="keep those that failed, were cancelled or interrupted for so long "
            "(default: as long as the others)",
        )
        parser.add_argument(
            "--batch",
            type=int,
            default=500,
            metavar="N",
            help="how many to delete in one transaction (default 500)",
        )
        parser.add_argument(
            "--type", metavar="APP.MODEL", help="only those of this class, as app_label.ModelName"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="only say how many would be deleted"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete.

        Raises:
            CommandError: the options do not fit, an unknown class, or the database refuses.
            SystemExit: Ctrl-C.
        """
        older_than = options["older_than"]
        keep_failed = options["keep_failed"]
        if keep_failed is None:
            keep_failed = older_than
        if keep_failed < older_than:
            raise CommandError("--keep-failed is shorter than --older-than.")
        if not 1 <= options["batch"] <= _MOST:
            raise CommandError(f"--batch takes a whole number from 1 on, up to {_MOST}.")
        label = find_model(options["type"])._meta.label if options["type"] is not None else None
        plan = Plan(older_than, keep_failed, label, options["batch"])
        if options["dry_run"]:
            self.stdout.write(f"Would delete {_text(count(plan))}.")
            return
        found = Pruned()
        try:
            prune(plan, found)
        except KeyboardInterrupt:
            raise SystemExit(_INTERRUPTED) from None
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database refused: {error}") from error
        finally:
            self._say(found)

    def _say(self, found: Pruned) -> None:
        self.stdout.write(f"Deleted {_text(found.operations)}.")
        if found.kept:
            self.stdout.write(
                f"Kept {found.kept}, since rows of the project refer to them and protect them."
            )
        if found.tied:
            self.stdout.write(
                f"Kept {found.tied}, since another operation would be deleted with it: a foreign "
                "key of the project says so."
            )


def _text(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    parts = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
    noun = "operation" if total == 1 else "operations"
    return f"{total} {noun}" + (f" ({parts})" if parts else "")
