"""How long a background connection waits for a lock that user code may hold."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper

_STATEMENTS = {
    "postgresql": "SET lock_timeout = '500ms'",
    "mysql": "SET SESSION innodb_lock_wait_timeout = 1",
    "sqlite": "PRAGMA busy_timeout = 50",
}

_limited: dict[int, Any] = {}

# What reads the limit, and what puts it back.
_READING = {
    "postgresql": ("SELECT current_setting('lock_timeout')", "SET lock_timeout = '{}'"),
    "mysql": ("SELECT @@innodb_lock_wait_timeout", "SET SESSION innodb_lock_wait_timeout = {}"),
    "sqlite": ("PRAGMA busy_timeout", "PRAGMA busy_timeout = {}"),
}

_SQLSTATES = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock not available
_MYSQL_CODES = {1205, 1213, 3572}
_SQLITE_CODES = {5, 6}  # busy, locked; more about it stands in the higher bits

logger = logging.getLogger("liveops")


def is_lock(error: BaseException) -> bool:
    """Return whether a database error says that somebody else holds a lock."""
    cause = error.__cause__ or error
    if cause.args and cause.args[0] in _MYSQL_CODES:  # a driver may add a state that says nothing
        return True
    if (state := getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)) is not None:
        return state in _SQLSTATES
    code = getattr(cause, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _SQLITE_CODES


def limit(connection: BaseDatabaseWrapper) -> None:
    """Make a connection give up soon on a lock; once for each underlying connection.

    The pump serves all runs of a process from one thread, so none of them may make it wait for
    long. What could not be written stays in memory and is tried again.

    One that comes from a pool is replaced by one of this thread's own: a pool would hand it on to
    others as it is now, and the pump keeps its connection anyhow.
    """
    _leave_pool(connection)
    connection.ensure_connection()
    raw = connection.connection
    if _limited.get(id(connection)) is raw:
        return
    _limited[id(connection)] = raw
    if statement := _STATEMENTS.get(connection.vendor):
        with connection.cursor() as cursor:
            cursor.execute(statement)


def _leave_pool(connection: BaseDatabaseWrapper) -> None:
    given: dict[str, Any] = connection.settings_dict
    if given.get("OPTIONS", {}).get("pool"):
        connection.close()
        options = {name: value for name, value in given["OPTIONS"].items() if name != "pool"}
        # The settings are shared by the connections of all threads: this one gets its own.
        connection.settings_dict = {**given, "OPTIONS": options}


@contextmanager
def limited(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Make a connection that belongs to others give up soon on a lock, until the block ends.

    Inside a transaction nothing is changed: there it is for whoever began it to say.
    """
    statements = _READING.get(connection.vendor)
    if connection.in_atomic_block or statements is None:
        yield
        return
    read, put_back = statements
    with connection.cursor() as cursor:
        cursor.execute(read)
        (before,) = cursor.fetchone()
        cursor.execute(_STATEMENTS[connection.vendor])
    try:
        yield
    finally:
        try:
            with connection.cursor() as cursor:
                cursor.execute(put_back.format(before))
        except Error as error:
            # Nobody shall go on with a connection that is not as it was.
            logger.debug("liveops: a connection is closed, for it is not as it was (%s)", error)
            connection.close()
