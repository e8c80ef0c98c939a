"""Pages: start an operation, watch it, list operations; and the controls."""

import hashlib
import logging
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.text import capfirst
from django.views import View
from django.views.generic import CreateView, DetailView, ListView

from liveops import access, control, snapshot
from liveops.conf import get_settings
from liveops.exceptions import InvalidStateError, UnknownOperationTypeError
from liveops.models import LiveOperation
from liveops.subscription import look_up

logger = logging.getLogger("liveops")


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


def visible_operation(request: HttpRequest, pk: UUID) -> LiveOperation:
    """Return the specific instance of an operation that the request's user may watch.

    Raises:
        Http404: it does not exist, or is not for this user; the two look the same.
    """
    operation = snapshot.find(pk)
    if operation is None or not operation.can_view(request.user):
        raise Http404
    return operation


class CreateLiveOperationView(BaseLiveOperationMixin, CreateView):  # type: ignore[type-arg]
    """A form that creates an operation for the user, enqueues it and leads to its live page.

    Set ``model`` and ``fields`` or ``form_class`` as for Django's ``CreateView``.
    """

    template_name_suffix = "_form"

    def get_template_names(self) -> list[str]:
        """Return the model's own form template, then the built-in one."""
        return [*super().get_template_names(), "liveops/operation_form.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``title``: the operation's verbose name."""
        title = capfirst(self.model._meta.verbose_name)
        return super().get_context_data(**{"title": title, **kwargs})

    def form_valid(self, form: Any) -> HttpResponse:
        """Save the operation, enqueue it, and go to its live page."""
        form.instance.owner = self.request.user
        self.object = form.save()
        self.object.enqueue()
        return HttpResponseRedirect(self.object.get_absolute_url())


class LiveOperationView(BaseLiveOperationMixin, DetailView):  # type: ignore[type-arg]
    """The live page of one operation, of any class."""

    def get_object(self, queryset: Any = None) -> LiveOperation:
        """Return the operation, or 404 for whoever may not watch it."""
        operation = visible_operation(self.request, self.kwargs["pk"])
        wanted: type[LiveOperation] | None = self.model
        if wanted is not None and not isinstance(operation, wanted):
            raise Http404
        return operation

    def get_template_names(self) -> list[str]:
        """Return the operation's own template, then the built-in one."""
        return [self.object.get_host_template_name(), "liveops/operation.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``op``, its ``title`` and its ``state``."""
        return super().get_context_data(
            op=self.object,
            title=capfirst(self.object._meta.verbose_name),
            state=self.object.get_state(),
            **kwargs,
        )


class LiveOperationListView(BaseLiveOperationMixin, ListView):  # type: ignore[type-arg]
    """The operations that the user may watch, newest first."""

    model = LiveOperation
    template_name = "liveops/operation_list.html"
    paginate_by = 25

    def get_queryset(self) -> QuerySet[LiveOperation]:
        """Return the user's own operations, and those that permissions let the user watch."""
        operations = LiveOperation.objects.select_related("owner", "live_progress")
        if self.model is not LiveOperation:
            operations = operations.filter(operation_type=self.model._meta.label)
        user = self.request.user
        if not access.sees_everything(user):
            allowed = [label for label in _labels() if access.sees_all_of(label, user)]
            operations = operations.filter(Q(owner=user.pk) | Q(operation_type__in=allowed))
        return operations.order_by("-created_on", "pk")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Turn the page's operations into rows for the template."""
        context = super().get_context_data(**kwargs)
        context["rows"] = [_row(operation) for operation in context["object_list"]]
        return context


def _labels() -> list[str]:
    return [m._meta.label for m in apps.get_models() if issubclass(m, LiveOperation)]


def _row(operation: LiveOperation) -> dict[str, Any]:
    progress = getattr(operation, "live_progress", None)
    label = operation.operation_type
    try:
        title = capfirst(operation.specific_class()._meta.verbose_name)
    except UnknownOperationTypeError:
        title = label
    return {
        "op": operation,
        "title": title,
        "state": operation.get_state(),
        "percent": progress.percent if progress is not None else None,
        "status_text": progress.status_text if progress is not None else "",
    }


def _asked_by_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


class _ControlView(BaseLiveOperationMixin, View):
    """A POST that changes an operation; 409 if its state does not allow that any more."""

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
            self.act(operation)
        except InvalidStateError as error:
            return HttpResponse(str(error), status=409, content_type="text/plain; charset=utf-8")
        if _asked_by_htmx(request):
            return HttpResponse(status=204)
        return redirect(operation.get_absolute_url())

    def act(self, operation: LiveOperation) -> None:
        """Change the operation.

        Raises:
            InvalidStateError: it is not in a state that allows the change.
        """
        raise NotImplementedError


class CancelView(_ControlView):
    """Ask a run to stop."""

    def act(self, operation: LiveOperation) -> None:
        """Cancel the operation."""
        control.cancel(operation)


class RestartView(_ControlView):
    """Run an operation that has ended once more, from the start."""

    def act(self, operation: LiveOperation) -> None:
        """Restart the operation."""
        control.restart(operation)


class TracebackView(BaseLiveOperationMixin, View):
    """The traceback of a failed operation, as plain text, for those with permission."""

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Return the traceback; 403 without permission, 404 if there is none."""
        operation = visible_operation(request, pk)
        if not access.can_debug(operation, request.user):
            raise PermissionDenied
        if not operation.traceback:
            raise Http404
        return HttpResponse(operation.traceback, content_type="text/plain; charset=utf-8")


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
