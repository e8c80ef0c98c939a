"""The regions that look the same to every watcher."""

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.template import Context, Template
from django.template.loader import get_template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from liveops.progress.text import clean
from liveops.progress.update import Region
from liveops.progress.view import View
from liveops.rendering.common import render
from liveops.rendering.controls import cancelling_text
from liveops.rendering.progress import progress_context
from liveops.rendering.result import result_region
from liveops.rendering.stepper import OperationView, is_heading
from liveops.stages import StageState
from liveops.states import State

if TYPE_CHECKING:
    from liveops.models import LiveOperation


def region_html(
    region: Region,
    operation: "LiveOperation",
    view: View,
    finished: Any = None,
    *,
    now: float | None = None,
) -> SafeString:
    """Return the inner HTML of a region that looks the same to every watcher.

    Args:
        region: which one; the log and the controls are rendered elsewhere.
        operation: the operation.
        view: what to show.
        finished: set in the last update of a run.
        now: seconds since the epoch that clocks are to show; left out, they show the moment of
            the view, so that one view always gives the same HTML.
    """
    if region is Region.STATUS:
        text, level = _status(operation, view)
        times = times_text(operation)
        return render(
            "_status",
            view=view,
            status_text=text,
            status_level=level,
            state=view.state,
            times=times,
            badge=badge_html(view.state, times),
        )
    if region is Region.PROGRESS:
        return render("_progress", **progress_context(operation, view, now))
    if region is Region.STAGES:
        return render("_stages", op=OperationView(operation, view, now), state=view.state)
    if region is Region.RESULT:
        context = finished.result if finished is not None else operation.result_context
        return result_region(operation, view, context)
    raise ValueError(f"{region} is not rendered for everybody.")


def badge_html(state: str, title: str) -> SafeString:
    """Return a state with its icon.

    Args:
        state: the state.
        title: what is told to whoever points at it.
    """
    template: Any = get_template("liveops/_state_badge.html")
    return _badge_html(template.template, state, title, get_language())


@lru_cache(maxsize=1_000)  # each frame of a run has the same; a template that changed is another
def _badge_html(template: Template, state: str, title: str, _language: str | None) -> SafeString:
    return template.render(Context({"state": state, "title": title}))


def times_text(operation: "LiveOperation") -> str:
    """Return when the operation was created, began and ended, to the second, a line for each."""
    times = (getattr(operation, f"{name}_on", None) for name in ("created", "started", "finished"))
    return _times_text(*times, get_language(), timezone.get_current_timezone_name())


@lru_cache(maxsize=1_000)  # each frame of a run asks for the same
def _times_text(
    created: datetime | None,
    started: datetime | None,
    ended: datetime | None,
    _language: str | None,
    _timezone: str,
) -> str:
    texts = (
        (_("Created %(time)s"), created),
        (_("Started %(time)s"), started),
        (_("Ended %(time)s"), ended),
    )
    return "\n".join(text % {"time": _exactly(time)} for text, time in texts if time is not None)


def _exactly(time: datetime) -> str:
    local = timezone.localtime(time) if timezone.is_aware(time) else time
    return date_format(local, "Y-m-d H:i:s T")


def _status(operation: "LiveOperation", view: View) -> tuple[str, str]:
    """Return the text beside the state and its level: what user code said, or what happens."""
    if view.state == State.STARTED and view.cancel_requested:
        return cancelling_text(view), view.status_level
    waiting = [name for name, s in view.stage_states.items() if s == StageState.RETRYING]
    says_nothing = not view.status_text or is_heading(operation, view.status_text)
    if view.state == State.STARTED and waiting and says_nothing:
        return _("Waiting to try “%(stage)s” again") % {"stage": clean(waiting[-1])}, "warning"
    return view.status_text, view.status_level
