"""What a socket knows of an operation that it watches, and how it is looked up."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from liveops import access
from liveops.hub import PREFIX
from liveops.reading import Reading, Watch

__all__ = ["Subscription", "Watch", "look_up"]


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
    if reading.operation is None:
        return None
    if reading.is_open_to(user) or (token and access.token_allows(token, pk)):
        return reading.watch(user, log_after)
    return None
