"""``manage.py run_liveop``: an operation in the terminal."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from liveops import store
from liveops.management.arguments import (
    HelpFormatter,
    OperationParser,
    command_line,
    retry_values,
)
from liveops.management.signals import Signals
from liveops.management.summary import print_closing
from liveops.management.values import create, find_model, find_owner
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


class Command(BaseCommand):
    """Create an operation, carry it out here, and say with the exit status how it ended."""

    help = (
        "Run an operation in the terminal.\n\n"
        "Exit status: 0 success, 1 failed, 130 cancelled, 143 or 129 stopped by a signal.\n"
        "Ctrl-C cancels at the operation's next step; a second one stops it at once.\n"
        "Name the operation's class before --help to see its stages and fields."
    )
    _program: tuple[str, ...] = ("python", "manage.py")

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        """Return a parser that knows the options of the class that the command line names."""
        if Path(prog_name).name == "__main__.py":
            self._program = ("python", "-m", "django")
        elif prog_name:
            self._program = ("python", prog_name) if prog_name.endswith(".py") else (prog_name,)
        general = super().create_parser(prog_name, subcommand, add_help=False, **options)
        return OperationParser(
            prog=general.prog,
            usage=f"{' '.join(self._program)} {subcommand} app_label.ModelName [options]",
            description=general.description,
            formatter_class=HelpFormatter,
            parents=[general],
            missing_args_message=general.missing_args_message,
            called_from_command_line=general.called_from_command_line,
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define what the command line of every operation takes."""
        parser.add_argument("model", help="the operation's class, as app_label.ModelName")
        parser.add_argument("--owner", metavar="NAME", help="user name of the operation's owner")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="FIELD=VALUE",
            dest="values",
            help="value of one of the operation's fields; a path for a file; may be repeated",
        )
        parser.add_argument(
            "--stage",
            nargs="+",
            action="extend",
            metavar="STAGE",
            help="run only these stages, in the operation's own order; the others are skipped",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="only say which commands would be run; all else happens",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the operation, and those that it is chained to.

        Raises:
            CommandError: an unknown class, user, field or stage, or a value that is refused.
            SystemExit: with the exit status, unless it is 0.
        """
        model = find_model(options["model"])
        owner = find_owner(options["owner"])
        if options["stage"] is not None and not options["stage"]:
            raise CommandError("--stage needs the name of at least one stage.")
        operation = create(
            model, owner, options["values"], options["stage"], dry_run=options["dry_run"]
        )
        operation.given_limits = retry_values(model, options)
        # The wrapper around it would end every write of the bar with a line break.
        stream = getattr(self.stdout, "_out", sys.stdout)
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
            again = command_line(self._program, model, options)
            print_closing(stream, carried_out, state, again)
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
