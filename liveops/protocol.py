"""What a page may say on its socket, checked."""

import json
import uuid
from dataclasses import dataclass

from liveops.exceptions import LiveOperationsError

SOCKET_PATH = "/ws/liveops/"
"""Where pages connect to."""

MAX_FRAME = 4_096
"""Longest frame that a page may send, in bytes."""

MAX_QUERY = 500
"""Longest query of a list that a page may follow, in characters."""

MAX_LINE = 2**63 - 1
"""Highest number that a log line may have: what a database's whole numbers go up to."""

# Close codes. Daphne sends none that RFC 6455 does not leave to applications: not 1011, say.

POLICY_REFUSAL = 4403
"""Closes the socket of whoever may not go on; liveops.js does not connect again."""

NOTHING_WATCHED = 4408
"""Closes a socket that has watched nothing for too long; liveops.js waits before it comes back."""

SLOW_READER = 4409
"""Closes the socket of a reader that takes nothing; liveops.js connects again."""

TOO_MANY_SOCKETS = 4429
"""Closes a user's one socket too many; liveops.js waits before it comes back."""

NOT_SERVED = 4500
"""Closes a socket that cannot be served; liveops.js connects again."""


class BadFrameError(LiveOperationsError):
    """A frame is not one that the protocol knows; the message says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """A checked frame: what to do, for which operation (in canonical form), and the details."""

    action: str
    op: str
    token: str = ""
    log_after: int | None = None


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """A checked frame about a view of many operations.

    Attributes:
        action: ``"subscribe"`` or ``"unsubscribe"``.
        view: ``"list"`` or ``"badge"``.
        query: which operations a list is about, as in the address of its page.
        language: what the page is written in, or "".
        zone: the time zone of the page, or "".
        mark: what the page shows already, as a frame or the page itself named it, or "".
    """

    action: str
    view: str
    query: str = ""
    language: str = ""
    zone: str = ""
    mark: str = ""


def error_text(op: str | None, code: str, detail: str) -> str:
    """Return the frame that tells a page what is wrong."""
    return json.dumps({"op": op, "error": code, "detail": detail})


def parse(text: str | None) -> Request | ViewRequest:
    """Return the request that a frame holds.

    Raises:
        BadFrameError: too long, not JSON, or not of the form that the protocol knows.
    """
    if text is None:
        raise BadFrameError("Only text frames are understood.")
    # A character is a byte at least: what is far too long is not even encoded.
    if len(text) > MAX_FRAME or len(text.encode("utf-8", "surrogatepass")) > MAX_FRAME:
        raise BadFrameError("The frame is too long.")
    try:
        frame = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadFrameError("The frame is not JSON.") from error
    if not isinstance(frame, dict) or len(frame) != 1:
        raise BadFrameError("A frame is an object with “subscribe” or “unsubscribe”.")
    action, body = next(iter(frame.items()))
    if action not in ("subscribe", "unsubscribe") or not isinstance(body, dict):
        raise BadFrameError("A frame is an object with “subscribe” or “unsubscribe”.")
    if "list" in body or "badge" in body:
        return _view_request(action, body)
    op, token, log_after = body.get("op"), body.get("token", ""), body.get("log_after")
    try:
        pk = uuid.UUID(op) if isinstance(op, str) else None
    except ValueError:
        pk = None
    if pk is None:
        raise BadFrameError("“op” must be the id of an operation.")
    if not isinstance(token, str):
        raise BadFrameError("“token” must be a string.")
    if log_after is not None and (isinstance(log_after, bool) or not isinstance(log_after, int)):
        raise BadFrameError("“log_after” must be a whole number.")
    if log_after is not None and not 0 <= log_after <= MAX_LINE:
        raise BadFrameError("“log_after” must be the number of a line.")
    return Request(action, str(pk), token, log_after)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of JSON; one that says a thing twice could mean either."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadFrameError("A frame says everything once.")
    return found


def _no_number(name: str) -> object:
    """Refuse what Python reads as a number, and JSON does not know: NaN, Infinity."""
    raise ValueError(name)


def _view_request(action: str, body: dict[str, object]) -> ViewRequest:
    if len(body.keys() & {"op", "list", "badge"}) != 1:
        raise BadFrameError("A frame is about one of “op”, “list” and “badge”.")
    query = body.get("list", "")
    if not isinstance(query, str) or len(query) > MAX_QUERY:
        raise BadFrameError("“list” must be a query, and not a long one.")
    if "badge" in body and body["badge"] is not True:
        raise BadFrameError("“badge” must be true.")
    details = {name: body.get(name, "") for name in ("language", "zone", "mark")}
    texts = {name: value for name, value in details.items() if isinstance(value, str)}
    if texts != details:
        raise BadFrameError("“language”, “zone” and “mark” must be strings.")
    return ViewRequest(action, "list" if "list" in body else "badge", query, **texts)
