"""The controls: POSTs that steer an operation."""

from typing import Any
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.views import View

from liveops import control, store
from liveops.exceptions import ConfigurationError, InvalidStateError
from liveops.models import LiveOperation
from liveops.views.base import BaseLiveOperationMixin, visible_operation


def _asked_by_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


class _ControlView(BaseLiveOperationMixin, View):
    """A POST that changes an operation; 409 if its state or its stages do not allow that now."""

    http_method_names = ("post",)

    def handle_no_permission(self) -> HttpResponseRedirect:
        """Lead to the login and from there to the live page, for this address takes no GET.

        htmx would follow a redirect unseen, so it is told by a header to leave the page.
        """
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
        operation = visible_operation(request, pk)
        if not operation.can_control(request.user):
            raise PermissionDenied
        try:
            self.act(operation, request.user)
        except (InvalidStateError, ConfigurationError) as error:
            return HttpResponse(
                str(error),
                status=409,
                content_type="text/plain; charset=utf-8",
                headers={"X-Liveop-State": store.state_of(operation)},
            )
        if _asked_by_htmx(request):
            return HttpResponse(status=204)
        return redirect(operation.get_absolute_url())

    def act(self, operation: LiveOperation, by: Any) -> None:
        """Change the operation.

        Args:
            operation: the specific instance.
            by: the user who asks.

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
