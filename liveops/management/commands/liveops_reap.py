"""``manage.py liveops_reap``: dead runs end, and what waits in vain is handed over again."""

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError

from liveops import conf
from liveops.management.base import OperationCommand
from liveops.management.durations import seconds_above_0
from liveops.reaping import Reaper, Round, reap_once
from liveops.reaping_thread import Watchman
from liveops.runners.thread import ThreadRunner
from liveops.sinks.sender import sender

_SEND_SECONDS = 5.0


class Command(OperationCommand):
    """Reap once, for a scheduler to call; or in a loop, as a process of its own."""

    help = (
        "Mark operations INTERRUPTED whose worker has died, resume those whose class asks for it, "
        "and hand over again those that wait in vain. With the thread runner only the first, "
        "since it carries out operations in server processes. Exit status: 0; 1 if the database "
        "cannot be reached; 130 after Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument(
            "--loop", action="store_true", help="go on until SIGTERM or Ctrl-C, whatever happens"
        )
        parser.add_argument(
            "--every",
            type=seconds_above_0,
            metavar="SECONDS",
            help="with --loop: seconds between two rounds (default: the setting REAP_SECONDS)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Reap.

        Raises:
            CommandError: the database cannot be reached, or the options do not fit.
            SystemExit: Ctrl-C.
        """
        if options["every"] is not None and not options["loop"]:
            raise CommandError("--every goes with --loop.")
        runner = conf.load_runner()
        # What that runner is handed would run here, and end with this process.
        hands_over = not (isinstance(runner, type) and issubclass(runner, ThreadRunner))
        with _stopping() as stop:
            if options["loop"]:
                watchman = Watchman(every=options["every"], told=self._tell, hands_over=hands_over)
                watchman.run(stop)
            else:
                self._once(stop, hands_over=hands_over)
            sender().flush(_SEND_SECONDS)
        if stop.status:
            raise SystemExit(stop.status)

    def _once(self, stop: "_Stop", *, hands_over: bool) -> None:
        try:
            found = reap_once(Reaper(), stop.wait, hands_over=hands_over)
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database cannot be reached: {error}") from error
        self._tell(found)
        self.stdout.write(
            f"{len(found.interrupted)} interrupted, {len(found.resumed)} resumed, "
            f"{len(found.handed_over)} handed over again."
        )

    def _tell(self, found: Round) -> None:
        told = {
            "interrupted": found.interrupted,
            "resumed": found.resumed,
            "handed over again": found.handed_over,
        }
        for what, operations in told.items():
            for operation in operations:
                self.stdout.write(f"{what}: {operation.pk} {operation.operation_type}")
        self.stdout.flush()


class _Stop(threading.Event):
    """Set by a signal; ``status`` is the exit status that it asks for."""

    asked = False
    status = 0


@contextmanager
def _stopping() -> Iterator[_Stop]:
    """Turn SIGTERM and Ctrl-C into an event until the block ends."""
    stop = _Stop()

    def on_signal(number: int, frame: object) -> None:
        if stop.asked:  # it hangs, perhaps because the database does
            raise SystemExit(128 + number)
        stop.asked = True
        stop.status = 130 if number == signal.SIGINT else 0
        # Not here: the main thread may be inside the event's lock.
        threading.Thread(target=stop.set, daemon=True).start()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
