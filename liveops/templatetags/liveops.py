"""Template tags: ``{% load liveops %}``."""

from typing import Any

from django import template
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django_htmx.jinja import htmx_script

from liveops import access, chain, numbers, rendering, snapshot
from liveops.access import Grant
from liveops.addresses import socket_path
from liveops.container import container_html, page_head_html
from liveops.models import LiveOperation
from liveops.overview import badge
from liveops.overview.reach import Reach
from liveops.progress.update import Region
from liveops.rendering import overview
from liveops.snapshot import Snapshot

register = template.Library()

# Each needs some of those before it; the tests of the scripts load them in this order, too.
_SCRIPTS = (
    "liveops-socket",
    "liveops",
    "liveops-log-list",
    "liveops-log",
    "liveops-log-pages",
    "liveops-log-tools",
    "liveops-page",
    "liveops-overview",
)

# What a list of operations, or the form that starts one, has in its context.
_PAGES = ("listing", "form")


@register.filter
def get_item(mapping: Any, key: Any) -> Any:
    """Return ``mapping[key]``, or an empty string without such a key."""
    return mapping.get(key, "") if mapping else ""


@register.simple_tag(takes_context=True)
def liveops_assets(context: template.Context) -> SafeString:
    """Return the style sheets and the scripts that a page needs: htmx and our own.

    A page with a list or a form, as its context tells, gets the rules for these; a live page does
    without. With a ``csp_nonce`` in the context, as Django's own policy provides it, all carry the
    nonce.
    """
    nonce = context.get("csp_nonce")
    # A lazy nonce is false until somebody reads it, and without that the policy would have none.
    stamp = format_html(' nonce="{}"', nonce) if nonce is not None else ""
    sheets = ["liveops", *(["liveops-pages"] if any(name in context for name in _PAGES) else [])]
    links = ((static(f"liveops/{name}.css"), stamp) for name in sheets)
    scripts = ((static(f"liveops/{name}.js"), stamp) for name in _SCRIPTS)
    return (
        format_html_join("", '<link rel="stylesheet" href="{}"{}>\n', links)
        + htmx_script(version=2, nonce=nonce)
        + format_html_join("", '\n<script src="{}" defer{}></script>', scripts)
    )


@register.simple_tag(takes_context=True)
def live_operation(
    context: template.Context, operation: LiveOperation, follow: bool | None = None
) -> SafeString:
    """Return the live container of an operation; any number of them may stand on a page.

    Whoever is shown this page may watch the operation: a signed token stands in the container, so
    that a page may also show an operation to people without a session. That of somebody who may
    see the operation anyway ends with that permission; any other is renewed while the page is open.

    Args:
        context: of the template; its request says who watches.
        operation: the operation.
        follow: whether to show the operation that this one went on with, if it did and the user
            may see that one; left out, it is done unless the page was asked for with ``?stay``.
    """
    request = context.get("request")
    user = getattr(request, "user", None)
    taken = _taken(context, operation, follow)
    if taken is None:
        return SafeString("")
    csrf_token = get_token(request) if request is not None else ""
    grant = context.get("grant")  # of the built-in page, which may have been opened by a link
    asked = getattr(context.get("op"), "pk", None)
    is_its = isinstance(grant, Grant) and taken.operation.pk == asked
    return container_html(taken, user, grant=grant if is_its else None, csrf_token=csrf_token)


def _taken(
    context: template.Context, operation: LiveOperation, follow: bool | None
) -> Snapshot | None:
    """Return what is to be shown; None if the operation is not there any more."""
    taken = context.get("taken")
    if isinstance(taken, Snapshot) and taken.operation.pk == operation.pk:
        return taken  # the page's own: its view has followed it, and the head shows the same
    request = context.get("request")
    fresh = snapshot.find(operation.pk)
    if fresh is None:
        return None
    if follow is None:
        follow = request is None or "stay" not in request.GET
    if not follow:
        return snapshot.take(fresh)
    user = getattr(request, "user", None)
    return chain.take_last(fresh, lambda following: access.may_watch(following, user))


@register.simple_tag(takes_context=True)
def live_operation_badge(context: template.Context) -> SafeString:
    """Return the badge: what runs, waits and failed of what the user may see; it stays live.

    Nothing for whoever is not logged in or not in the required group. It belongs on a page once.
    """
    reach = Reach.of(getattr(context.get("request"), "user", None))
    if reach is None:
        return SafeString("")
    found = badge.read(reach)
    return render_to_string(
        "liveops/_badge_frame.html",
        {
            "content": overview.badge_html(found),
            "mark": found.mark,
            "language": translation.get_language() or "",
            "socket_path": socket_path(),
        },
    )


@register.simple_tag
def live_operation_head(operation: LiveOperation, is_guest: bool = False) -> SafeString:
    """Return the head of an operation's page: title, owner, date. It follows a chain.

    Args:
        operation: the operation.
        is_guest: whether whoever watches may not see the list, so that nothing leads there.
    """
    return page_head_html(operation, is_guest=bool(is_guest))


@register.simple_tag
def language_attributes() -> SafeString:
    """Return ``lang`` and ``dir`` of the language that is active, with a space before each."""
    direction = "rtl" if translation.get_language_bidi() else "ltr"
    return format_html(' lang="{}" dir="{}"', translation.get_language() or "", direction)


@register.simple_tag
def days_pattern() -> str:
    """Return what a duration of a day or more looks like, for clocks that go on in the browser."""
    return numbers.days_pattern()


@register.simple_tag
def log_texts() -> SafeString:
    """Return the attributes of the log's panel that hold texts with a number in them."""
    return rendering.panel_texts()


@register.simple_tag
def render_op_result(operation: LiveOperation) -> SafeString:
    """Return the result of a finished operation as its page shows it."""
    taken = snapshot.take(operation)
    with translation.override(operation.language):
        return rendering.region_html(Region.RESULT, taken.operation, taken.view)
