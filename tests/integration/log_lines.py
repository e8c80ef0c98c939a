"""Log lines for the tests of the log."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from liveops.models import LogLine
from liveops.progress.view import Line
from liveops.store.log_rows import add_lines

NOON = datetime(2026, 11, 22, 12, 0, 0, 123_456, tzinfo=UTC)


def line(number: int, text: str = "", **values: Any) -> Line:
    """Return a line; the next number is a second later."""
    moment = NOON + timedelta(seconds=number)
    defaults = {"time": moment, "level": "info", "stage": "Load", "text": text or f"line {number}"}
    return Line(number, **{**defaults, **values})


def store_lines(operation: Any, lines: Iterable[Line]) -> None:
    """Save lines as those of an operation.

    They may be thousands, so they go in one value, which SQLite takes apart by itself.
    """
    if connection.vendor != "sqlite":
        add_lines("default", operation, list(lines))
        return
    moment = connection.ops.adapt_datetimefield_value
    key = LogLine._meta.get_field("operation").get_db_prep_value(operation.pk, connection)
    rows = [[line.seq, moment(line.time), line.level, line.stage, line.text] for line in lines]
    columns = ("seq", "time", "level", "stage", "text")
    values = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(columns)))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO liveops_logline (operation_id, {', '.join(columns)})"  # noqa: S608  (names of columns and expressions, all the test's own)
            f" SELECT %s, {values} FROM json_each(%s)",
            [key, json.dumps(rows)],
        )
