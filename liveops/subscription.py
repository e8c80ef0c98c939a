"""What a socket knows of an operation that it watches, and how it is looked up."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.utils import translation

from liveops import access, rendering, snapshot
from liveops.chain import follow
from liveops.container import container_html, next_html, page_head_html
from liveops.control import success_url
from liveops.hub import PREFIX
from liveops.models import LiveOperation
from liveops.states import State


@dataclass(frozen=True, slots=True)
class Chained:
    """What a watcher needs to go on with the next operation of a chain.

    Attributes:
        op: id of the operation that is shown from now on.
        token: for its subscription.
        html: its container, which takes the place of the one before, and the head of its page.
    """

    op: str
    token: str
    html: str


@dataclass(frozen=True, slots=True)
class Watch:
    """An operation as one watcher may see it: the snapshot, and what the watcher may do."""

    pk: uuid.UUID
    seq: int = 0
    html: str = ""
    url: str = ""
    success_url: str | None = None
    can_control: bool = False
    can_debug: bool = False
    language: str = ""
    log_seq: int = 0
    state: str = State.NOT_STARTED.value
    token: str = ""
    chained: Chained | None = None

    @property
    def finished(self) -> str:
        """The message that it has ended; empty if it has not."""
        if not State(self.state).is_final:
            return ""
        body = {"state": self.state, "url": self.url, "success_url": self.success_url}
        return json.dumps({"op": str(self.pk), "liveop_finished": body})

    @property
    def steers(self) -> bool:
        """Whether this watcher gets any controls."""
        return self.can_control or self.can_debug


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


def look_up(pk: uuid.UUID, user: Any, token: str, log_after: int | None) -> Watch | None:
    """Return what a watcher may see of an operation now; None if there is nothing to see.

    Whether the operation does not exist or is somebody else's makes no difference to the answer.

    Args:
        pk: the operation.
        user: the user of the socket's session, if any.
        token: a signed token that stands in for a session, or "".
        log_after: last line that the watcher shows already.
    """
    operation = snapshot.find(pk)
    if operation is None:
        return None
    if not (operation.can_view(user) or (token and access.token_allows(token, pk))):
        return None
    with translation.override(operation.language):
        taken = snapshot.take(operation)
        can_control = operation.can_control(user)
        can_debug = access.can_debug(operation, user)
        controls = rendering.controls_fragment(
            pk,
            taken.view.state,
            can_control=can_control,
            can_debug=can_debug,
            cancel_requested=taken.view.cancel_requested,
            resumes_with=rendering.resumes_with(operation, taken.view),
        )
        html = taken.fragments(log_after) + controls
        chained = None
        if operation.next_operation_id is not None:
            html += rendering.next_fragment(pk, next_html(operation, user))
            chained = _chained(operation, user)
    return Watch(
        pk,
        seq=taken.seq,
        html=html,
        url=operation.get_absolute_url(),
        success_url=success_url(operation, taken.view.state),
        can_control=can_control,
        can_debug=can_debug,
        language=operation.language,
        log_seq=taken.lines[-1].seq if taken.lines else 0,
        state=taken.view.state,
        token=operation.subscription_token,
        chained=chained,
    )


def _chained(operation: LiveOperation, user: Any) -> Chained | None:
    after = follow(operation, lambda following: following.can_view(user)).operation
    if after.pk == operation.pk:
        return None
    container = container_html(after, user, replaces=operation.pk)
    head = page_head_html(after, replaces=operation.pk)
    return Chained(str(after.pk), after.subscription_token, container + head)
