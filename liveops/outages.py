"""What is away for a while, a database or a channel layer: waiting for it, and telling of it once.

Whoever fails because something is away keeps what it has and tries again. The log gets one line
when it goes and one when it is back, however many runs and threads find it gone.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Hashable
from typing import TypeVar

from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
    connections,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from liveops import lock_waits
from liveops.conf import get_settings

logger = logging.getLogger("liveops")

T = TypeVar("T")

INSIST_SECONDS = 300.0
"""How long a run waits for a database that it cannot go on without."""

_BUSY_SECONDS = 10.0
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 5.0
_REFUSALS = (IntegrityError, DataError, NotSupportedError, ProgrammingError)


class Outage:
    """Something that may be away, and who has found it so.

    Args:
        out: the line of the log when it goes; takes the error.
        back: the line of the log when it is back.
    """

    def __init__(self, out: str, back: str) -> None:
        self._out = out
        self._back = back
        self._failing: dict[Hashable, float] = {}
        self._is_told = False
        self._lock = threading.Lock()

    @property
    def is_told(self) -> bool:
        """Whether the log says that it is away, and not yet that it is back."""
        return self._is_told

    def begins(self, who: Hashable, error: BaseException, patience: float = 0.0) -> None:
        """Note that somebody cannot reach it; known already, that changes nothing.

        Args:
            who: stands for the one who tries.
            error: what was raised.
            patience: seconds that it has to last before the log tells of it.
        """
        now = time.monotonic()
        with self._lock:
            since = self._failing.setdefault(who, now)
            if self._is_told or now - since < patience:
                return
            self._is_told = True
        logger.error(self._out, described(error))

    def ends(self, who: Hashable) -> None:
        """Note that somebody reached it; it is back once all have who could not and still try."""
        if self._failing or self._is_told:
            with self._lock:
                self._failing.pop(who, None)
                is_over = self._is_told and not self._failing
                self._is_told = self._is_told and not is_over
            if is_over:
                logger.warning(self._back)

    def over(self) -> None:
        """Note that it does all that is asked of it; who still fails will say so again."""
        for who in [*self._failing, None]:
            self.ends(who)

    def forget(self, who: Hashable) -> None:
        """Note that somebody does not try any more; that it is back is for others to find out."""
        with self._lock:
            self._failing.pop(who, None)


def described(error: BaseException) -> str:
    """Return an error in one line, with its type."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _new_layer() -> Outage:
    return Outage(
        "liveops: the channel layer cannot be reached (%s); pages follow the database meanwhile",
        "liveops: the channel layer is back",
    )


_layer = _new_layer()
_databases: dict[str, Outage] = {}
_databases_lock = threading.Lock()


def database(alias: str) -> Outage:
    """Return what is known in this process of outages of a database."""
    with _databases_lock:
        if alias not in _databases:
            _databases[alias] = Outage(
                f"liveops: the database {alias!r} takes nothing (%s); what runs show is kept, and "
                f"saved when it does",
                f"liveops: the database {alias!r} is back",
            )
        return _databases[alias]


def layer() -> Outage:
    """Return what is known in this process of outages of the channel layer."""
    return _layer


def note_failure(alias: str, who: Hashable, error: BaseException) -> None:
    """Note that a database refused somebody; a lock that is held is worth a line only if it stays.

    Args:
        alias: the database.
        who: stands for the one who tries.
        error: what was raised.
    """
    patience = _BUSY_SECONDS if lock_waits.is_lock(error) else 0.0
    database(alias).begins(who, error, patience)


def is_passing(error: BaseException) -> bool:
    """Return whether the same statement may succeed later, unlike one that is wrong in itself."""
    return isinstance(error, DatabaseError | InterfaceError) and not isinstance(error, _REFUSALS)


def drop_if_broken(connection: BaseDatabaseWrapper) -> bool:
    """Close a connection that an error has made useless, so that the next query opens another.

    Django's own way also closes those that are merely older than ``CONN_MAX_AGE``, at once if that
    is 0: user code would lose what it keeps in its session, and the pump connect again and again.

    Returns:
        Whether there is no connection now.
    """
    if connection.connection is None or connection.in_atomic_block:
        return connection.connection is None
    if connection.errors_occurred:
        if connection.is_usable():
            connection.errors_occurred = False
        else:
            connection.close()
    return connection.connection is None


def longest_pause() -> float:
    """Return the most seconds between two tries of a run to reach its database.

    A reaper looks twice, a heartbeat apart, before it ends a silent run. One whose database is back
    has to give a sign of life in between.
    """
    return min(get_settings().HEARTBEAT_SECONDS / 2, _LONGEST_PAUSE)


def insist(
    alias: str,
    function: Callable[[], T],
    who: Hashable,
    *,
    meanwhile: Callable[[], object] = lambda: None,
    seconds: float = INSIST_SECONDS,
) -> T:
    """Call a function until its database takes what it does; return its result.

    Args:
        alias: the database.
        function: uses the connection of this thread; what it did may have been carried out even if
            it fails, for the answer may be what got lost.
        who: stands for the one who tries.
        meanwhile: is called before each new try; what it raises ends the waiting.
        seconds: after which it is given up.

    Raises:
        DatabaseError, InterfaceError: given up; at once inside a transaction, which is lost.
    """
    connection = connections[alias]
    deadline, pause = time.monotonic() + seconds, _FIRST_PAUSE
    try:
        while True:
            try:
                result = function()
            except Exception as error:
                is_over = connection.in_atomic_block or time.monotonic() > deadline
                if is_over or not is_passing(error):
                    raise
                note_failure(alias, who, error)
                drop_if_broken(connection)
                meanwhile()
                threading.Event().wait(pause)
                pause = min(pause * 2, longest_pause())
            else:
                database(alias).ends(who)
                return result
    except BaseException:
        database(alias).forget(who)
        raise


def _after_fork() -> None:
    # Who found something away in the parent does not try again here.
    global _databases_lock, _layer
    _databases_lock, _layer = threading.Lock(), _new_layer()
    _databases.clear()


os.register_at_fork(after_in_child=_after_fork)
