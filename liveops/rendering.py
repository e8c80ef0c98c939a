"""State in, HTML out: the regions of an operation, as fragments and as a whole container.

The only place that writes ``hx-swap-oob``. Every fragment's selector is scoped to the container
of its operation, since the same region ids appear once for each operation on a page.
"""

import logging
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.template import TemplateDoesNotExist
from django.template.loader import get_template, render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from liveops.progress.text import clean, format_counts, format_duration, format_percent, format_rate
from liveops.progress.update import Region, Update
from liveops.progress.view import Line, View
from liveops.stages import StageState
from liveops.states import State

if TYPE_CHECKING:
    from liveops.models import LiveOperation

logger = logging.getLogger("liveops")

_STAMPED = {Region.STATUS, Region.PROGRESS}


class _OperationView:
    """An operation as a template sees it: with the stages as they were shown, not as they are."""

    def __init__(self, operation: "LiveOperation", view: View) -> None:
        self._operation = operation
        self.stages = operation.stages
        self.stage_states = view.stage_states
        self.stage_headings = _stage_headings(operation)
        self.stage_attempts = _stage_attempts(view)
        self.current_stage = view.current_stage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operation, name)


def _stage_headings(operation: "LiveOperation") -> dict[str, str]:
    # Only those that say more than the name. A subclass may have a field of this name.
    given: Any = getattr(operation, "stage_headings", None)
    headings = given.items() if isinstance(given, Mapping) else ()
    return {
        name: str(heading).strip()
        for name, heading in headings
        if heading and str(heading).strip().casefold() != str(name).strip().casefold()
    }


def _stage_attempts(view: View) -> dict[str, dict[str, int]]:
    # What is stored is JSON, so only what makes sense is shown; nor is there an attempt to tell of
    # at a stage that is pending or was left out in the end.
    given: Any = view.stage_attempts
    attempts: dict[str, dict[str, int]] = {}
    for name, value in given.items() if isinstance(given, Mapping) else ():
        begun = view.stage_states.get(name, StageState.SKIPPED) != StageState.SKIPPED
        match value:
            case [int(number), int(most)] if begun and 1 <= number <= most <= sys.maxsize:
                attempts[name] = {"number": int(number), "most": int(most)}
    return attempts


def title_of(operation: "LiveOperation") -> str:
    """Return what an operation is called on pages: the verbose name of its class."""
    return capfirst(str(operation._meta.verbose_name))


def fragments(update: Update) -> SafeString:
    """Return everything that changed in an update as out-of-band fragments, without the controls.

    Controls depend on who watches, and are added at the edge by :func:`controls_fragment`.
    """
    pk, parts = update.operation.pk, []
    for region in Region:
        if region in update.regions and region not in (Region.LOG, Region.CONTROLS):
            inner = region_html(region, update.operation, update.view, update.finished)
            parts.append(_carrier(pk, region, inner, update.seq))
    if update.finished is not None:  # the result that was just replaced may hold such parts
        parts.append(swap_fragments(pk, update.view))
    if update.replace_log:
        parts.append(log_replacement(pk, (), 0))
    elif update.lines:
        parts.append(log_addition(pk, update.lines, update.skipped))
    parts.extend(_swap(pk, swap.selector, swap.mode, swap.html) for swap in update.swaps)
    return mark_safe("".join(parts))  # noqa: S308  (joined from safe parts)


def snapshot_fragments(
    operation: "LiveOperation", view: View, seq: int, log: SafeString
) -> SafeString:
    """Return all regions but the controls as they are now.

    Args:
        operation: the specific instance.
        view: what to show.
        seq: number of the last frame that the view includes.
        log: what :func:`log_replacement` or :func:`log_addition` returned.
    """
    shown = (Region.STATUS, Region.PROGRESS, Region.STAGES, Region.RESULT)
    parts = [
        _carrier(operation.pk, region, region_html(region, operation, view), seq)
        for region in shown
    ]
    parts.extend([log, swap_fragments(operation.pk, view)])
    return mark_safe("".join(parts))  # noqa: S308


def region_html(
    region: Region, operation: "LiveOperation", view: View, finished: Any = None
) -> SafeString:
    """Return the inner HTML of a region that looks the same to every watcher."""
    if region is Region.STATUS:
        return _render(
            "_status",
            view=view,
            status_text=_status_text(view),
            state=view.state,
            status_level=_status_level(view),
        )
    if region is Region.PROGRESS:
        return _render("_progress", **progress_context(view))
    if region is Region.STAGES:
        return _render("_stages", op=_OperationView(operation, view), state=view.state)
    if region is Region.RESULT:
        context = finished.result if finished is not None else operation.result_context
        return _result(operation, view, context)
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


