"""``manage.py run_liveop``: an operation in the terminal."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError, CommandParser

from liveops.management.arguments import (
    HelpFormatter,
    OperationParser,
    command_line,
    retry_values,
)
from liveops.management.base import OperationCommand
from liveops.management.terminal import program_of, run_in_terminal, stream_of, to_resume
from liveops.management.values import create, find_model, find_owner
from liveops.models import LiveOperation


class Command(OperationCommand):
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
        self._program = program_of(prog_name)
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
        stream = stream_of(self)  # before anything is stored
        model = find_model(options["model"])
        owner = find_owner(options["owner"])
        if options["stage"] is not None and not options["stage"]:
            raise CommandError("--stage needs the name of at least one stage.")
        operation = create(
            model, owner, options["values"], options["stage"], dry_run=options["dry_run"]
        )
        operation.given_limits = retry_values(model, options)
        again = command_line(self._program, model, options)

        def closing(last: LiveOperation) -> dict[str, str]:
            return {"Run it again": again, **to_resume(self._program, last)}

        run_in_terminal(operation, stream, closing)
