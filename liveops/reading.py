"""One reading of an operation, and what is rendered of it for all who watch.

A site that starts again has hundreds of watchers at its door at once. What is the same for all of
them is read and rendered once; what depends on who watches, once for each user.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Generic, TypeVar

from django.utils import translation

from liveops import access, redirects, rendering, snapshot, tokens
from liveops.access import Grant
from liveops.chain import take_last
from liveops.container import container_html, next_html, page_head_html
from liveops.control import success_url
from liveops.guests import Guest, Guests
from liveops.hub import PREFIX
from liveops.models import LiveOperation
from liveops.snapshot import Snapshot
from liveops.states import State

T = TypeVar("T")


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
    """An operation as one watcher may see it: the snapshot, and what the watcher may do.

    Attributes:
        pk: id of the operation.
        seq: number of the last frame that is included.
        html: all regions as fragments.
        encoded: the same as JSON.
        follow_up: the frames that come after the snapshot.
        url: address of the live page.
        success_url: where to go after success.
        can_control: whether the watcher may cancel, resume and restart.
        can_debug: whether the watcher may read tracebacks.
        language: of the operation.
        log_seq: number of the last log line that is included.
        state: what the operation is in.
        token: for subscriptions to come.
        chained: the operation that it went on with, if the watcher may see that.
    """

    pk: uuid.UUID
    seq: int = 0
    html: str = ""
    encoded: str = '""'
    follow_up: tuple[str, ...] = ()
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
    def steers(self) -> bool:
        """Whether this watcher gets any controls."""
        return self.can_control or self.can_debug


@dataclass(frozen=True, slots=True)
class _Edge:
    """What depends on who watches."""

    html: str
    chained: Chained | None
    follow_up: tuple[str, ...]


class Reading:
    """An operation, read when it is asked for first and not again.

    It may be shared by watchers that joined the operation's group before that: they hear of
    whatever comes later. It is for one thread at a time. What fails to be read fails for all who
    share it, and is not tried again; what fails for one user fails for that user alone.

    Args:
        pk: the operation.
    """

    def __init__(self, pk: uuid.UUID) -> None:
        self._pk = pk
        self._found = _Once(lambda: snapshot.find(pk))
        self._judged = _Once(self._to_judge_by)
        self._taken = _Once(self._take)
        self._for_all = _Once(self._describe)
        self._guests = Guests(self._judge)
        self._lent: dict[tuple[Guest, str], Guest] = {}
        self._edges: dict[Guest, _Edge] = {}
        self._watches: dict[tuple[Guest, int | None], Watch] = {}
        self._regions: dict[int | None, tuple[str, str]] = {}
        self._pages: dict[tuple[int | None, str], tuple[str, str]] = {}

    @property
    def operation(self) -> LiveOperation | None:
        """The specific instance; None if there is no such operation."""
        return self._found()

    @property
    def is_sound(self) -> bool:
        """Whether there is an operation, and all of it could be read."""
        return self._for_all.has_returned

    def renew(self) -> None:
        """Have those who ask from now on judged by the operation as it is then stored.

        What was read and rendered of it stays.
        """
        self._found = _Once(lambda: snapshot.find(self._pk))
        self._judged = _Once(self._to_judge_by)
        self._guests, self._lent = Guests(self._judge), {}

    def admit(self, user: Any, token: str = "") -> Guest | None:
        """Return the guest that may watch the operation; None if not, or if there is none.

        Args:
            user: of the session; one that is :class:`liveops.guests.LongKnown` is loaded anew.
            token: what stands in for a session, or "".
        """
        guest = self._guests.of(user)
        grant = guest.grant or access.admit_by_token(self._judged(), token)
        if grant is None or self._found() is None:
            return None
        if grant is guest.grant:
            return guest
        # Tokens of pages differ by when they were made, and what they let see does not.
        key = (guest, grant.kind if grant.kind == "page" else grant.token)
        return self._lent.setdefault(key, Guest(guest.user, guest.asked_at, grant))

    def watch(self, guest: Guest, log_after: int | None) -> Watch:
        """Return the operation for a watcher who may see it.

        Args:
            guest: what :meth:`admit` returned; decides the controls and what is said of a chain.
            log_after: last line that the watcher shows already.
        """
        operation = self._operation
        with translation.override(operation.language):
            number = self._taken().follows(log_after)
            key = (guest, number)
            if key not in self._watches:
                self._watches[key] = self._watch(guest, number)
            return self._watches[key]

    @property
    def _operation(self) -> LiveOperation:
        operation = self._found()
        if operation is None:
            raise LiveOperation.DoesNotExist(f"There is no operation {self._pk}.")
        return operation

    def _judge(self, user: Any) -> Grant | None:
        return access.admit(self._judged(), user)

    def _to_judge_by(self) -> LiveOperation:
        return self._found() or snapshot.stand_in(self._pk)

    def _take(self) -> Snapshot:
        return snapshot.take(self._operation)

    def _describe(self) -> Watch:
        """Return what is the same for all watchers."""
        taken = self._taken()
        operation = taken.operation
        return Watch(
            self._pk,
            seq=taken.seq,
            url=redirects.live_url(operation),
            success_url=success_url(operation, taken.view.state),
            language=operation.language,
            log_seq=taken.lines[-1].seq if taken.lines else 0,
            state=taken.view.state,
        )

    def _watch(self, guest: Guest, number: int | None) -> Watch:
        if guest not in self._edges:
            self._edges[guest] = self._render_edge(guest)
        edge, same = self._edges[guest], self._for_all()
        html, encoded = self._page(number, edge.html)
        return replace(
            same,
            html=html,
            encoded=encoded,
            follow_up=edge.follow_up,
            can_control=guest.grant.can_control,
            can_debug=guest.grant.can_debug,
            token=guest.grant.token,
            chained=edge.chained,
        )

    def _page(self, number: int | None, edge: str) -> tuple[str, str]:
        """Return all fragments, and their JSON; watchers with the same rights share one string."""
        key = (number, edge)
        if key not in self._pages:
            if number not in self._regions:
                regions = str(self._taken().fragments(number))
                self._regions[number] = (regions, json.dumps(regions))
            regions, encoded = self._regions[number]
            self._pages[key] = (regions + edge, encoded[:-1] + json.dumps(edge)[1:])
        return self._pages[key]

    def _render_edge(self, guest: Guest) -> _Edge:
        operation, view, user = self._taken().operation, self._taken().view, guest.user
        html: str = rendering.controls_fragment(
            self._pk,
            view.state,
            can_control=guest.grant.can_control,
            can_debug=guest.grant.can_debug,
            cancel_requested=view.cancel_requested,
            resumes_with=rendering.resumes_with(operation, view),
        )
        chained = None
        if operation.next_operation_id is not None:
            html += rendering.next_fragment(self._pk, next_html(operation, user))
            chained = _chained(operation, user)
        return _Edge(html, chained, self._follow_up(chained))

    def _follow_up(self, chained: Chained | None) -> tuple[str, ...]:
        same, op = self._for_all(), str(self._pk)
        if chained is not None:
            swap = {"op": op, "seq": same.seq, "liveop_html": chained.html}
            following = {
                "op": chained.op,
                "channel": f"{PREFIX}{chained.op}",
                "token": chained.token,
            }
            return json.dumps(swap), json.dumps({"op": op, "liveop_chain": following})
        if State(same.state).is_final:
            body = {"state": same.state, "url": same.url, "success_url": same.success_url}
            return (json.dumps({"op": op, "liveop_finished": body}),)
        return ()


class _Once(Generic[T]):
    """A function that is called once; what it returned or raised then is its answer for ever."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._results: list[T] = []
        self._error: Exception | None = None
        self._trace: TracebackType | None = None

    @property
    def has_returned(self) -> bool:
        """Whether it was called and did not fail."""
        return bool(self._results)

    def __call__(self) -> T:
        if self._error is not None:
            raise self._error.with_traceback(self._trace)  # or it would grow each time
        if not self._results:
            try:
                self._results.append(self._function())
            except Exception as error:
                self._error, self._trace = error, error.__traceback__
                raise
        return self._results[0]


def _chained(operation: LiveOperation, user: Any) -> Chained | None:
    taken = take_last(operation, lambda following: access.may_watch(following, user))
    after = taken.operation
    if after.pk == operation.pk:
        return None
    container = container_html(taken, user, replaces=operation.pk)
    head = page_head_html(after, replaces=operation.pk)
    return Chained(str(after.pk), tokens.for_user(after.pk, user), container + head)
