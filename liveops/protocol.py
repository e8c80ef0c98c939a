"""What a page may say on its socket, checked."""

import json
import uuid
from dataclasses import dataclass

from django.utils.translation import gettext as _

from liveops.exceptions import LiveOperationsError

MAX_FRAME = 4_096
"""Longest frame that a page may send, in characters."""


class BadFrameError(LiveOperationsError):
    """A frame is not one that the protocol knows; the message says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """A checked frame: what to do, for which operation (in canonical form), and the details."""

    action: str
    op: str
    token: str = ""
    log_after: int | None = None


def parse(text: str | None) -> Request:
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
