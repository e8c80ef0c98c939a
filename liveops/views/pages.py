"""Pages: start an operation, watch it, read its traceback."""

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.text import capfirst
from django.views import View
from django.views.generic import CreateView, DetailView

from liveops import access
from liveops.chain import follow
from liveops.models import LiveOperation
from liveops.views.base import BaseLiveOperationMixin, visible_operation


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
    """The live page of one operation, of any class.

    One that went on with another leads there, if the user may see that one; ``?stay`` stays.
    """

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page, or lead to where the operation went on."""
        if "stay" not in request.GET:
            operation = self.get_object()
            after = follow(operation, lambda following: following.can_view(request.user))
            if after.operation.pk != operation.pk:
                return redirect(after.operation.get_absolute_url())
        return super().get(request, *args, **kwargs)

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
