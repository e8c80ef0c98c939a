"""``manage.py liveops_cancel``: operations are asked to stop."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from liveops import control
from liveops.exceptions import InvalidStateError
from liveops.management.base import OperationCommand
from liveops.management.durations import seconds_above_0
from liveops.management.finding import ID_HELP, find_operations
from liveops.models import LiveOperation
from liveops.sinks.sender import sender
from liveops.states import State
from liveops.terminal.waiting import Waiting

_SEND_SECONDS = 5.0
_LEFT = 130


class Command(OperationCommand):
    """Cancel operations that wait, or ask those that run to stop."""

    help = (
        "Cancel operations. One that runs stops at its next step; the command waits for that only "
        "with --wait. Exit status: 0 done, 1 if one had already ended, is not there, or did not "
        "stop in time, 130 after Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument("id", nargs="+", help=f"{ID_HELP}; several at once")
        parser.add_argument("--wait", action="store_true", help="wait until they have ended")
        parser.add_argument(
            "--timeout",
            type=seconds_above_0,
            metavar="SECONDS",
            help="with --wait: how long at most (default: no limit)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Cancel the operations.

        Raises:
            CommandError: one is not there, and nothing was done; or one had ended, or did not stop
                in time, and all that could be done was.
            SystemExit: Ctrl-C.
        """
        if options["timeout"] is not None and not options["wait"]:
            raise CommandError("--timeout goes with --wait.")
        problems: list[str] = []
        asked: list[LiveOperation] = []
        operations = find_operations(options["id"])
        for operation in operations:
            try:
                state = control.cancel(operation)
            except InvalidStateError as error:
                which = f"{operation.pk}: " if len(operations) > 1 else ""
                problems.append(f"{which}{error}")
                continue
            done = "was cancelled" if state is State.CANCELLED else "was asked to stop"
            self._say(f"Operation {operation.pk} {done}.")
            asked += [operation] if state is not State.CANCELLED else []
        sender().flush(_SEND_SECONDS)
        if options["wait"]:
            problems += self._wait(asked, options["timeout"])
        if problems:
            raise CommandError("\n".join(problems))

    def _wait(self, operations: list[LiveOperation], timeout: float | None) -> list[str]:
        """Wait for the end of each; return what is to be said of those that did not end."""
        deadline = None if timeout is None else time.monotonic() + timeout
        problems = []
        try:
            for operation in operations:
                state = Waiting(deadline).for_end_of(operation)
                if state is None:
                    problems.append(f"{operation.pk}: it has not stopped after {timeout:g} s.")
                else:
                    self._say(f"Operation {operation.pk} has ended: {state}.")
        except KeyboardInterrupt:
            sys.stderr.write("\nNo longer waiting. What was asked to stop does so all the same.\n")
            raise SystemExit(_LEFT) from None
        return problems

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
