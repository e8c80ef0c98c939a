"""The cookie that stands for a share link: the browser sends it to one operation's pages only."""

import math
import uuid
from datetime import datetime

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

# With a name that Django's reports of errors mask.
SHARE_COOKIE = "liveops_share_token"


def has_share(request: HttpRequest) -> bool:
    """Return whether the request carries such a cookie, good or not."""
    return SHARE_COOKIE in request.COOKIES


def share_token(request: HttpRequest, pk: uuid.UUID) -> str:
    """Return the token of the share link that the browser has opened for an operation, or "".

    Whether it is still good is asked with :func:`liveops.access.admit`, at each request.
    """
    token = request.get_signed_cookie(SHARE_COOKIE, default="", salt=_salt(pk))
    return token or ""


def give_share(
    response: HttpResponseBase,
    request: HttpRequest,
    pk: uuid.UUID,
    token: str,
    expires_on: datetime,
) -> None:
    """Put the cookie for a share link onto a response; it ends when the share does.

    Args:
        response: the response.
        request: what it answers.
        pk: the operation.
        token: of the link.
        expires_on: when the share ends.
    """
    response.set_signed_cookie(
        SHARE_COOKIE,
        token,
        salt=_salt(pk),
        max_age=math.ceil((expires_on - timezone.now()).total_seconds()),
        path=reverse("liveops:live", kwargs={"pk": pk}),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def _salt(pk: uuid.UUID) -> str:
    return f"liveops.share.{pk}"
