"""What the record of one operation shows below its live page: fields, and tables of its rows."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.template.defaultfilters import truncatechars
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from liveops import store
from liveops.admin.labels import duration, moment
from liveops.models import LiveOperation

Fieldsets = list[tuple[Any, dict[str, Any]]]

MOST_ROWS = 100
"""The most rows of a table; the newest are shown."""

_RESULT_LENGTH = 200

_RUN = (
    "op_state",
    "owner",
    "created_on",
    "started_on",
    "finished_on",
    "op_duration",
    "op_result",
)
_INTERNALS = (
    "id",
    "operation_type",
    "run_id",
    "language",
    "is_dry_run",
    "stages_to_run",
    "current_stage",
    "op_stage_states",
    "finished_successfully",
    "cancel_requested",
    "cancelled",
    "interrupted",
)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a kind that a run left.

    Attributes:
        title: what they are.
        heads: the columns.
        rows: the cells, oldest row first.
        left_out: how many older rows there are.
        wide: the column with long texts, from 0.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]
    left_out: int
    wide: int | None = None


def own_fields(model: type[LiveOperation]) -> list[str]:
    """Return the names of the fields that a class adds to those that every operation has."""
    return [
        field.name
        for field in (*model._meta.fields, *model._meta.many_to_many)
        if field.model._meta.concrete_model is not LiveOperation
        and not getattr(field.remote_field, "parent_link", False)
    ]


def fieldsets(own: Sequence[str], operation: LiveOperation | None) -> Fieldsets:
    """Return the fieldsets of a record.

    Args:
        own: the fields of its class, which come first.
        operation: the operation; a traceback or a neighbour that it has not gets no field.
    """
    run: list[Any] = list(_RUN)
    if operation is not None and operation.next_operation_id is not None:
        run.append("op_after")
    if operation is not None and store.is_chained_to(operation):
        run.append("op_before")
    found: Fieldsets = [(gettext_lazy("Operation"), {"fields": list(own)})] if own else []
    found.append((pgettext_lazy("noun", "Run"), {"fields": run}))
    if operation is not None and operation.traceback:
        trace = {"fields": ["op_traceback"], "classes": ["collapse"]}
        found.append((gettext_lazy("Traceback"), trace))
    found.append((gettext_lazy("Internals"), {"fields": list(_INTERNALS), "classes": ["collapse"]}))
    return found


def without(given: Fieldsets, names: set[str]) -> Fieldsets:
    """Return fieldsets that lack some fields, and the lines and sets that this leaves empty."""
    found: Fieldsets = []
    for title, options in given:
        lines: list[Any] = []
        for line in options["fields"]:
            if isinstance(line, str):
                lines += [line] * (line not in names)
            elif kept := [name for name in line if name not in names]:
                lines.append(kept)
        if lines:
            found.append((title, {**options, "fields": lines}))
    return found


def tables(operation: LiveOperation, *, commands: bool, shares: bool) -> list[Table]:
    """Return the tables of an operation: attempts, commands, who steered it, its share links.

    Args:
        operation: the operation.
        commands: whether its commands are for the reader.
        shares: whether its share links are.
    """
    found = [*_stages(operation), *(_commands(operation) if commands else ()), *_steered(operation)]
    found += _shares(operation) if shares else ()
    return [table for table in found if table.rows]


def _stages(operation: LiveOperation) -> Iterator[Table]:
    attempts, older = _newest(operation.stage_runs.all())
    yield Table(
        _("Stages"),
        (_("Stage"), _("Attempt"), _("Outcome"), _("Started"), _("Duration"), _("Stored result")),
        [
            (
                row.stage,
                row.attempt,
                pgettext("stage", row.outcome),  # the words that the stepper uses too
                moment(row.started_on),
                duration(row.started_on, row.finished_on),
                _short(row.result),
            )
            for row in attempts
        ],
        older,
        wide=5,
    )


def _commands(operation: LiveOperation) -> Iterator[Table]:
    commands, older = _newest(operation.command_runs.all())
    yield Table(
        _("Commands"),
        (_("Command"), _("Stage"), _("Exit status"), _("Started"), _("Duration")),
        [
            (
                row.command,
                row.stage,
                "–" if row.exit_status is None else row.exit_status,
                moment(row.started_on),
                duration(row.started_on, row.finished_on),
            )
            for row in commands
        ],
        older,
        wide=0,
    )


def _steered(operation: LiveOperation) -> Iterator[Table]:
    records, older = _newest(operation.control_records.all())
    yield Table(
        _("Steered by people"),
        (_("What"), _("Who"), _("When")),
        [(row.get_action_display(), row.user_name or "–", moment(row.time)) for row in records],
        older,
    )


def _shares(operation: LiveOperation) -> Iterator[Table]:
    links, older = _newest(operation.share_links.select_related("created_by"), "-created_on")
    yield Table(
        _("Share links"),
        (
            pgettext("share link", "By"),
            pgettext("share link", "From"),
            pgettext("share link", "Until"),
            _("May steer"),
            _("State"),
        ),
        [
            (
                "–" if share.created_by is None else share.created_by.get_username(),
                moment(share.created_on),
                moment(share.revoked_on or share.expires_on),
                _("yes") if share.control else _("no"),
                pgettext("share link", "revoked")
                if share.revoked_on
                else pgettext("share link", "good")
                if share.is_good
                else pgettext("share link", "expired"),
            )
            for share in links
        ],
        older,
    )


def _newest(rows: QuerySet[Any], order: str = "-pk") -> tuple[list[Any], int]:
    newest: list[Model] = list(rows.order_by(order)[: MOST_ROWS + 1])
    older = rows.count() - MOST_ROWS if len(newest) > MOST_ROWS else 0
    return newest[:MOST_ROWS][::-1], older


def _short(value: Any) -> str:
    if value is None:
        return ""
    return truncatechars(
        json.dumps(value, ensure_ascii=False, cls=DjangoJSONEncoder), _RESULT_LENGTH
    )
