"""How long a background connection waits for a lock that user code may hold."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

_STATEMENTS = {
    "postgresql": "SET lock_timeout = '500ms'",
    "mysql": "SET SESSION innodb_lock_wait_timeout = 1",
    "sqlite": "PRAGMA busy_timeout = 50",
}

_limited: dict[int, Any] = {}


def limit(connection: BaseDatabaseWrapper) -> None:
    """Make a connection give up soon on a lock; once for each underlying connection.

    The pump serves all runs of a process from one thread, so none of them may make it wait for
    long. What could not be written stays in memory and is tried again.
    """
    connection.ensure_connection()
    raw = connection.connection
    if _limited.get(id(connection)) is raw:
        return
    _limited[id(connection)] = raw
    if statement := _STATEMENTS.get(connection.vendor):
        with connection.cursor() as cursor:
            cursor.execute(statement)
