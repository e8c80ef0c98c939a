"""The snapshot over plain HTTP, for pages whose sockets are blocked."""

import hashlib
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import View

from liveops.subscription import look_up


class SnapshotView(View):
    """All regions as one frame, for pages that cannot open a socket.

    As on the socket, a signed token (header ``X-Liveop-Token``) stands in for a session.
    """

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Return the snapshot as JSON, or 304 if the page has it already."""
        watch = look_up(pk, request.user, request.headers.get("X-Liveop-Token", ""), None)
        if watch is None:
            raise Http404
        frame = {
            "op": str(pk),
            "seq": watch.seq,
            "snapshot": True,
            "state": watch.state,
            "success_url": watch.success_url,
            "liveop_html": watch.html,
        }
        digest = hashlib.blake2s(watch.html.encode(), digest_size=12).hexdigest()
        etag = f'"{digest}"'
        if request.headers.get("If-None-Match") == etag:
            return HttpResponse(status=304, headers={"ETag": etag})
        return JsonResponse(frame, headers={"ETag": etag, "Cache-Control": "private, no-cache"})
