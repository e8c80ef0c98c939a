"""What the list and the record show of an operation beside its fields, as a ``ModelAdmin`` does it.

Names begin with ``op_``, so that no field of a project's class has the same one.
"""

from typing import Any

from django.contrib import admin
from django.db.models import F
from django.template.defaultfilters import truncatechars
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from liveops import access, numbers
from liveops.admin.labels import as_json, badge, duration, long_text, own_form
from liveops.exceptions import UnknownOperationTypeError
from liveops.models import LiveOperation
from liveops.overview.rows import title_of
from liveops.progress.forecast import forecast, not_selected
from liveops.progress.view import View
from liveops.redirects import live_url
from liveops.states import State

_WATCHER = "_liveops_admin_watcher"
_LONGEST_STATUS = 200
_FORECAST_COLUMNS = (
    "percent",
    "done",
    "total",
    "rate",
    "taken_at",
    "stage_times",
    "expected",
    "reached",
)


def watched_by(operation: LiveOperation, user: Any) -> LiveOperation:
    """Note on an instance who is shown it; what it leads to depends on that."""
    vars(operation)[_WATCHER] = user
    return operation


class OperationColumns:
    """The columns and computed fields of ``LiveOperationAdmin``."""

    admin_site: Any

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def op_state(self, obj: LiveOperation) -> SafeString:
        """Return the state as a mark and a word."""
        return badge(obj.get_state())

    @admin.display(description=gettext_lazy("operation"), ordering="operation_type")
    def op_title(self, obj: LiveOperation) -> SafeString:
        """Return what operations of this type are called, and the beginning of the id."""
        title, number = title_of(obj.operation_type), str(obj.pk)[:8]
        return format_html("{} <code>{}</code>", title, number)

    @admin.display(description=gettext_lazy("status"))
    def op_status(self, obj: LiveOperation) -> SafeString | str:
        """Return what the operation said of itself last, or why it failed: three lines at most."""
        progress = getattr(obj, "live_progress", None)
        if progress is None:
            return ""
        error = progress.error_text if obj.get_state() == State.FINISHED_ERROR else ""
        first = (error or progress.status_text).strip().partition("\n")[0]
        if not first:
            return ""
        shown = truncatechars(first, _LONGEST_STATUS)
        return format_html('<div class="liveops-admin-short" title="{0}">{0}</div>', shown)

    @admin.display(description=gettext_lazy("progress"))
    def op_percent(self, obj: LiveOperation) -> str:
        """Return how far the whole operation is, or how far it came."""
        return numbers.percent(_percent(obj)) or "–"

    @admin.display(description=gettext_lazy("created on"), ordering="created_on")
    def op_created(self, obj: LiveOperation) -> SafeString:
        """Return when it was created, to the minute; to whoever points at it, to the second."""
        shown = date_format(numbers.local(obj.created_on), "SHORT_DATETIME_FORMAT")
        exact = numbers.exactly(obj.created_on)
        return format_html('<time title="{}">{}</time>', exact, shown)

    @admin.display(
        description=gettext_lazy("duration"), ordering=F("finished_on") - F("started_on")
    )
    def op_duration(self, obj: LiveOperation) -> SafeString | str:
        """Return how long it ran, or runs until now; the record's scripts let that one tick."""
        shown = duration(obj.started_on, obj.finished_on)
        if obj.started_on is None or obj.finished_on is not None:
            return shown
        since = f"{obj.started_on.timestamp():.3f}"
        return format_html('<time data-liveop-since="{}">{}</time>', since, shown)

    @admin.display(description=gettext_lazy("result"))
    def op_result(self, obj: LiveOperation) -> SafeString | str:
        """Return the result as JSON."""
        if obj.result_context is None:
            return "–"
        return long_text(as_json(obj.result_context), _("Result"))

    @admin.display(description=gettext_lazy("stage states"))
    def op_stage_states(self, obj: LiveOperation) -> SafeString | str:
        """Return the states of the stages as JSON."""
        if not obj.stage_states:
            return "–"
        return long_text(as_json(obj.stage_states), capfirst(_("stage states")))

    @admin.display(description=gettext_lazy("traceback"))
    def op_traceback(self, obj: LiveOperation) -> SafeString:
        """Return the traceback; who may read it is decided where the fields are chosen."""
        return long_text(obj.traceback, _("Traceback"))

    @admin.display(description=gettext_lazy("continued from"))
    def op_before(self, obj: LiveOperation) -> SafeString | str:
        """Return the operation that went on with this one, as far as the watcher may know."""
        before = LiveOperation._base_manager.filter(next_operation=obj.pk).first()
        return self._neighbour(obj, before)

    @admin.display(description=gettext_lazy("went on with"))
    def op_after(self, obj: LiveOperation) -> SafeString | str:
        """Return the operation that this one went on with, as far as the watcher may know."""
        pk = obj.next_operation_id
        after = LiveOperation._base_manager.filter(pk=pk).first() if pk is not None else None
        return self._neighbour(obj, after)

    def _neighbour(self, obj: LiveOperation, other: LiveOperation | None) -> SafeString | str:
        if other is None:
            return "–"
        specific = own_form(other)
        if not access.may_watch(specific, vars(obj).get(_WATCHER)):
            return _("another operation")
        address = live_url(specific, stay=True)
        if self.admin_site.is_registered(LiveOperation):
            view = f"{self.admin_site.name}:liveops_liveoperation_change"
            address = reverse(view, args=(other.pk,))
        return format_html('<a href="{}">{}</a>', address, title_of(other.operation_type))


def _percent(operation: LiveOperation) -> float | None:
    progress = getattr(operation, "live_progress", None)
    if progress is None:
        return None
    try:
        stages = operation.specific_class().stages
    except UnknownOperationTypeError:
        stages = []
    view = View(
        state=operation.get_state(),
        current_stage=operation.current_stage,
        stage_states=operation.stage_states,
        **{name: getattr(progress, name) for name in _FORECAST_COLUMNS},
    )
    began = operation.started_on.timestamp() if operation.started_on else None
    return forecast(stages, view, began, not_selected(stages, operation.stages_to_run)).percent
