"""Changes of what somebody may see, told to every server process at once.

Whoever watches is asked for permission again and again (:mod:`liveops.rechecking`). Where it is
known that something changed, that need not wait: news of it goes, after the commit, to the sockets
of this process and to all others (:mod:`liveops.rights_news`). Django's signals are a source of it
(:mod:`liveops.rights_signals`); whoever changes rights in a way that sends none calls
:func:`changed`.

News says whom a change may concern, never what somebody may do: that is read from the database by
whoever is told. Keys of sessions, which are secrets, are told as digests.
"""

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils.crypto import salted_hmac

__all__ = ["changed"]

_MOST = 1_000  # keys in one piece of news; beyond them everybody is asked


@dataclass(frozen=True, slots=True)
class News:
    """Whom a change of rights may concern.

    Attributes:
        users: primary keys, as text.
        sessions: digests of the keys of sessions that are over.
        operations: ids of operations, as text.
        everybody: whether it may concern anybody.
    """

    users: frozenset[str] = frozenset()
    sessions: frozenset[str] = frozenset()
    operations: frozenset[str] = frozenset()
    everybody: bool = False


EVERYBODY = News(everybody=True)

_Hearer = Callable[[News], None]
_hearers: set[_Hearer] = set()
_forwarders: list[_Hearer] = []
_lock = threading.Lock()


def digest(session_key: str) -> str:
    """Return what stands for the key of a session in news."""
    return salted_hmac("liveops.rights", session_key, algorithm="sha256").hexdigest()


def changed(
    *,
    users: Iterable[Any] = (),
    session_keys: Iterable[str] = (),
    operations: Iterable[Any] = (),
    everybody: bool = False,
    using: str | None = None,
) -> None:
    """Have those who watch asked for permission again, in every process, after the commit.

    What is told in one transaction is told together, and not at all if it is rolled back.

    Args:
        users: primary keys of users whose rights may have changed.
        session_keys: sessions that are over.
        operations: primary keys of operations that may be somebody else's now, or gone.
        everybody: whether anybody's rights may have changed.
        using: the database of the transaction; the default one if None.
    """
    alias = using or DEFAULT_DB_ALIAS
    told = _told_later(alias)
    if told is None:
        told = _Told()
        told.add(users, session_keys, operations, everybody=everybody)
        transaction.on_commit(told, using=alias, robust=True)
    else:
        told.add(users, session_keys, operations, everybody=everybody)


class _Told:
    """What a transaction has to tell when it commits."""

    def __init__(self) -> None:
        self._users: set[str] = set()
        self._sessions: set[str] = set()
        self._operations: set[str] = set()
        self._everybody = False

    def add(
        self,
        users: Iterable[Any],
        session_keys: Iterable[str],
        operations: Iterable[Any],
        *,
        everybody: bool,
    ) -> None:
        """Tell this, too."""
        self._users.update(map(str, users))
        self._sessions.update(map(digest, session_keys))
        self._operations.update(map(str, operations))
        self._everybody |= everybody

    def __call__(self) -> None:
        """Tell it."""
        number = len(self._users) + len(self._sessions) + len(self._operations)
        if self._everybody or number > _MOST:
            # Sessions that are over are still there for a moment: whoever looks would find them.
            _tell(News(sessions=frozenset(self._sessions), everybody=True))
        elif number:
            _tell(
                News(
                    frozenset(self._users),
                    frozenset(self._sessions),
                    frozenset(self._operations),
                )
            )


def _told_later(alias: str) -> _Told | None:
    """Return what the transaction under way tells already; a rollback takes it along."""
    waiting = connections[alias].run_on_commit
    return next((entry[1] for entry in reversed(waiting) if isinstance(entry[1], _Told)), None)


def hear(hearer: _Hearer) -> None:
    """Call something with news of this process, in whatever thread they come from."""
    with _lock:
        _hearers.add(hearer)


def ignore(hearer: _Hearer) -> None:
    """Call it no more."""
    with _lock:
        _hearers.discard(hearer)


def forward(forwarder: _Hearer) -> None:
    """Call something with all news from now on, in this process and in those that it forks."""
    _forwarders[:] = [forwarder]


def _tell(news: News) -> None:
    with _lock:
        hearers = (*_hearers, *_forwarders)
    for hearer in hearers:
        hearer(news)


def _after_fork() -> None:
    # What hears in the parent is not in this process, and may have held the lock.
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _hearers.clear()


os.register_at_fork(after_in_child=_after_fork)
