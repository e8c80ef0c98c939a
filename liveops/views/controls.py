"""The controls: POSTs that steer an operation."""

from typing import Any
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils import translation
from django.views import View

from liveops import control, store
from liveops.exceptions import ConfigurationError, InvalidStateError, TooManyRunningError
from liveops.models import LiveOperation
from liveops.redirects import live_url
from liveops.views.base import BaseLiveOperationMixin, admitted


def _asked_by_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


class _ControlView(BaseLiveOperationMixin, View):
    """A POST that changes an operation; 409 if that cannot be done to it as things stand."""

    http_method_names = ("post",)
    is_shared = True

    def handle_no_permission(self) -> HttpResponseRedirect:
        """Lead to the login and from there to the live page, for this address takes no GET.

        htmx would follow a redirect unseen, so it is told by a header to leave the page.
        """
        if self.request.user.is_authenticated:
            raise PermissionDenied
        live = reverse("liveops:live", kwargs={"pk": self.kwargs["pk"]})
        login = redirect_to_login(
            live, resolve_url(self.get_login_url()), self.get_redirect_field_name()
        )
        if _asked_by_htmx(self.request):
            login.status_code = 401
            login.headers["HX-Redirect"] = login.url
            del login.headers["Location"]
        return login

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Act, and lead back to the live page; htmx gets 204, for its page goes on by itself."""
        found = admitted(request, pk)
        operation, grant = found.operation, found.grant
        if not grant.can_control:
            raise PermissionDenied
        by = grant if grant.kind == "share" else request.user
        try:
            with translation.override(operation.language):  # of where a refusal is shown
                self.act(operation, by)
        except (InvalidStateError, ConfigurationError, TooManyRunningError) as error:
            return HttpResponse(
                str(error),
                status=409,
                content_type="text/plain; charset=utf-8",
                headers={"X-Liveop-State": store.state_of(operation)},
            )
        if _asked_by_htmx(request):
            return HttpResponse(status=204)
        # The cookie of a share link is good for the built-in page only.
        built_in = reverse("liveops:live", kwargs={"pk": pk})
        return HttpResponseRedirect(built_in if grant.kind == "share" else live_url(operation))

    def act(self, operation: LiveOperation, by: Any) -> None:
        """Change the operation.

        Args:
            operation: the specific instance.
            by: the user who asks, or the grant of a share link.

        Raises:
            InvalidStateError: it is not in a state that allows the change.
        """
        raise NotImplementedError


class CancelView(_ControlView):
    """Ask a run to stop."""

    def act(self, operation: LiveOperation, by: Any) -> None:
        """Cancel the operation."""
        control.cancel(operation, by)


class ResumeView(_ControlView):
    """Go on with an operation that failed, was cancelled or interrupted."""

    def act(self, operation: LiveOperation, by: Any) -> None:
        """Resume the operation."""
        control.resume(operation, by)


class RestartView(_ControlView):
    """Run an operation that has ended once more, from the start."""

    def act(self, operation: LiveOperation, by: Any) -> None:
        """Restart the operation."""
        control.restart(operation, by)
