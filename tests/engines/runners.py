"""A runner of the project's own, chosen by its dotted path."""

import threading

from django.db import connections

from liveops.models import LiveOperation
from liveops.runners.base import Runner
from liveops.runners.worker import run_here


class ThreadEach(Runner):
    """Gives each operation a thread of its own."""

    def enqueue(self, operation: LiveOperation) -> None:
        """Start the thread."""
        threading.Thread(target=_carry_out, args=(str(operation.pk),), daemon=True).start()


def _carry_out(pk: str) -> None:
    run_here(pk)
    connections.close_all()
