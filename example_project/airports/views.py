"""The pages of the example: home, the form that starts an import, two operations at once, login."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LoginView
from django.http import Http404
from django.views.generic import TemplateView

from airports.forms import ImportForm
from airports.models import Airport, ImportAirports
from liveops.models import LiveOperation
from liveops.views import CreateLiveOperationView

LAST_IMPORTS = 5


class HomeView(TemplateView):
    """Say what this is, and list the user's last imports."""

    template_name = "airports/home.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add `airport_count` and, for a user, the last `imports`, the newest first."""
        imports: list[ImportAirports] = []
        user = self.request.user
        if user.is_authenticated:
            own = ImportAirports.objects.filter(owner=user)
            imports = list(own.order_by("-created_on")[:LAST_IMPORTS])
        return super().get_context_data(
            airport_count=Airport.objects.count(), imports=imports, **kwargs
        )


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


class DemoLoginView(LoginView):
    """The login, which on a developer's machine says how to get in."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add `show_demo_login`: never without DEBUG."""
        return super().get_context_data(show_demo_login=settings.DEBUG, **kwargs)
