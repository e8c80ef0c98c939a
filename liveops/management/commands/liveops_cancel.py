"""``manage.py liveops_cancel``: an operation is asked to stop."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from liveops import control
from liveops.exceptions import InvalidStateError
from liveops.management.finding import find_operation
from liveops.sinks.sender import sender
from liveops.states import State

_SEND_SECONDS = 5.0


class Command(BaseCommand):
    """Cancel an operation that waits, or ask one that runs to stop."""

    help = (
        "Cancel an operation. One that runs stops at its next step; the command does not wait for "
        "that. Exit status: 0 done, 1 if it has already ended or there is none."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument("id", help="id of the operation, or its first 8 characters or more")

    def handle(self, *args: Any, **options: Any) -> None:
        """Cancel the operation.

        Raises:
            CommandError: there is no such operation, or it has ended.
        """
        operation = find_operation(options["id"])
        try:
            state = control.cancel(operation)
        except InvalidStateError as error:
            raise CommandError(str(error)) from error
        sender().flush(_SEND_SECONDS)
        done = "was cancelled" if state is State.CANCELLED else "was asked to stop"
        self.stdout.write(f"Operation {operation.pk} {done}.")
