"""What a page may say on its socket, checked."""

import json
import uuid
from dataclasses import dataclass

from django.utils.translation import gettext as _

from liveops.exceptions import LiveOperationsError

SOCKET_PATH = "/ws/liveops/"
"""Where pages connect to."""

MAX_FRAME = 4_096
"""Longest frame that a page may send, in characters."""

MAX_QUERY = 500
"""Longest query of a list that a page may follow, in characters."""


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


def parse(text: str | None) -> Request | ViewRequest:
    """Return the request that a frame holds.

    Raises:
        BadFrameError: too long, not JSON, or not of the form that the protocol knows.
    """
    if text is None:
        raise BadFrameError(_("Only text frames are understood."))
    if len(text) > MAX_FRAME:
        raise BadFrameError(_("The frame is too long."))
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFrameError(_("The frame is not JSON.")) from error
    if not isinstance(frame, dict) or len(frame) != 1:
        raise BadFrameError(_("A frame is an object with “subscribe” or “unsubscribe”."))
    action, body = next(iter(frame.items()))
    if action not in ("subscribe", "unsubscribe") or not isinstance(body, dict):
        raise BadFrameError(_("A frame is an object with “subscribe” or “unsubscribe”."))
    if "list" in body or "badge" in body:
        return _view_request(action, body)
    op, token, log_after = body.get("op"), body.get("token", ""), body.get("log_after")
    try:
        pk = uuid.UUID(op) if isinstance(op, str) else None
    except ValueError:
        pk = None
    if pk is None:
        raise BadFrameError(_("“op” must be the id of an operation."))
    if not isinstance(token, str):
        raise BadFrameError(_("“token” must be a string."))
    if log_after is not None and (isinstance(log_after, bool) or not isinstance(log_after, int)):
        raise BadFrameError(_("“log_after” must be a whole number."))
    return Request(action, str(pk), token, log_after)


def _view_request(action: str, body: dict[str, object]) -> ViewRequest:
    if len(body.keys() & {"op", "list", "badge"}) != 1:
        raise BadFrameError(_("A frame is about one of “op”, “list” and “badge”."))
    query = body.get("list", "")
    if not isinstance(query, str) or len(query) > MAX_QUERY:
        raise BadFrameError(_("“list” must be a query, and not a long one."))
    if "badge" in body and body["badge"] is not True:
        raise BadFrameError(_("“badge” must be true."))
    details = {name: body.get(name, "") for name in ("language", "zone", "mark")}
    texts = {name: value for name, value in details.items() if isinstance(value, str)}
    if texts != details:
        raise BadFrameError(_("“language”, “zone” and “mark” must be strings."))
    return ViewRequest(action, "list" if "list" in body else "badge", query, **texts)