def controls_html(
    pk: uuid.UUID,
    state: str,
    *,
    can_control: bool,
    can_debug: bool,
    cancel_requested: bool,
    csrf_token: str = "",
) -> SafeString:
    """Return the controls for one kind of watcher."""
    return _render(
        "_controls",
        op_pk=pk,
        state=state,
        can_control=can_control,
        can_debug=can_debug,
        cancel_requested=cancel_requested,
        csrf_token=csrf_token,
        cancel_url=reverse("liveops:cancel", kwargs={"pk": pk}),
        restart_url=reverse("liveops:restart", kwargs={"pk": pk}),
        traceback_url=reverse("liveops:traceback", kwargs={"pk": pk}),
    )


def controls_fragment(pk: uuid.UUID, state: str, **watcher: Any) -> SafeString:
    """Return the controls as a fragment; ``watcher`` as for :func:`controls_html`."""
    return _carrier(pk, Region.CONTROLS, controls_html(pk, state, **watcher), 0)


def log_html(lines: Sequence[Line], skipped: int) -> SafeString:
    """Return the inner HTML of the log region, with ``skipped`` earlier lines left out."""
    return _render("_log", lines=lines, skipped=skipped)


def log_replacement(pk: uuid.UUID, lines: Sequence[Line], skipped: int) -> SafeString:
    """Return a fragment that replaces the whole log."""
    return _carrier(pk, Region.LOG, log_html(lines, skipped), 0)


def log_addition(pk: uuid.UUID, lines: Iterable[Line], skipped: int) -> SafeString:
    """Return a fragment that appends lines to the log."""
    return format_html(
        '<ol data-log hx-swap-oob="beforeend:#op-{} #op-log .liveop-log-lines">{}</ol>',
        pk,
        _render("_log_lines", lines=lines, skipped=skipped),
    )


def _carrier(pk: uuid.UUID, region: Region, inner: SafeString, seq: int) -> SafeString:
    stamp = format_html(' data-seq="{}"', seq) if region in _STAMPED else ""
    return format_html(
        '<div id="op-{0}"{1} hx-swap-oob="innerHTML:#op-{2} #op-{0}">{3}</div>',
        region.value,
        stamp,
        pk,
        inner,
    )


def swap_fragments(pk: uuid.UUID, view: View) -> SafeString:
    """Return what the operation put into parts of its own, for a page that is opened now."""
    parts = (_swap(pk, selector, "innerHTML", html) for selector, html in view.swaps.items())
    return mark_safe("".join(parts))  # noqa: S308


def _swap(pk: uuid.UUID, selector: str, mode: str, html: str) -> SafeString:
    # Inside the container if the part is there; else liveops.js looks for it on the whole page.
    return format_html(
        '<div data-swap hx-swap-oob="{}:#op-{} {}">{}</div>',
        mode,
        pk,
        selector,
        mark_safe(html),  # noqa: S308  (p.html() is the one trusted door)
    )


def _render(name: str, **context: Any) -> SafeString:
    return render_to_string(f"liveops/{name}.html", context)


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


def _result(operation: "LiveOperation", view: View, context: Any) -> SafeString:
    items = [
        (clean(str(name)), clean(value) if isinstance(value, str) else value)
        for name, value in (context or {}).items()
    ]
    html = SafeString("")
    if view.state == State.FINISHED_OK and context is not None:
        html = result_html(operation, context)
    return _render(
        "_result",
        state=view.state,
        op=operation,
        error_text=view.error_text,
        result_html=html,
        result_items=[] if html or view.state != State.FINISHED_OK else items,
    )


def result_html(operation: "LiveOperation", context: dict[str, Any]) -> SafeString:
    """Return the result through the operation's own template; empty if it has none or it fails."""
    name = operation.get_result_template_name()
    try:
        template = get_template(name)
        return mark_safe(template.render({**context, "op": operation, "object": operation}))  # noqa: S308
    except Exception as error:
        if not isinstance(error, TemplateDoesNotExist) or str(error) != name:
            logger.exception("liveops: the result template %s failed; plain values are shown", name)
        elif operation.result_template_name:
            logger.warning("liveops: the result template %s does not exist", name)
        return SafeString("")
