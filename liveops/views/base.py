"""What the built-in pages share: who is let in, and which operation is meant."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.mixins import AccessMixin
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from liveops import access, snapshot
from liveops.access import Grant
from liveops.conf import get_settings
from liveops.models import LiveOperation
from liveops.views.cookies import has_share, share_token
from liveops.views.headers import CarefulMixin


class _GateMixin(AccessMixin):
    is_shared: ClassVar[bool] = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not access.may_enter(request.user) and not (self.is_shared and has_share(request)):
            return self.handle_no_permission()
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response


class BaseLiveOperationMixin(CarefulMixin, _GateMixin):
    """Lets in users who are logged in and in the required group, and offers the base template.

    Others are led to the login, or get 403 if they are logged in.

    Attributes:
        is_shared: whether whoever comes with a share link passes, too; such a view shows nothing
            but what :func:`admitted` returns.
    """

    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``base_template``, which the built-in pages extend."""
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return {"base_template": get_settings().BASE_TEMPLATE, **context}


def has_it_already(request: HttpRequest, etag: str) -> bool:
    """Return whether the page holds what a tag stands for; compression may have weakened it."""
    return request.headers.get("If-None-Match", "").removeprefix("W/") == etag


@dataclass(frozen=True, slots=True)
class Admitted:
    """An operation that somebody may see.

    Attributes:
        operation: the specific instance.
        grant: why it may be seen, and what else may be done.
    """

    operation: LiveOperation
    grant: Grant


def admit(pk: UUID, user: Any, token: str) -> Admitted | None:
    """Return an operation that a user, or whoever holds a token, may watch; None if there is none.

    Whether it does not exist or may not be seen makes no difference, not even in what it costs.
    """
    operation = snapshot.find(pk)
    grant = access.admit(operation or snapshot.stand_in(pk), user, token)
    return None if operation is None or grant is None else Admitted(operation, grant)


def admitted(request: HttpRequest, pk: UUID) -> Admitted:
    """Return an operation that the request's user may watch, or whoever has opened its share link.

    Raises:
        Http404: it does not exist, or is not for this request; the two look the same.
    """
    found = admit(pk, request.user, share_token(request, pk))
    if found is None:
        raise Http404
    return found
