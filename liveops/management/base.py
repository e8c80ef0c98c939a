"""What the commands have in common that ask the database for operations."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections, router

from liveops.models import LiveOperation


class OperationCommand(BaseCommand):
    """A command that says in a sentence that the tables of operations are not there yet."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Carry out the command.

        Raises:
            CommandError: `migrate` has not been run.
        """
        try:
            return super().execute(*args, **options)
        except (CommandError, DatabaseError) as error:
            reason = error if isinstance(error, DatabaseError) else error.__cause__
            if isinstance(reason, DatabaseError) and _lacks_tables():
                raise CommandError(
                    "The tables of liveops are not in the database yet. Make them with the "
                    "command `migrate`, and run this one again."
                ) from error
            raise


def _lacks_tables() -> bool:
    """Return whether a database that can be reached has no table of operations."""
    connection = connections[router.db_for_read(LiveOperation)]
    try:
        with connection.cursor() as cursor:
            return LiveOperation._meta.db_table not in connection.introspection.table_names(cursor)
    except DatabaseError:
        return False
