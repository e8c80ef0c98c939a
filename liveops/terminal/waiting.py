"""Waiting for the end of an operation without showing it."""

import time

from django.db import connections

from liveops import outages
from liveops.models import LiveOperation
from liveops.states import State
from liveops.terminal.hints import Hints
from liveops.terminal.looks import Look, OperationGone, Source
from liveops.terminal.pace import Pace


class Waiting:
    """Waits for operations.

    Args:
        deadline: until when, in seconds of the monotonic clock; None for as long as it takes.
    """

    def __init__(self, deadline: float | None = None) -> None:
        self._deadline = deadline

    def for_end_of(self, operation: LiveOperation) -> State | None:
        """Return the state that an operation has ended in; None if it has not in time.

        A database that is away is waited for. One that was deleted counts as cancelled.
        """
        source = Source(operation)
        with Hints() as hints:
            hints.follow(operation.get_channel_name())
            pace = Pace(hints)
            while True:
                try:
                    look = _looked(source)
                except OperationGone:
                    return State.CANCELLED
                if look is not None and look.state.is_final:
                    return look.state
                left = None if self._deadline is None else self._deadline - time.monotonic()
                if left is not None and left <= 0:
                    return None
                pace.wait(left)


def _looked(source: Source) -> Look | None:
    try:
        return source.look()
    except Exception as error:
        if not outages.is_passing(error):
            raise
        outages.drop_if_broken(connections[source.alias])
        return None
