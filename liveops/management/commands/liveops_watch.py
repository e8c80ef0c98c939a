"""``manage.py liveops_watch``: an operation is followed live, whichever process runs it."""

import os
import signal
import sys
import threading
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from liveops.management.base import OperationCommand
from liveops.management.finding import ID_HELP, find_operation
from liveops.management.summary import discard, print_closing
from liveops.management.terminal import program_of, stream_of, to_resume
from liveops.models import LiveOperation
from liveops.sinks.sender import sender
from liveops.states import State
from liveops.summary import is_gone
from liveops.terminal.following import Follower
from liveops.terminal.looks import OperationGone

EXIT_STATUS = {State.FINISHED_OK: 0, State.CANCELLED: 130, State.INTERRUPTED: 143}
"""Exit status by final state; 1 for every other."""

NOT_ENDED = 3
"""Exit status with ``--no-follow`` for an operation that waits or runs."""

_LEFT = 130
_NOBODY_READS = 141
_SEND_SECONDS = 5.0


class Command(OperationCommand):
    """Follow an operation in the terminal; it goes on whatever becomes of this command."""

    help = (
        "Follow an operation until it ends: stages, progress, log and result. Ctrl-C ends the "
        "command, not the operation. Exit status: 0 success, 1 failed, 130 cancelled or Ctrl-C, "
        "143 interrupted; with --no-follow 3 if it has not ended."
    )
    _program: tuple[str, ...] = ("python", "manage.py")

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        """Return the parser, and remember how this command was started."""
        self._program = program_of(prog_name)
        return super().create_parser(prog_name, subcommand, **options)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument("id", help=ID_HELP)
        begin = parser.add_mutually_exclusive_group()
        begin.add_argument(
            "--tail",
            type=_lines,
            default=100,
            metavar="N",
            help="how many of the log lines to show that are there already (default 100)",
        )
        begin.add_argument(
            "--from-start",
            action="store_const",
            const=None,
            dest="tail",
            help="show all log lines that are stored",
        )
        parser.add_argument(
            "--no-follow",
            action="store_true",
            help="print what is there and end",
        )
        parser.add_argument(
            "--no-chain",
            action="store_true",
            help="end with this operation, even if another one goes on with it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Follow the operation.

        Raises:
            CommandError: there is no such operation any more, or the database is away at the start.
            SystemExit: with the exit status, unless it is 0.
        """
        try:
            operation = find_operation(options["id"])
            waits, chain = not options["no_follow"], not options["no_chain"]
            status = self.follow(operation, options["tail"], waits=waits, chain=chain)
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database cannot be reached: {error}") from error
        if status:
            raise SystemExit(status)

    def follow(
        self, operation: LiveOperation, tail: int | None, *, waits: bool = True, chain: bool = True
    ) -> int:
        """Follow an operation; return the exit status.

        Args:
            operation: the specific instance.
            tail: how many of the log lines to show that are there already; None for all.
            waits: whether to wait for its end.
            chain: whether to go on with the operations that follow it.

        Raises:
            CommandError: it was deleted.
        """
        stream = stream_of(self)
        follower = Follower(stream, tail=tail, waits=waits, chain=chain)
        try:
            with _ending_in_order():
                state = follower.follow(operation)
        except KeyboardInterrupt:
            last = follower.current or operation
            sys.stderr.write(f"\nNo longer watching. Operation {last.pk} goes on by itself.\n")
            return _LEFT
        except OperationGone as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            discard(stream)
            if not is_gone(error):
                raise CommandError(f"The output could not be written: {error}") from error
            return _NOBODY_READS
        finally:
            sender().flush(_SEND_SECONDS)
        if not follower.followed or not state.is_final:
            return NOT_ENDED
        last = follower.followed[-1]
        print_closing(stream, follower.followed, state, to_resume(self._program, last))
        return EXIT_STATUS.get(state, 1)


def _lines(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ArgumentTypeError(f"write a whole number from 0 on, not {text!r}")
    return int(text)


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the command in order: what is redrawn is taken away."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread() and os.name == "posix":
        for number in (int(signal.SIGTERM), int(signal.SIGHUP)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
