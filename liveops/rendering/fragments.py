"""Fragments: what is pushed to pages. The only place that writes ``hx-swap-oob``.

Every fragment's selector is scoped to the container of its operation, since the same region ids
appear once for each operation on a page.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from liveops.progress.update import Region, Update
from liveops.progress.view import Line, View
from liveops.rendering.controls import controls_html
from liveops.rendering.log import log_html, log_lines_html
from liveops.rendering.regions import region_html

if TYPE_CHECKING:
    from liveops.models import LiveOperation

_STAMPED = {Region.STATUS, Region.PROGRESS}


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
        parts.append(log_replacement(update.operation, update.view, (), 0))
    elif update.lines:
        lines = log_addition(update.operation, update.view, update.lines, update.skipped)
        parts.append(lines)
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
    return mark_safe("".join(parts))  # noqa: S308  (joined from safe parts)


def controls_fragment(pk: uuid.UUID, state: str, **watcher: Any) -> SafeString:
    """Return the controls as a fragment; ``watcher`` as for :func:`controls_html`."""
    return _carrier(pk, Region.CONTROLS, controls_html(pk, state, **watcher), 0)


def log_replacement(
    operation: "LiveOperation", view: View, lines: Sequence[Line], first_line: int
) -> SafeString:
    """Return a fragment that replaces the whole log; arguments as for :func:`log_html`."""
    return _carrier(operation.pk, Region.LOG, log_html(operation, view, lines, first_line), 0)


def log_addition(
    operation: "LiveOperation", view: View, lines: Iterable[Line], skipped: int
) -> SafeString:
    """Return a fragment that appends lines to the log; arguments as for :func:`log_lines_html`."""
    return format_html(
        '<div data-log hx-swap-oob="beforeend:#op-{} #op-log .liveop-log-lines">{}</div>',
        operation.pk,
        log_lines_html(operation, view, lines, skipped=skipped),
    )


def next_fragment(pk: uuid.UUID, inner: SafeString) -> SafeString:
    """Return as a fragment what a watcher is told of the chain around an operation."""
    return format_html(
        '<div id="op-next" hx-swap-oob="innerHTML:#op-{} #op-next">{}</div>', pk, inner
    )


def swap_fragments(pk: uuid.UUID, view: View) -> SafeString:
    """Return what the operation put into parts of its own, for a page that is opened now."""
    parts = (_swap(pk, selector, "innerHTML", html) for selector, html in view.swaps.items())
    return mark_safe("".join(parts))  # noqa: S308  (joined from safe parts)


def _swap(pk: uuid.UUID, selector: str, mode: str, html: str) -> SafeString:
    # Inside the container if the part is there; else liveops.js looks for it on the whole page.
    return format_html(
        '<div data-swap hx-swap-oob="{}:#op-{} {}">{}</div>',
        mode,
        pk,
        selector,
        mark_safe(html),  # noqa: S308  (p.html() is the one trusted door)
    )


def _carrier(pk: uuid.UUID, region: Region, inner: SafeString, seq: int) -> SafeString:
    # Not by format_html(), which takes longer: what else is put in has nothing to be escaped.
    name, stamp = f"op-{region.value}", f' data-seq="{seq:d}"' if region in _STAMPED else ""
    head = f'<div id="{name}"{stamp} hx-swap-oob="innerHTML:#op-{pk} #{name}">'
    return mark_safe(f"{head}{conditional_escape(inner)}</div>")  # noqa: S308  (joined from safe parts)
