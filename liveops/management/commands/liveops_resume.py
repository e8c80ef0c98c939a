"""``manage.py liveops_resume``: an operation goes on where it stopped, or begins anew."""

from argparse import ArgumentParser
from shlex import join
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from liveops import conf, control, limits, store
from liveops.exceptions import ConfigurationError, InvalidStateError
from liveops.management.base import OperationCommand
from liveops.management.finding import ID_HELP, find_operations
from liveops.management.terminal import (
    EXIT_STATUS,
    program_of,
    run_in_terminal,
    stream_of,
    to_resume,
)
from liveops.models import LiveOperation
from liveops.runners.thread import ThreadRunner
from liveops.sinks.sender import sender
from liveops.states import State

_SEND_SECONDS = 5.0


class Command(OperationCommand):
    """Resume an operation here, or hand it to the runner; exit statuses as of ``run_liveop``."""

    help = (
        "Let an operation go on where it stopped: stages that were done are not run again. "
        "Exit status: 0 success, 1 failed or refused, 130 cancelled, 143 or 129 stopped by a "
        "signal. With --enqueue: 0 when all were handed over."
    )
    _program: tuple[str, ...] = ("python", "manage.py")

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        """Return the parser, and remember how this command was started."""
        self._program = program_of(prog_name)
        return super().create_parser(prog_name, subcommand, **options)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument("id", nargs="+", help=f"{ID_HELP}; with --enqueue several at once")
        parser.add_argument(
            "--enqueue",
            action="store_true",
            help="hand it to the configured runner instead of running it here",
        )
        parser.add_argument(
            "--restart",
            action="store_true",
            help="begin anew instead, also after success: its log and all it did are dropped",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Resume the operation, or start it again.

        Raises:
            CommandError: there is no such operation, or it cannot be resumed; nothing was changed.
                Of several, those that can be handed over are.
            SystemExit: with the exit status, unless it is 0.
        """
        operations = find_operations(options["id"])
        if options["enqueue"]:
            self._enqueue_all(operations, restart=options["restart"])
            return
        if len(operations) > 1:
            raise CommandError("Several operations are resumed with --enqueue; here only one is.")
        (operation,) = operations
        stream = stream_of(self)  # before anything is stored
        try:
            with transaction.atomic(using=store.alias_of(operation)):
                if options["restart"]:
                    store.restart(operation)
                    operation.on_restart()
                    operation.save()
                else:
                    store.resume(operation)
                operation.check_stages_to_run()
                operation.note_enqueued()
        except (ConfigurationError, InvalidStateError) as error:
            raise CommandError(self._explained(operation, error)) from error
        run_in_terminal(operation, stream, lambda last: to_resume(self._program, last))

    def _explained(self, operation: LiveOperation, error: Exception) -> str:
        """Return why an operation is refused, and what helps if its process is gone."""
        if store.state_of(operation) is not State.STARTED:
            return str(error)
        return (
            f"{error} This one is STARTED; if the process that ran it is gone, "
            f"`{join([*self._program, 'liveops_reap'])}` makes it INTERRUPTED."
        )

    def _enqueue_all(self, operations: list[LiveOperation], *, restart: bool) -> None:
        runner = conf.load_runner()
        if isinstance(runner, type) and issubclass(runner, ThreadRunner):
            raise CommandError(
                "The thread runner carries out operations in the process that enqueues them, and "
                "this one ends. Leave --enqueue out to run it here, or resume it on its page."
            )
        hand_over = control.restart if restart else control.resume
        problems, statuses = [], []
        for operation in operations:
            try:
                with limits.lifted_for(operation):  # whoever has a shell is trusted
                    hand_over(operation)
            except (ConfigurationError, InvalidStateError) as error:
                problem = self._explained(operation, error)
                problems.append(f"{operation.pk}: {problem}" if len(operations) > 1 else problem)
                continue
            state = store.state_of(operation)
            self.stdout.write(f"Operation {operation.pk} was handed to the runner: {state}.")
            statuses.append(EXIT_STATUS.get(state, 1) if state.is_final else 0)
        sender().flush(_SEND_SECONDS)
        if problems:
            raise CommandError("\n".join(problems))
        if status := max(statuses):
            raise SystemExit(status)
