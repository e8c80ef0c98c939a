"""``LiveOperationAdmin``: operations in Django's admin, by the same rule as everywhere else."""

from typing import Any, ClassVar

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.forms import modelform_factory
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from liveops import access
from liveops.admin import record
from liveops.admin.actions import ControlActions
from liveops.admin.columns import OperationColumns, watched_by
from liveops.admin.deletion import deleted_objects
from liveops.admin.filters import StateFilter, TypeFilter
from liveops.admin.labels import own_form
from liveops.admin.lookups import can_be_answered, is_storable
from liveops.guarded_classes import own_rules
from liveops.models import LiveOperation
from liveops.overview.filters import Filters
from liveops.overview.rows import title_of
from liveops.redirects import live_url
from liveops.rendering.common import said_of
from liveops.states import State

_BY_OWNER = ("owner", admin.RelatedOnlyFieldListFilter)


_KEPT_BACK = {"traceback", "next_operation", "next_operation_id", "previous_operation"}


def _is_kept_back(lookup: Any) -> bool:
    """Return whether a column or lookup is about what not every watcher of a record may see."""
    parts = str(lookup).split("__") if isinstance(lookup, str) else ()
    return not _KEPT_BACK.isdisjoint(parts)


def _labels(model: type[LiveOperation]) -> set[str]:
    """Return the labels of a class and of those that derive from it."""
    return {found._meta.label for found in apps.get_models() if issubclass(found, model)}


class OperationChangeList(ChangeList):
    """Does not load what may be long and no column shows."""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[LiveOperation]:
        """Return the operations of the list.

        Raises:
            IncorrectLookupParameters: the address holds what not every database takes for a text.
        """
        if not all(map(is_storable, request.GET.lists())):
            raise IncorrectLookupParameters
        found: QuerySet[LiveOperation] = super().get_queryset(request, exclude_parameters)
        return found.defer("traceback", "result_context", "live_progress__swaps")


