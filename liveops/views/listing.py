"""The list of operations."""

from typing import Any

from django.apps import apps
from django.db.models import Q, QuerySet
from django.utils.text import capfirst
from django.views.generic import ListView

from liveops import access
from liveops.exceptions import UnknownOperationTypeError
from liveops.models import LiveOperation
from liveops.views.base import BaseLiveOperationMixin


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
