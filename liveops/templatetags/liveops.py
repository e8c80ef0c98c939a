"""Template tags: ``{% load liveops %}``."""

import json
from typing import Any

from django import template
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django_htmx.jinja import htmx_script

from liveops import access, rendering, snapshot
from liveops.models import LiveOperation
from liveops.progress.update import Region
from liveops.routing import SOCKET_PATH
from liveops.states import State

register = template.Library()


@register.filter
def get_item(mapping: Any, key: Any) -> Any:
    """Return ``mapping[key]``, or an empty string without such a key."""
    return mapping.get(key, "") if mapping else ""


@register.simple_tag(takes_context=True)
def liveops_assets(context: template.Context) -> SafeString:
    """Return the style sheet and the scripts that a live page needs: htmx and our own.

    With a ``csp_nonce`` in the context, as Django's own policy provides it, all carry the nonce.
    """
    nonce = context.get("csp_nonce")
    stamp = format_html(' nonce="{}"', nonce) if nonce else ""
    return format_html(
        '<link rel="stylesheet" href="{}"{}>\n{}\n<script src="{}" defer{}></script>',
        static("liveops/liveops.css"),
        stamp,
        htmx_script(version=2, nonce=nonce),
        static("liveops/liveops.js"),
        stamp,
    )


@register.simple_tag(takes_context=True)
def live_operation(context: template.Context, operation: LiveOperation) -> SafeString:
    """Return the live container of an operation; any number of them may stand on a page.

    Whoever is shown this page may watch the operation: a signed token stands in the container, so
    that a page may also show an operation to people without a session.
    """
    request = context.get("request")
    user = getattr(request, "user", None)
    pk = operation.pk
    fresh = snapshot.find(pk)
    if fresh is None:
        return SafeString("")
    csrf_token = get_token(request) if request is not None else ""
    with translation.override(fresh.language):
        taken = snapshot.take(fresh)
        view = taken.view
        regions = {
            region.value: rendering.region_html(region, taken.operation, view)
            for region in (Region.STATUS, Region.PROGRESS, Region.STAGES, Region.RESULT)
        }
        controls = rendering.controls_html(
            pk,
            view.state,
            can_control=fresh.can_control(user),
            can_debug=access.can_debug(fresh, user),
            cancel_requested=view.cancel_requested,
            csrf_token=csrf_token,
        )
        return render_to_string(
            "liveops/_operation.html",
            {
                "op": taken.operation,
                "pk": pk,
                "state": view.state,
                "finished": State(view.state).is_final,
                "socket_path": SOCKET_PATH,
                "token": fresh.subscription_token,
                "snapshot_url": reverse("liveops:snapshot", kwargs={"pk": pk}),
                "csrf_token": csrf_token,
                "csrf_headers": json.dumps({"X-CSRFToken": csrf_token}),
                "extra": mark_safe(view.swaps.get("#op-extra", "")),  # noqa: S308
                "swaps": rendering.swap_fragments(pk, view),
                "log": rendering.log_html(taken.lines, taken.skipped),
                "controls": controls,
                **regions,
            },
        )


@register.simple_tag
def render_op_result(operation: LiveOperation) -> SafeString:
    """Return the result of a finished operation as its page shows it."""
    taken = snapshot.take(operation)
    return rendering.region_html(Region.RESULT, taken.operation, taken.view)
