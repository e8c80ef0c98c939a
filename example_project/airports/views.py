"""The pages of the import: the form that starts one, and two operations at once."""

from typing import Any
from uuid import UUID

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404
from django.views.generic import TemplateView

from airports.forms import ImportForm
from airports.models import ImportAirports
from liveops.models import LiveOperation
from liveops.views import CreateLiveOperationView


class ImportCreateView(CreateLiveOperationView):
    """Ask for a file and a speed; start the import and go to its live page."""

    model = ImportAirports
    form_class = ImportForm


class BothView(LoginRequiredMixin, TemplateView):
    """Show two operations on one page."""

    template_name = "airports/both.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the two `operations`."""
        operations = [self.find(self.kwargs[name]) for name in ("first", "second")]
        return super().get_context_data(operations=operations, **kwargs)

    def find(self, pk: UUID) -> LiveOperation:
        """Return an operation that the user may watch.

        Raises:
            Http404: there is none, or it is not for this user; the two look the same.
        """
        operation = LiveOperation.objects.filter(pk=pk).first()
        if operation is None or not operation.can_view(self.request.user):
            raise Http404
        return operation.specific
