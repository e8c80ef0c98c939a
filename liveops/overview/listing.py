"""One page of the list of operations, and how many there are of each state."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.db.models import Q, QuerySet
from django.utils import timezone, translation

from liveops.models import LiveOperation
from liveops.overview.filters import Filters
from liveops.overview.reach import Reach, operation_classes, owner_column
from liveops.overview.rows import NEWEST, Row, count_all, newest_rows, title_of
from liveops.states import State

PAGE_SIZE = 25
COUNTED = 10_000
"""The most operations of a state that are counted, so that a long history costs nothing."""

_LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list as one user may see it.

    Attributes:
        filters: what it shows; their page is one that there is.
        rows: newest first.
        counts: how many operations there are of each state, up to ``COUNTED``.
        has_next: whether there is another page.
        size: the most rows of a page.
    """

    filters: Filters
    rows: tuple[Row, ...]
    counts: Mapping[str, int]
    has_next: bool
    size: int = PAGE_SIZE

    @property
    def total(self) -> int | None:
        """How many operations there are on all pages; None if they were not all counted."""
        states = (self.filters.state,) if self.filters.state else self.counts
        numbers = [self.counts[state] for state in states]
        return None if COUNTED in numbers else sum(numbers)

    @property
    def pages(self) -> int | None:
        """How many pages there are; None if that was not counted."""
        return None if self.total is None else max(-(-self.total // self.size), 1)

    @property
    def is_active(self) -> bool:
        """Whether anything waits or runs, on this page or another."""
        return any(number and not State(state).is_final for state, number in self.counts.items())

    @property
    def mark(self) -> str:
        """A name for everything that it shows: the same for the same, in the same language."""
        shown = (
            self.filters,
            self.rows,
            sorted(self.counts.items()),
            self.has_next,
            translation.get_language(),
            timezone.get_current_timezone_name(),
        )
        return hashlib.blake2s(repr(shown).encode(), digest_size=12).hexdigest()


def read(
    operations: "QuerySet[LiveOperation]", filters: Filters, reach: Reach, size: int = PAGE_SIZE
) -> Listing:
    """Return a page of the list, by two queries; four for a page that there is no more.

    Args:
        operations: those that the list is about, all of which the user may watch.
        filters: which of them; the owner counts only for whoever may see others' operations.
        reach: what the user may see.
        size: the most rows.
    """
    if not reach.sees_others:
        filters = replace(filters, owner="")
    matching = operations.filter(filters.condition)
    shown = matching.filter(state=filters.state) if filters.state else matching
    found = newest_rows(shown, reach, (filters.page - 1) * size, size + 1)
    if not found and filters.page > 1:
        filters = replace(filters, page=max(-(-shown.count() // size), 1))
        found = newest_rows(shown, reach, (filters.page - 1) * size, size + 1)
    counts = _counts(matching, reach)
    return Listing(filters, tuple(found[:size]), counts, len(found) > size, size)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a list offers to filter by: values and what they are called."""

    types: list[tuple[str, str]]
    owners: list[tuple[str, str]]


def read_choices(operations: "QuerySet[LiveOperation]", filters: Filters, reach: Reach) -> Choices:
    """Return the classes and owners of the newest operations, and those that are chosen already.

    Whoever sees all operations of a class is offered that class whether or not there are any;
    owners only who sees others' operations.
    """
    name = owner_column()
    newest = operations.order_by("-created_on").values_list("operation_type", "owner_id", name)
    found = set(newest[:_LOOKED_AT])
    present = {label for label, _, _ in found} | {filters.type}
    types = [
        (model._meta.label, title_of(model._meta.label))
        for model in operation_classes()
        if reach.everything or model._meta.label in present | reach.labels
    ]
    owners = {(str(pk), str(user_name)) for _, pk, user_name in found if pk is not None}
    if filters.owner and filters.owner not in dict(owners):
        # Only of somebody whose operations may be seen: names are not to be had by counting up.
        theirs = operations.filter(Q(owner=filters.owner)).values_list(name, flat=True).first()
        owners |= {(filters.owner, str(theirs))} if theirs is not None else set()
    return Choices(
        sorted(types, key=lambda choice: choice[1].casefold()),
        sorted(owners, key=lambda choice: choice[1].casefold()) if reach.sees_others else [],
    )


def _counts(operations: "QuerySet[LiveOperation]", reach: Reach) -> dict[str, int]:
    # In the order of the list, so that they are counted in its indexes: without one, PostgreSQL
    # reads the table from its beginning where it takes a state to be a common one.
    ordered = operations.order_by(*NEWEST)
    queries = {state.value: ordered.filter(state=state.value) for state in State}
    return count_all(queries, reach, COUNTED)
