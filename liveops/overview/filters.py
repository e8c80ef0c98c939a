"""What a list is asked for: the query of its address."""

import string
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q

from liveops import ids
from liveops.overview.reach import operation_classes, owner_column
from liveops.progress.text import clean
from liveops.states import State

FRAGMENTS = "fragments"
"""The parameter by which a page asks for what changes, instead of for a page."""

_OWN = ("model", "state", "type", "owner", "q", "page")
_LONGEST_TEXT = 200
_SHORTEST_ID = 4  # fewer characters are the begin of too many ids
_LAST_PAGE = 1_000_000


@dataclass(frozen=True, slots=True)
class Filters:
    """Which operations a list shows: those that meet every condition.

    Attributes:
        model: label of the only class that the list is about, or ""; not a filter of the reader's.
        state: a state, or "" for all.
        type: label of a class, or "".
        owner: primary key of a user, or "".
        text: what is searched for, or "".
        page: from 1.
        others: parameters of the address that are not ours; links keep them.
    """

    model: str = ""
    state: str = ""
    type: str = ""
    owner: str = ""
    text: str = ""
    page: int = 1
    others: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, query: str) -> "Filters":
        """Return what a query asks for; a value that cannot be is as if it were not there."""
        pairs = [
            (clean(name), clean(value)) for name, value in parse_qsl(query, keep_blank_values=True)
        ]
        given = dict(pairs)
        labels = {model._meta.label for model in operation_classes()}
        return cls(
            model=_one_of(given.get("model"), labels),
            state=_one_of(given.get("state"), State),
            type=_one_of(given.get("type"), labels),
            owner=_owner(given.get("owner", "")),
            text=given.get("q", "").strip()[:_LONGEST_TEXT],
            page=_page(given.get("page", "")),
            others=tuple(
                (name, value) for name, value in pairs if name not in ("", *_OWN, FRAGMENTS)
            ),
        )

    @property
    def are_set(self) -> bool:
        """Whether anything is left out because of them."""
        return bool(self.state or self.type or self.owner or self.text)

    def only(self, **changes: Any) -> "Filters":
        """Return the same with some values changed, from the first page on."""
        return replace(self, **{"page": 1, **changes})

    @property
    def query(self) -> str:
        """The query that says this; empty for all operations."""
        page = str(self.page) if self.page > 1 else ""
        own = (self.model, self.state, self.type, self.owner, self.text, page)
        pairs = [(name, value) for name, value in zip(_OWN, own, strict=True) if value]
        return urlencode([*pairs, *self.others])

    @property
    def condition(self) -> Q:
        """What operations must meet, whatever their state."""
        found = Q()
        for label in filter(None, (self.model, self.type)):
            found &= Q(operation_type=label)
        if self.owner:
            found &= Q(owner=self.owner)
        return found & _matching(self.text) if self.text else found


def _matching(text: str) -> Q:
    wanted = text.casefold()
    labels = [
        model._meta.label
        for model in operation_classes()
        if wanted in model._meta.label.casefold()
        or wanted in str(model._meta.verbose_name).casefold()
    ]
    return (
        Q(operation_type__in=labels)
        | Q(operation_type__icontains=text)  # a class that the project no longer has
        | Q(**{f"{owner_column()}__icontains": text})
        | Q(live_progress__status_text__icontains=text)
        | Q(live_progress__error_text__icontains=text)
        | _id_begins(text)
    )


def _id_begins(text: str) -> Q:
    digits = text.replace("-", "").lower()
    if not _SHORTEST_ID <= len(digits) <= 32 or not set(digits) <= set(string.hexdigits):
        return Q(pk__in=())
    return ids.beginning_with(digits)


def _one_of(value: str | None, known: Iterable[str]) -> str:
    return value if value is not None and value in set(known) else ""


def _owner(value: str) -> str:
    field = get_user_model()._meta.pk
    try:
        known = field.to_python(value) if value else None
        field.run_validators(known)
    except (ValidationError, ValueError, OverflowError):
        return ""
    return "" if known is None else str(known)


def _page(value: str) -> int:
    is_number = value.isascii() and value.isdecimal() and len(value) < 10
    return min(max(int(value), 1), _LAST_PAGE) if is_number else 1
