"""Storing log lines, thousands at a time in a flood."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from django.db import connections

from liveops.models import LiveOperation, LogLine
from liveops.progress.view import Line

_BATCH = 1_000
_COLUMNS = ("operation_id", "seq", "time", "level", "stage", "text")
_values = attrgetter(*_COLUMNS[1:])


def add_lines(alias: str, operation: LiveOperation, lines: Sequence[Line]) -> None:
    """Store new log lines.

    SQLite takes few values in a statement, so that Django would make a statement of every 160 rows.
    There one statement is carried out for each row, prepared once, which costs a fifth of that. To
    other databases every statement is a message, and ``bulk_create()`` knows what suits them.
    """
    connection = connections[alias]
    if connection.vendor != "sqlite":
        rows = [
            LogLine(**dict(zip(_COLUMNS, (operation.pk, *_values(line)), strict=True)))
            for line in lines
        ]
        LogLine.objects.using(alias).bulk_create(rows, batch_size=_BATCH)
        return
    names, marks = ", ".join(map(connection.ops.quote_name, _COLUMNS)), ", ".join(["%s"] * 6)
    table = connection.ops.quote_name(LogLine._meta.db_table)
    field: Any = LogLine._meta.get_field("operation")
    key = field.get_db_prep_save(operation.pk, connection)
    moment = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608  (names of columns)
            [(key, x.seq, moment(x.time), x.level, x.stage, x.text) for x in lines],
        )
