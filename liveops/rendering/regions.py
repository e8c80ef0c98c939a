"""The regions that look the same to every watcher."""

from typing import TYPE_CHECKING, Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from liveops.progress.text import format_counts, format_duration, format_percent, format_rate
from liveops.progress.update import Region
from liveops.progress.view import View
from liveops.rendering.common import render
from liveops.rendering.result import result_region
from liveops.rendering.stepper import OperationView
from liveops.states import State

if TYPE_CHECKING:
    from liveops.models import LiveOperation


def region_html(
    region: Region, operation: "LiveOperation", view: View, finished: Any = None
) -> SafeString:
    """Return the inner HTML of a region that looks the same to every watcher."""
    if region is Region.STATUS:
        return render(
            "_status",
            view=view,
            status_text=_status_text(view),
            state=view.state,
            status_level=_status_level(view),
        )
    if region is Region.PROGRESS:
        return render("_progress", **progress_context(view))
    if region is Region.STAGES:
        return render("_stages", op=OperationView(operation, view), state=view.state)
    if region is Region.RESULT:
        context = finished.result if finished is not None else operation.result_context
        return result_region(operation, view, context)
    raise ValueError(f"{region} is not rendered for everybody.")


def progress_context(view: View) -> dict[str, Any]:
    """Return the values that ``liveops/_progress.html`` is given."""
    running = view.state == State.STARTED
    percent = 100.0 if view.state == State.FINISHED_OK else view.percent
    return {
        "state": view.state,
        "percent": percent,
        "percent_label": format_percent(percent),
        "label": view.label,
        "counts": "" if view.done is None else format_counts(view.done, view.total, view.unit),
        "rate": format_rate(view.rate, view.unit) if running else "",
        "eta": format_duration(view.eta) if running and view.total is not None else "",
    }


def _status_text(view: View) -> str:
    # The template names the state itself; this is what user code said, or what is about to happen.
    if view.state == State.STARTED and view.cancel_requested:
        return _("Cancelling…")
    return view.status_text


def _status_level(view: View) -> str:
    endings = {
        State.FINISHED_OK: "success",
        State.FINISHED_ERROR: "error",
        State.CANCELLED: "warning",
        State.INTERRUPTED: "warning",
    }
    return endings.get(State(view.state), view.status_level)
