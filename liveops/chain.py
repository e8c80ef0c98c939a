"""Chains of operations: where one that handed over went on."""

from collections.abc import Callable
from dataclasses import dataclass

from liveops import snapshot
from liveops.models import LiveOperation
from liveops.snapshot import Snapshot
from liveops.states import State


@dataclass(frozen=True, slots=True)
class Follow:
    """Where the chain of an operation leads a watcher.

    Attributes:
        operation: the last operation of the chain that the watcher may see.
        is_hidden: whether the chain goes on from there to one that the watcher may not see.
    """

    operation: LiveOperation
    is_hidden: bool = False


def follow(operation: LiveOperation, may_see: Callable[[LiveOperation], bool]) -> Follow:
    """Return where the chain that begins with an operation leads whoever ``may_see``.

    Only a chain that was handed over is followed: an operation that was restarted has let go of
    what followed it.
    """
    passed = {operation.pk}
    while operation.get_state() == State.FINISHED_OK and operation.next_operation_id:
        following = snapshot.find(operation.next_operation_id)
        if following is None or following.pk in passed:
            break
        if not may_see(following):
            return Follow(operation, is_hidden=True)
        operation = following
        passed.add(operation.pk)
    return Follow(operation)


def take_last(operation: LiveOperation, may_see: Callable[[LiveOperation], bool]) -> Snapshot:
    """Return the snapshot of the operation that a chain has led whoever ``may_see`` to by now.

    One that ends and goes on while the snapshot of it is taken is followed, too: a page that shows
    an operation which has ended would wait in vain to be told of the next one.
    """
    while True:
        last = follow(operation, may_see).operation
        taken = snapshot.take(last)
        operation = taken.operation
        if operation.next_operation_id == last.next_operation_id:
            return taken
