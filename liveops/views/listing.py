"""The list of operations, and what pages without a socket fetch of it and of the badge."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone, translation
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.views import View
from django.views.generic import ListView

from liveops.addresses import socket_path
from liveops.models import LiveOperation
from liveops.overview import badge, listing
from liveops.overview.filters import FRAGMENTS, Filters
from liveops.overview.listing import PAGE_SIZE, Listing
from liveops.overview.reach import Reach
from liveops.protocol import MAX_QUERY
from liveops.rendering import overview
from liveops.views.base import BaseLiveOperationMixin, has_it_already
from liveops.views.headers import ASKED_AGAIN


class LiveOperationListView(BaseLiveOperationMixin, ListView):  # type: ignore[type-arg]
    """The operations that the user may watch, newest first, with filters; the page stays live.

    Set ``model`` to list one class only. Write ``get_queryset()`` to choose as you like: such a
    page, and one with a ``paginate_by`` of its own, is kept up to date by fetching.
    """

    model = LiveOperation
    template_name = "liveops/operation_list.html"
    paginate_by = PAGE_SIZE

    def get_queryset(self) -> "QuerySet[LiveOperation]":
        """Return what the list is about, before its filters: what the user may watch."""
        return self.reach.operations()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page; or return its live parts as JSON, or 304 if the page has them."""
        if FRAGMENTS not in request.GET:
            return super().get(request, *args, **kwargs)
        mark = self.listing.mark
        return _fragments(request, "list", mark, lambda: overview.list_fragments(self.listing))

    def paginate_queryset(
        self, queryset: Any, page_size: int
    ) -> "tuple[Paginator[Any], Page[Any], Any, bool]":
        """Return the rows of the page that the address asks for, or of the last one."""
        paginator = _Counted(self.listing)
        page = Page(self.listing.rows, self.listing.filters.page, paginator)
        return paginator, page, self.listing.rows, page.has_other_pages()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the ``listing``, the filters that are offered, and how the page stays live."""
        operations, filters = _base_rows(self.get_queryset()), self.listing.filters
        offered = listing.read_choices(operations, filters, self.reach)
        return super().get_context_data(
            listing=self.listing,
            types=offered.types if self.model is LiveOperation else [],
            owners=offered.owners,
            live_query=self._live_query(),
            fragments_url=f"?{urlencode({FRAGMENTS: 1})}&{filters.query}",
            mark=self.listing.mark,
            socket_path=socket_path(),
            language=translation.get_language() or "",
            zone=timezone.get_current_timezone_name(),
            now=f"{time.time():.3f}",
            **overview.list_context(self.listing),
            **kwargs,
        )

    @cached_property
    def reach(self) -> Reach:
        """What the user may see."""
        return Reach.of(self.request.user) or Reach(self.request.user.pk)

    @cached_property
    def listing(self) -> Listing:
        """What the page shows."""
        filters = Filters.parse(self.request.GET.urlencode())
        if self.model is not None and self.model is not LiveOperation:
            filters = replace(filters, model=self.model._meta.label)
        size = self.get_paginate_by(self.get_queryset()) or PAGE_SIZE
        return listing.read(_base_rows(self.get_queryset()), filters, self.reach, size)

    def _live_query(self) -> str | None:
        """Return what the socket is to be asked for; None if only this view knows the list."""
        is_ours = type(self).get_queryset is LiveOperationListView.get_queryset
        query = self.listing.filters.query
        is_standard = is_ours and self.listing.size == PAGE_SIZE and len(query) <= MAX_QUERY
        return query if is_standard else None


class BadgeView(BaseLiveOperationMixin, View):
    """What stands in the badge, for pages that cannot open a socket."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Return the badge as JSON, or 304 if the page has it."""
        found = badge.read(Reach.of(request.user) or Reach(request.user.pk))
        return _fragments(request, "badge", found.mark, lambda: overview.badge_fragment(found))


class _Counted(Paginator):  # type: ignore[type-arg]
    """The numbers of pages as far as they are known: at least the next one, if there is one."""

    def __init__(self, found: Listing) -> None:
        super().__init__(found.rows, found.size)
        shown = (found.filters.page - 1) * found.size + len(found.rows) + found.has_next
        self._known = shown if found.total is None else found.total

    @cached_property
    def count(self) -> int:
        """How many operations there are on all pages, or how many are known of."""
        return self._known


def _base_rows(operations: "QuerySet[Any]") -> "QuerySet[LiveOperation]":
    # A list of one class may be given its own table; rows are read from the one of all classes.
    if operations.model is LiveOperation:
        return operations
    return LiveOperation._base_manager.filter(pk__in=operations.order_by().values("pk"))


def _fragments(
    request: HttpRequest, view: str, mark: str, render: Callable[[], SafeString]
) -> HttpResponse:
    headers = {"ETag": f'"{mark}"', **ASKED_AGAIN}
    if has_it_already(request, headers["ETag"]):
        return HttpResponse(status=304, headers=headers)
    frame = {"view": view, "mark": mark, "now": time.time(), "liveop_html": render()}
    return JsonResponse(frame, headers=headers)
