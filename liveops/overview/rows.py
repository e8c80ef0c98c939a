"""Operations as rows of a list: a few columns each, and never a query for one of them."""

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import F, IntegerField, QuerySet, Subquery
from django.db.models.functions import Left
from django.urls import reverse
from django.utils.text import capfirst

from liveops import numbers
from liveops.models import LiveOperation
from liveops.overview.reach import Reach, owner_column
from liveops.progress.forecast import forecast
from liveops.progress.view import View
from liveops.states import State

NEWEST = ("-created_on", "pk")
"""The order of a list, which is that of the indexes it is read by."""

_LONGEST_NOTE = 200

_VIEW_COLUMNS = (
    "percent",
    "done",
    "total",
    "rate",
    "taken_at",
    "stage_times",
    "expected",
    "reached",
)
_COLUMNS = (
    "pk",
    "operation_type",
    "state",
    "owner_id",
    "created_on",
    "started_on",
    "finished_on",
    "cancel_requested",
    "current_stage",
    "stage_states",
    "stages_to_run",
    "live_progress__status_level",
    "next_operation_id",
    "next_operation__operation_type",
    "next_operation__owner_id",
    *(f"live_progress__{name}" for name in _VIEW_COLUMNS),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What a list shows of one operation.

    Attributes:
        title: the name of its class.
        note: what it says of itself: its status, or why it failed.
        percent: of the whole, rounded down; None unless it runs and something is known.
        owner: the owner's user name, or "".
        has_next: whether it went on with another operation.
        next_pk: that one, if the user may see it.
    """

    pk: uuid.UUID
    title: str
    state: str
    note: str
    level: str
    is_cancelling: bool
    percent: float | None
    owner: str
    created_on: datetime
    started_on: datetime | None
    finished_on: datetime | None
    has_next: bool
    next_pk: uuid.UUID | None
    next_title: str

    @property
    def short_id(self) -> str:
        """The begin of the id, which is enough to find the operation."""
        return str(self.pk)[:8]

    @property
    def created_iso(self) -> str:
        """When it was created, for programs: much quicker than by the filter of templates."""
        return numbers.local(self.created_on).isoformat()

    @property
    def created_exactly(self) -> str:
        """When it was created, to the second, with the time zone."""
        return numbers.exactly(self.created_on)

    @property
    def url(self) -> str:
        """The address of the operation's own page, also if it went on with another."""
        return _address(self.pk) + ("?stay=1" if self.has_next else "")

    @property
    def next_url(self) -> str:
        """The address of the operation that it went on with."""
        return _address(self.next_pk) if self.next_pk is not None else ""

    @property
    def percent_label(self) -> str:
        """The percentage in words."""
        return numbers.percent(self.percent)

    @property
    def since(self) -> str:
        """When it began, in seconds since the epoch, while it runs; else empty."""
        if self.state != State.STARTED or self.started_on is None:
            return ""
        return f"{self.started_on.timestamp():.3f}"

    def took(self, now: datetime) -> str:
        """Return how long it has taken up to its end, or to now; empty if it never began."""
        if self.started_on is None or self.state == State.NOT_STARTED:
            return ""
        if self.finished_on is not None:
            return numbers.took(max((self.finished_on - self.started_on).total_seconds(), 0.0))
        return numbers.duration(max((now - self.started_on).total_seconds(), 0.0))


class _Counted(Subquery):
    """The number of rows of another query, counted by the database."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) liveops_counted)"


def newest_rows(
    operations: "QuerySet[LiveOperation]", reach: Reach, start: int, number: int
) -> list[Row]:
    """Return the rows of some operations, newest first, by one query.

    Args:
        operations: which.
        reach: what the user may see, so that a row names no other operation.
        start: how many to leave out at first.
        number: the most rows.
    """
    found = operations.order_by(*NEWEST).values(
        *_COLUMNS,
        liveops_owner=F(owner_column()),
        # A status may be long and an error longer still; a row shows the begin of one of them.
        liveops_status=Left("live_progress__status_text", _LONGEST_NOTE + 1),
        liveops_error=Left("live_progress__error_text", _LONGEST_NOTE + 1),
    )
    return [_row(values, reach) for values in found[start : start + number]]


def count_all(
    queries: "Mapping[str, QuerySet[LiveOperation]]", reach: Reach, most: int
) -> dict[str, int]:
    """Count the operations of several queries by one, each up to ``most`` in its order, if any.

    The user's own row is what the database is asked for, with the numbers beside it.
    """
    numbers: dict[str, Any] = {
        f"liveops_{name}": _Counted(query.values("pk")[:most], IntegerField())
        for name, query in queries.items()
    }
    users = get_user_model()._base_manager.filter(pk=reach.user_pk)
    found: Any = users.values(**numbers).first()  # None for a user who was deleted just now
    return {name: (found or {}).get(f"liveops_{name}") or 0 for name in queries}


def _row(values: Mapping[str, Any], reach: Reach) -> Row:
    state, next_pk = values["state"], values["next_operation_id"]
    has_next = state == State.FINISHED_OK and next_pk is not None
    next_label = values["next_operation__operation_type"]
    is_shown = (
        has_next
        and reach.includes(next_label, values["next_operation__owner_id"])
        and _asks_permissions_only(next_label)
    )
    error = values["liveops_error"] if state == State.FINISHED_ERROR else ""
    return Row(
        pk=values["pk"],
        title=title_of(values["operation_type"]),
        state=state,
        note=_note(error or values["liveops_status"] or ""),
        level="error" if error else values["live_progress__status_level"] or "info",
        is_cancelling=state == State.STARTED and values["cancel_requested"],
        percent=_percent(values),
        owner=str(values["liveops_owner"] or ""),
        created_on=values["created_on"],
        started_on=values["started_on"],
        finished_on=values["finished_on"],
        has_next=has_next,
        next_pk=next_pk if is_shown else None,
        next_title=title_of(next_label) if is_shown else "",
    )


def _asks_permissions_only(label: str) -> bool:
    """Return whether a class has no rule of its own about who may watch, which no list can ask."""
    model = _class_of(label)
    return model is not None and model.can_view is LiveOperation.can_view


def title_of(label: str) -> str:
    """Return what operations of a class are called; the label if the project lost the class."""
    model = _class_of(label)
    return capfirst(str(model._meta.verbose_name)) if model is not None else label


def _class_of(label: str) -> type[LiveOperation] | None:
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        return None
    return model if issubclass(model, LiveOperation) else None


def _address(pk: uuid.UUID) -> str:
    return reverse("liveops:live", kwargs={"pk": pk})


def _note(text: str) -> str:
    first = text.strip().partition("\n")[0]
    return first if len(first) <= _LONGEST_NOTE else f"{first[:_LONGEST_NOTE]}…"


def _percent(values: Mapping[str, Any]) -> float | None:
    if values["state"] != State.STARTED:
        return None
    model = _class_of(values["operation_type"])
    stages = model.stages if model is not None else []
    known = {name: values[f"live_progress__{name}"] for name in _VIEW_COLUMNS}
    view = View(
        state=values["state"],
        current_stage=values["current_stage"],
        stage_states=values["stage_states"] or {},
        **{name: value for name, value in known.items() if value is not None},
    )
    to_run = values["stages_to_run"]
    left_out = [name for name in stages if name not in to_run] if to_run is not None else ()
    began = values["started_on"]
    found = forecast(stages, view, began.timestamp() if began else None, left_out).percent
    # Down, as its label is: the page of the operation must not say less than the list.
    return math.floor(found * 10) / 10 if found is not None else None
