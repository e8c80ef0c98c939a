"""What the built-in pages share: who is let in, and which operation is meant."""

from typing import Any
from uuid import UUID

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from liveops import access, snapshot
from liveops.conf import get_settings
from liveops.models import LiveOperation


class BaseLiveOperationMixin(LoginRequiredMixin):
    """Lets in users who are logged in and in the required group, and offers the base template."""

    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse a user outside the required group with 403."""
        if request.user.is_authenticated and not access.may_enter(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``base_template``, which the built-in pages extend."""
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return {"base_template": get_settings().BASE_TEMPLATE, **context}


def has_it_already(request: HttpRequest, etag: str) -> bool:
    """Return whether the page holds what a tag stands for; compression may have weakened it."""
    return request.headers.get("If-None-Match", "").removeprefix("W/") == etag


def visible_operation(request: HttpRequest, pk: UUID) -> LiveOperation:
    """Return the specific instance of an operation that the request's user may watch.

    Raises:
        Http404: it does not exist, or is not for this user; the two look the same.
    """
    operation = snapshot.find(pk)
    if operation is None or not operation.can_view(request.user):
        raise Http404
    return operation
