"""Many rows made by the database itself: operations, their progress, and log lines."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import connection, models
from django.utils import timezone

from liveops.models import LiveOperation, LiveProgress, LogLine
from liveops.states import State
from tests.testapp.models import Walk

_SERIES = {
    "sqlite": "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s)"
    " SELECT i FROM n)",
    "postgresql": "(SELECT generate_series(1, %s) AS i)",
    "mysql": "(SELECT seq AS i FROM seq_1_to_10000000 WHERE seq <= %s)",  # MariaDB's own
}
_NEW_ID = {
    "sqlite": "lower(hex(randomblob(16)))",
    "postgresql": "gen_random_uuid()",
    "mysql": "uuid()",
}
_EARLIER = {
    "sqlite": "datetime(t.created_on, '-' || n.i || ' seconds')",
    "postgresql": "t.created_on - n.i * interval '1 second'",
    "mysql": "t.created_on - interval n.i second",
}


def operation(state: str = State.FINISHED_OK, **fields: Any) -> Walk:
    """Return a stored operation in a state, with its progress."""
    now = timezone.now()
    columns: dict[str, Any] = {}
    if state != State.NOT_STARTED:
        columns |= {"started_on": now, "run_id": uuid.uuid4()}
    if state == State.FINISHED_OK:
        columns |= {"finished_on": now, "finished_successfully": True}
    created = Walk.objects.create(**{**columns, **fields})
    progress = LiveProgress(operation_id=created.pk, percent=50, status_text="On the way")
    progress.run_id, progress.heartbeat_on = created.run_id, now
    progress.save()
    return created


def multiply(one: LiveOperation, number: int) -> None:
    """Store so many operations like one that is stored, each a second older than the last."""
    vendor = connection.vendor
    values = {"id": _NEW_ID[vendor], "created_on": _EARLIER[vendor]}
    _insert(LiveOperation, values, f"{_SERIES[vendor]} n WHERE t.id = %s", [number, _key(one)])


def give_progress(like: LiveOperation, *states: str) -> None:
    """Store a progress for every operation that has none, the same as one operation's.

    Args:
        like: that operation.
        states: only for operations in one of these states; without any, for all.
    """
    known = "SELECT operation_id FROM liveops_liveprogress"
    source = f"liveops_liveoperation o WHERE t.operation_id = %s AND o.id NOT IN ({known})"
    if states:
        source += f" AND o.state IN ({', '.join(['%s'] * len(states))})"
    _insert(LiveProgress, {"operation_id": "o.id"}, source, [_key(like), *states])


def give_lines(one: LiveOperation, number: int) -> None:
    """Store so many log lines of an operation that has none."""
    first = LogLine(operation_id=one.pk, seq=1, time=timezone.now(), level="info", stage="Load")
    first.text = "a line of the log, about as long as lines of logs are"
    first.save()
    values = {"seq": "n.i + 1", "text": joined("t.text", "' '", "n.i")}
    if number > 1:
        source = f"{_SERIES[connection.vendor]} n WHERE t.operation_id = %s"
        _insert(LogLine, values, source, [number - 1, _key(one)])


def joined(*texts: str) -> str:
    """Return the SQL for a text that is put together."""
    return f"concat({', '.join(texts)})" if connection.vendor == "mysql" else " || ".join(texts)


def analyze() -> None:
    """Let the database learn how many rows there are."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _insert(
    model: type[models.Model], values: Mapping[str, str], source: str, params: list[Any]
) -> None:
    stored = [
        str(field.column)
        for field in model._meta.local_concrete_fields
        if not field.generated and not (field.primary_key and field.column not in values)
    ]
    sources = ", ".join(values.get(column, f"t.{column}") for column in stored)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(stored)}) SELECT {sources} FROM {table} t, {source}",  # noqa: S608  (names of columns and of a table)
            params,
        )


def _key(one: LiveOperation) -> Any:
    return LiveOperation._meta.get_field("id").get_db_prep_value(one.pk, connection)
