"""Pages: start an operation, watch it, read its traceback."""

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import router, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.views import View
from django.views.generic import CreateView, DetailView

from liveops import access, limits, rendering, snapshot
from liveops.chain import take_last
from liveops.exceptions import TooManyRunningError
from liveops.models import LiveOperation
from liveops.redirects import live_url
from liveops.views.base import Admitted, BaseLiveOperationMixin, admitted


class CreateLiveOperationView(BaseLiveOperationMixin, CreateView):  # type: ignore[type-arg]
    """A form that creates an operation for the user, enqueues it and leads to its live page.

    Set ``model`` and ``fields`` or ``form_class`` as for Django's ``CreateView``.
    """

    # Django's form views take a PUT for a POST, and without a body it fills a form of nothing.
    http_method_names = ("get", "head", "options", "post")
    template_name_suffix = "_form"

    def get_template_names(self) -> list[str]:
        """Return the model's own form template, then the built-in one."""
        return [*super().get_template_names(), "liveops/operation_form.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``title``: the operation's verbose name."""
        title = capfirst(self.model._meta.verbose_name)
        return super().get_context_data(**{"title": title, **kwargs})

    def form_valid(self, form: Any) -> HttpResponse:
        """Save the operation, enqueue it, and go to its live page.

        Whoever has too many already gets the form again, with 429, and nothing is saved.
        """
        user, alias = self.request.user, router.db_for_write(self.model)
        form.instance.owner = user
        try:
            limits.require_room(user.pk, alias)  # before files are stored, which nobody takes back
            with transaction.atomic(using=alias):
                operation = form.save()
                operation.enqueue()
        except TooManyRunningError as error:
            form.add_error(None, str(error))
            return self.render_to_response(self.get_context_data(form=form), status=429)
        self.object = operation
        return HttpResponseRedirect(live_url(operation))


class LiveOperationView(BaseLiveOperationMixin, DetailView):  # type: ignore[type-arg]
    """The live page of one operation, of any class.

    One that went on with another leads there, if the user may see that one; ``?stay`` stays.
    Whoever has opened a share link sees this one.
    """

    is_shared = True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page, or lead to where the operation went on."""
        operation = self.get_object()
        if "stay" in request.GET:
            self._taken = snapshot.take(operation)
        else:
            self._taken = take_last(
                operation, lambda following: access.may_watch(following, request.user)
            )
        if self._taken.operation.pk != operation.pk:
            return HttpResponseRedirect(live_url(self._taken.operation))
        return super().get(request, *args, **kwargs)

    @cached_property
    def _taken(self) -> snapshot.Snapshot:
        """What the page shows, all of it: the operation may go on while it is rendered."""
        return snapshot.take(self.object)

    def get_object(self, queryset: Any = None) -> LiveOperation:
        """Return the operation, or 404 for whoever may not watch it."""
        operation = self.admitted.operation
        wanted: type[LiveOperation] | None = self.model
        if wanted is not None and not isinstance(operation, wanted):
            raise Http404
        return operation

    def get_template_names(self) -> list[str]:
        """Return the operation's own template, then the built-in one."""
        return [self.object.get_host_template_name(), "liveops/operation.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``op`` as ``taken``, its ``title`` and ``state``, and the ``grant`` to show it.

        ``page_title`` tells it from others of its class, too. With ``is_guest`` somebody has
        nothing but a share link: nothing may lead elsewhere.
        """
        return super().get_context_data(
            op=self._taken.operation,
            taken=self._taken,
            title=rendering.title_of(self._taken.operation),
            page_title=rendering.page_title_of(self._taken.operation),
            state=self._taken.view.state,
            grant=self.admitted.grant,
            is_guest=not access.may_enter(self.request.user),
            **kwargs,
        )

    @cached_property
    def admitted(self) -> Admitted:
        """The operation and why it may be seen; 404 for whoever may not."""
        return admitted(self.request, self.kwargs["pk"])


class TracebackView(BaseLiveOperationMixin, View):
    """The traceback of a failed operation, as plain text, for those with permission."""

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Return the traceback; 403 without permission, 404 if there is none."""
        found = admitted(request, pk)
        if not found.grant.can_debug:
            raise PermissionDenied
        if not found.operation.traceback:
            raise Http404
        return HttpResponse(found.operation.traceback, content_type="text/plain; charset=utf-8")
