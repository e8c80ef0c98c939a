"""The start page, login, the pages that start an example, and the box on that of a delivery."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views import View
from django.views.generic import TemplateView

from airports.models import Airport
from gallery.asynchronous import configured_address
from gallery.cards import CARDS
from gallery.forms import DeliverForm, FetchForm, LinksForm, NightlyForm, WarehouseForm
from gallery.models import CheckLinks, DeliverAirports, FetchCountries, NightlySummary
from liveops.models import LiveOperation
from liveops.views import CreateLiveOperationView

LAST = 5
LAST_NIGHTS = 7


class HomeView(TemplateView):
    """Show a card for each example, and the user's last operations."""

    template_name = "gallery/home.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the `cards`, `airport_count` and, for a user, the last `operations`."""
        operations: list[LiveOperation] = []
        user = self.request.user
        if user.is_authenticated:
            own = LiveOperation.objects.filter(owner=user)
            operations = [operation.specific for operation in own.order_by("-created_on")[:LAST]]
        return super().get_context_data(
            cards=CARDS, airport_count=Airport.objects.count(), operations=operations, **kwargs
        )


class StartView(CreateLiveOperationView):
    """The page of one of this app's examples, which says what its card says.

    Set `card_name` beside `model` and `form_class`.
    """

    card_name = ""
    template_name = "gallery/start.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the `card`."""
        card = next(card for card in CARDS if card.name == self.card_name)
        return super().get_context_data(card=card, **kwargs)


class FetchCreateView(StartView):
    """Ask for a part of the world; start the chain and go to its live page."""

    model = FetchCountries
    form_class = FetchForm
    card_name = "chain"


class DeliverCreateView(StartView):
    """Start a delivery, which fails unless its box is ticked, and go to its live page."""

    model = DeliverAirports
    form_class = DeliverForm
    card_name = "deliver"


class WarehouseView(LoginRequiredMixin, View):
    """Take the box on the page of a delivery."""

    http_method_names = ("post", "options")

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Store it, and go back to the page.

        Raises:
            Http404: there is no such delivery, or it is not for this user to steer.
        """
        operation = DeliverAirports.objects.filter(pk=pk).first()
        if operation is None or not operation.can_control(request.user):
            raise Http404
        form = WarehouseForm(request.POST)
        answers = form.is_valid() and form.cleaned_data["warehouse_answers"]
        # No save(): a run that is under way writes its own columns of the same row.
        DeliverAirports.objects.filter(pk=pk).update(warehouse_answers=answers)
        if answers:
            messages.success(request, gettext("The warehouse answers again. Now press Resume."))
        else:
            messages.warning(request, gettext("The warehouse does not answer."))
        return redirect(operation)


class LinksCreateView(StartView):
    """Start the check of this site's links, and go to its live page."""

    model = CheckLinks
    form_class = LinksForm
    card_name = "links"

    def form_valid(self, form: Any) -> HttpResponse:
        """Have it ask where this very request came to, unless the settings know better."""
        form.instance.address = configured_address() or self.request.build_absolute_uri("/")
        return super().form_valid(form)


class NightlyCreateView(StartView):
    """Say how cron starts it, list the last nights, and start one by hand."""

    model = NightlySummary
    form_class = NightlyForm
    card_name = "nightly"
    template_name = "gallery/start_nightly.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the last `nights` that the user may see, the newest first."""
        newest = NightlySummary.objects.order_by("-created_on")[:LAST_NIGHTS]
        user = self.request.user
        nights = [operation for operation in newest if operation.can_view(user)]
        return super().get_context_data(nights=nights, **kwargs)


class DemoLoginView(LoginView):
    """The login, which on a developer's machine says how to get in."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add `show_demo_login`: never without DEBUG."""
        return super().get_context_data(show_demo_login=settings.DEBUG, **kwargs)
