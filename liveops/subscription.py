"""What a socket knows of an operation that it watches, and how it is looked up."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from liveops import access, snapshot
from liveops.hub import PREFIX
from liveops.reading import Reading, Watch

__all__ = ["Asked", "Subscription", "Watch", "look_up", "recheck"]


@dataclass(slots=True, eq=False)
class Subscription:
    """The state of one subscription of one socket.

    Attributes:
        op: id of the operation.
        seq: number of the last frame that was sent, or that the snapshot included.
        log_seq: number of the last log line that was sent; None if that is not known.
        state: the state that was sent last.
        waiting: messages that arrived while a snapshot was due or read; None at other times.
    """

    op: str
    seq: int = -1
    log_seq: int | None = None
    state: str = ""
    token: str = ""
    watch: Watch = field(default_factory=lambda: Watch(uuid.UUID(int=0)))
    waiting: list[dict[str, Any]] | None = None

    @property
    def group(self) -> str:
        """The channel group of the operation."""
        return f"{PREFIX}{self.op}"


def look_up(
    pk: uuid.UUID, user: Any, token: str, log_after: int | None, reading: Reading | None = None
) -> Watch | None:
    """Return what a watcher may see of an operation now; None if there is nothing to see.

    Whether the operation does not exist or is somebody else's makes no difference to the answer.

    Args:
        pk: the operation.
        user: the user of the socket's session, if any.
        token: a signed token that stands in for a session, or "".
        log_after: last line that the watcher shows already.
        reading: of that operation, to be shared with other watchers; left out, it is read for this
            one alone.
    """
    reading = reading or Reading(pk)
    guest = reading.admit(user, token)
    return None if guest is None else reading.watch(guest, log_after)


@dataclass(frozen=True, slots=True)
class Asked:
    """A subscription that is to be judged anew.

    Attributes:
        pk: the operation.
        user: of the session, loaded just now; nobody without one.
        token: what stands in for a session, or "".
    """

    pk: uuid.UUID
    user: Any
    token: str = ""


def recheck(asked: Sequence[Asked]) -> list[access.Grant | None]:
    """Return for each of many subscriptions why it is still allowed, or None if it is not.

    Each operation is read once, and each of them judges a user and a token once.
    """
    operations: dict[uuid.UUID, Any] = {}
    grants: dict[tuple[uuid.UUID, int, str], access.Grant | None] = {}
    for one in asked:
        if one.pk not in operations:
            operations[one.pk] = snapshot.find(one.pk)
        key = (one.pk, id(one.user), one.token)
        if key not in grants:
            operation = operations[one.pk]
            grants[key] = (
                None if operation is None else access.admit(operation, one.user, one.token)
            )
    return [grants[one.pk, id(one.user), one.token] for one in asked]
