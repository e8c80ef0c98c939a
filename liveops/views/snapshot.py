"""The snapshot over plain HTTP, for pages whose sockets are blocked."""

import hashlib
import json
import time
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import View

from liveops.conf import get_settings
from liveops.subscription import Watch, look_up
from liveops.views.base import has_it_already
from liveops.views.cookies import share_token
from liveops.views.headers import ASKED_AGAIN, CarefulMixin


class SnapshotView(CarefulMixin, View):
    """All regions as one frame, for pages that cannot open a socket.

    As on the socket, a signed token (header ``X-Liveop-Token``) stands in for a session, and so
    does the cookie of a share link. Unlike the
    frame of a socket this one does not tell the time: a browser may answer from its cache.
    """

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Return the snapshot as JSON, or 304 if the page has it already."""
        token = request.headers.get("X-Liveop-Token", "") or share_token(request, pk)
        watch = look_up(pk, request.user, token, None)
        if watch is None:
            raise Http404
        frame: dict[str, Any] = {
            "op": str(pk),
            "seq": watch.seq,
            "snapshot": True,
            "state": watch.state,
            "success_url": watch.success_url,
            "token": watch.token,
            "liveop_html": watch.html,
        }
        if watch.chained is not None:
            frame["chain"] = asdict(watch.chained)
        etag = _etag(watch)
        if has_it_already(request, etag):
            return HttpResponse(status=304, headers={"ETag": etag, **ASKED_AGAIN})
        return JsonResponse(frame, headers={"ETag": etag, **ASKED_AGAIN})


def _etag(watch: Watch) -> str:
    """Return a tag that changes with what is shown, and long before the token expires."""
    age = int(time.time() / max(get_settings().TOKEN_MAX_AGE / 4, 1))
    shown = json.dumps([watch.state, watch.html, watch.chained and watch.chained.op, age])
    return f'"{hashlib.blake2s(shown.encode(), digest_size=12).hexdigest()}"'
