"""The list of operations and the badge: for pages, and as fragments for those that stay open."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liveops.overview import badge as badges
from liveops.overview import listing as listings
from liveops.overview.badge import Badge
from liveops.overview.listing import Listing
from liveops.rendering.common import render
from liveops.states import State

_PARTS = ("_operation_counts", "_operation_rows", "_operation_pages")
_CHIPS = (
    State.STARTED,
    State.NOT_STARTED,
    State.FINISHED_ERROR,
    State.INTERRUPTED,
    State.CANCELLED,
    State.FINISHED_OK,
)


@dataclass(frozen=True, slots=True)
class Chip:
    """A link to the operations of one state, or of all: ``state`` is empty."""

    state: str
    count: str
    query: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class BadgePart:
    """How many operations are in a state, in words."""

    state: str
    number: int
    text: str
    title: str = ""


def list_context(listing: Listing) -> dict[str, Any]:
    """Return the values that the templates of the list's parts are given."""
    now, filters = timezone.now(), listing.filters
    number = filters.page
    marks = {
        state: render("_state_badge", state=state) for state in {r.state for r in listing.rows}
    }
    return {
        "filters": filters,
        "chips": _chips(listing),
        "items": [
            {"row": row, "took": row.took(now), "badge": marks[row.state]} for row in listing.rows
        ],
        "page": number,
        "pages": listing.pages,
        "newer": filters.only(page=number - 1).query if number > 1 else None,
        "older": filters.only(page=number + 1).query if listing.has_next else None,
        "everything": filters.only(state="", type="", owner="", text="").query,
    }


def list_fragments(listing: Listing, before: Listing | None = None) -> SafeString:
    """Return what changed in a list as out-of-band fragments; all of it without a ``before``.

    Single rows, as long as they are the same ones in the same order.
    """
    context = {**list_context(listing), "is_pushed": True}
    if before is None or before.filters != listing.filters:
        parts = [render(name, **context) for name in _PARTS]
        return mark_safe("".join(parts))  # noqa: S308  (joined from rendered templates)
    parts = []
    if before.counts != listing.counts:
        parts.append(render("_operation_counts", **context))
    if [row.pk for row in before.rows] != [row.pk for row in listing.rows]:
        parts.append(render("_operation_rows", **context))
    else:
        known = set(before.rows)
        items = [item for item in context["items"] if item["row"] not in known]
        parts += [render("_operation_row", **{**context, "item": item}) for item in items]
    if (before.pages, before.has_next) != (listing.pages, listing.has_next):
        parts.append(render("_operation_pages", **context))
    return mark_safe("".join(parts))  # noqa: S308  (joined from safe parts)


def badge_html(badge: Badge) -> SafeString:
    """Return what stands in the badge."""
    running, waiting, failed = (
        _number(number, badges.COUNTED) for number in (badge.running, badge.waiting, badge.failed)
    )
    parts = [
        BadgePart(
            State.STARTED,
            badge.running,
            ngettext("%(number)s running", "%(number)s running", badge.running)
            % {"number": running},
        ),
        BadgePart(
            State.NOT_STARTED,
            badge.waiting,
            ngettext("%(number)s waiting", "%(number)s waiting", badge.waiting)
            % {"number": waiting},
        ),
        BadgePart(
            State.FINISHED_ERROR,
            badge.failed,
            ngettext("%(number)s failed", "%(number)s failed", badge.failed) % {"number": failed},
            _("Failed within the last hour"),
        ),
    ]
    return render(
        "_badge",
        badge=badge,
        parts=[part for part in parts if part.number],
        list_url=reverse("liveops:list"),
    )


def badge_fragment(badge: Badge) -> SafeString:
    """Return the same as an out-of-band fragment."""
    return format_html('<div hx-swap-oob="innerHTML:#liveops-badge">{}</div>', badge_html(badge))


def _chips(listing: Listing) -> list[Chip]:
    filters, counts = listing.filters, listing.counts
    everything = sum(counts.values())
    is_more = listings.COUNTED in counts.values()
    chips = [
        Chip(
            "",
            _number(everything, everything if is_more else None),
            filters.only(state="").query,
            not filters.state,
        )
    ]
    for state in _CHIPS:
        number, is_current = counts[state], filters.state == state
        if number or is_current:
            query = filters.only(state=state.value).query
            chips.append(Chip(state, _number(number, listings.COUNTED), query, is_current))
    return chips


def _number(number: int, limit: int | None) -> str:
    shown = number_format(number, force_grouping=True)
    return f"{shown}+" if number == limit else shown