class LiveOperationAdmin(ControlActions, OperationColumns, admin.ModelAdmin):  # type: ignore[type-arg]
    """The operations that a member of staff may watch, and one operation with its live page.

    Registered for :class:`LiveOperation`; a project may register a class of its own with it, or
    with a subclass. Nothing can be added or edited; what can be done is done by the controls of
    the live page and by the actions of the list. Every record is shown as its own class.
    """

    # For mypy a subclass may set what Django takes, not only as many names as here.
    list_display: Any = (
        "op_state",
        "op_title",
        "op_status",
        "op_percent",
        "owner",
        "op_created",
        "op_duration",
    )
    list_display_links: Any = ("op_title",)
    list_filter: ClassVar[Any] = (StateFilter, TypeFilter, _BY_OWNER)
    list_select_related: ClassVar[Any] = ("owner", "live_progress")
    list_per_page = 50
    show_full_result_count = False
    date_hierarchy = "created_on"
    ordering: ClassVar[Any] = ("-created_on",)
    search_fields: ClassVar[Any] = ("operation_type",)
    search_help_text = _("Beginning of the id, type, owner, status or error")
    actions: Any = (
        "cancel_selected",
        "resume_selected",
        "restart_selected",
        "revoke_shares_selected",
        "delete_selected",
    )
    change_form_template = "liveops/admin/record.html"

    class Media:
        css = {"all": ("liveops/liveops.css", "liveops/liveops-admin.css")}

    # Who may

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may see something here."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may watch the operation, or any at all."""
        if obj is None:
            return self._may_some(request, "view", "change")
        return access.may_watch(own_form(obj), request.user)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: operations are started by the project's own pages and commands."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: a record is read."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may delete the operation, which must not be running."""
        if obj is None:
            return bool(self._open_classes(request, "delete")) and self.has_view_permission(request)
        operation = own_form(obj)
        return operation.get_state() != State.STARTED and access.can_delete(operation, request.user)

    def has_control_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may steer any operation here, which the actions ask."""
        return self._may_some(request, "change")

    def _may_some(self, request: HttpRequest, *actions: str) -> bool:
        known: dict[Any, bool] = vars(request).setdefault("_liveops_admin", {})
        key = (self.model, actions)
        if key not in known:
            known[key] = bool(self._open_classes(request, *actions)) or (
                access.may_enter(request.user) and self._some_are_theirs(request)
            )
        return known[key]

    def _some_are_theirs(self, request: HttpRequest) -> bool:
        if self.model._default_manager.filter(owner=request.user.pk).exists():
            return True
        return bool(own_rules()) and self.get_queryset(request).exists()

    def _open_classes(self, request: HttpRequest, *actions: str) -> set[str]:
        return set(access.open_classes(request.user, *actions)) & _labels(self.model)

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[LiveOperation]:
        """Return the operations that the user may watch."""
        found: QuerySet[LiveOperation] = super().get_queryset(request)
        if self.model._meta.proxy:  # its table holds the operations of other classes too
            found = found.filter(operation_type__in=_labels(self.model))
        return found.filter(access.visible_to(request.user))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the class of the list."""
        return OperationChangeList

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Offer the filter by owner to those who see what others own."""
        given = [
            entry
            for entry in super().get_list_filter(request)
            if not _is_kept_back(entry[0] if isinstance(entry, list | tuple) else entry)
        ]
        if self._open_classes(request, "view", "change"):
            return given
        return [entry for entry in given if entry != _BY_OWNER]

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns; no row can be asked who may see the kept back ones."""
        return [name for name in super().get_list_display(request) if not _is_kept_back(name)]

    def get_search_fields(self, request: HttpRequest) -> Any:
        """Return what is searched, without what may be kept back."""
        given = super().get_search_fields(request)
        return [name for name in given if not _is_kept_back(name.lstrip("^=@"))]

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """Refuse to filter by what may be kept back: the answers would tell it bit by bit.

        And by what a database may fail at.
        """
        if _is_kept_back(lookup) or not can_be_answered(self.model, lookup, self.date_hierarchy):
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Return whether others may refer to operations by a field; by a relation they cannot."""
        columns = {field.name for field in self.opts.concrete_fields}
        return to_field in columns and super().to_field_allowed(request, to_field)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find what the list of the live pages would find, and what ``search_fields`` adds."""
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        if text := search_term.strip():
            found |= queryset.filter(Filters(text=text).condition)
        return found, may_have_duplicates

    # One record

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> LiveOperation | None:
        """Return the operation as its own class; None for whoever may not watch it.

        One whose ``__str__`` fails is returned as it was found: Django heads the page with it.
        """
        found: LiveOperation | None = super().get_object(request, object_id, from_field)
        if found is None or not self.has_view_permission(request, found):
            return None
        specific = own_form(found)
        return watched_by(found if said_of(specific) is None else specific, request.user)

    def get_form(
        self, request: HttpRequest, obj: Any | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return a form without fields: it lends its labels to what is shown."""
        if obj is None:
            return super().get_form(request, obj, change=change, **kwargs)
        return modelform_factory(type(obj), fields=())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields of the operation's own class, then those of its run.

        A subclass that sets ``fieldsets`` or ``fields`` shows those; the traceback and the next
        operation of a chain are kept from whoever may not see them all the same.
        """
        if self.fieldsets or self.fields:
            given: Any = list(super().get_fieldsets(request, obj))
        else:
            left_out = set(self.get_exclude(request, obj) or ())
            own = [*record.own_fields(type(obj or self.model())), *self.readonly_fields]
            shown = list(dict.fromkeys(str(name) for name in own if name not in left_out))
            given = record.without(record.fieldsets(shown, obj), left_out)
        hidden = {"next_operation"}
        if obj is None or not own_form(obj).can_debug(request.user):
            hidden |= {"traceback", "op_traceback"}
        return record.without(given, hidden)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add what the record shows beside fields."""
        operation = kwargs.get("obj")
        if operation is not None:
            context["title"] = title_of(operation.operation_type)
            if str(operation) == LiveOperation.__str__(operation):
                context["subtitle"] = str(operation.pk)[:8]
            context["op_is_running"] = not State(operation.get_state()).is_final
            specific = own_form(operation)
            context["op_tables"] = record.tables(
                operation,
                commands=specific.can_debug(request.user),
                shares=specific.can_control(request.user),
            )
        return super().render_change_form(request, context, *args, **kwargs)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what would be deleted, without loading the logs."""
        return deleted_objects(objs, request, self.admin_site)

    def view_on_site(self, obj: LiveOperation) -> str:
        """Return the address of the live page, for a record that stays."""
        return live_url(obj, stay=True)
