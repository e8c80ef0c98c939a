"""Filters of the list."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from liveops.admin.labels import state_word
from liveops.models import LiveOperation
from liveops.overview.rows import title_of
from liveops.states import State


class StateFilter(admin.SimpleListFilter):
    """By state."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return all states: what is not there now may be there after a reload."""
        return [(state.value, state_word(state.value)) for state in State]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[LiveOperation]
    ) -> QuerySet[LiveOperation]:
        """Keep the operations in the chosen state."""
        return queryset.filter(state=self.value()) if self.value() else queryset


class TypeFilter(admin.SimpleListFilter):
    """By type: of those that the user may see."""

    title = _("type")
    parameter_name = "operation_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the types that there are."""
        found = model_admin.get_queryset(request).order_by()
        labels = found.values_list("operation_type", flat=True).distinct()
        return sorted(
            ((label, title_of(label)) for label in labels), key=lambda entry: entry[1].casefold()
        )

    def has_output(self) -> bool:
        """Return whether there is something to choose."""
        return len(self.lookup_choices) > 1 or self.value() is not None

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[LiveOperation]
    ) -> QuerySet[LiveOperation]:
        """Keep the operations of the chosen type."""
        return queryset.filter(operation_type=self.value()) if self.value() else queryset
