"""Commits as they would be, inside the transaction that a ``TestCase`` puts around a test.

What is a transaction of its own in production is only part of the test's there, so its hooks would
never be called, and one statement that fails would break the rest of the test. Within
:func:`real_commits` the test's own transaction counts for nothing: hooks are called when what would
be the outermost transaction ends, or at once outside of any, and a failure takes back what it
would take back. At the end of the test all is rolled back as ever.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger("liveops")

_MARKS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")
_CLOSE = "close_if_unusable_or_obsolete"
_enter, _exit = transaction.Atomic.__enter__, transaction.Atomic.__exit__


class _World:
    """What a connection does inside the transaction of a test.

    Args:
        connection: with at least one transaction open.
    """

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection: Any = connection
        self._depth = len(self.connection.atomic_blocks)
        self._is_busy = False
        # In PostgreSQL a statement that fails takes the rest of its transaction with it.
        self._breaks = connection.vendor == "postgresql"

    @property
    def is_outside(self) -> bool:
        """Whether no transaction but the test's is open."""
        return len(self.connection.atomic_blocks) == self._depth

    def on_commit(self, func: Callable[[], Any], robust: bool = False) -> None:
        """Call a hook at once, or with the commit of the transaction that is open."""
        if self.is_outside:
            _call(func, robust)
        else:
            type(self.connection).on_commit(self.connection, func, robust)

    def commit(self) -> None:
        """Call the hooks of a transaction that has ended, in their order."""
        hooks, self.connection.run_on_commit = self.connection.run_on_commit, []
        for _, function, is_robust in hooks:
            _call(function, is_robust)

    def heal(self) -> None:
        """Go on after a statement that failed outside of a transaction."""
        if self.is_outside and self.connection.needs_rollback:
            self.connection.needs_rollback = False

    def execute(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Execute a statement so that it fails alone; one of Django's wrappers."""
        if self._is_busy or not self.is_outside:
            return execute(sql, params, many, context)
        self.heal()
        if not self._breaks or sql.startswith(_MARKS):
            return execute(sql, params, many, context)
        self._is_busy = True
        try:
            sid = self.connection.savepoint()
            try:
                result = execute(sql, params, many, context)
            except BaseException:
                self.connection.savepoint_rollback(sid)
                raise
            self.connection.savepoint_commit(sid)
            return result
        finally:
            self._is_busy = False


def _call(function: Callable[[], Any], is_robust: bool) -> None:
    if not is_robust:
        function()
        return
    try:
        function()
    except Exception:
        logger.exception("liveops: a robust hook failed after the commit")


_worlds: dict[int, _World] = {}  # by the identity of their connections, which belong to one thread


@contextmanager
def real_commits() -> Iterator[None]:
    """Have transactions of this thread commit, as far as their code can tell.

    Outside of a ``TestCase``, where they do, this does nothing. So it does inside itself.
    """
    with ExitStack() as stack:
        for connection in connections.all(initialized_only=True):
            if connection.in_atomic_block and id(connection) not in _worlds:
                stack.enter_context(_in_world(_World(connection)))
        yield


@contextmanager
def _in_world(world: _World) -> Iterator[None]:
    connection = world.connection
    waiting, connection.run_on_commit = connection.run_on_commit, []
    _worlds[id(connection)] = world
    transaction.Atomic.__enter__ = _enter_in_world  # type: ignore[method-assign]
    transaction.Atomic.__exit__ = _exit_in_world  # type: ignore[method-assign]
    connection.on_commit = world.on_commit
    try:
        with connection.execute_wrapper(world.execute):
            yield
    finally:
        world.heal()
        del connection.on_commit
        del _worlds[id(connection)]
        if not _worlds:
            transaction.Atomic.__enter__ = _enter  # type: ignore[method-assign]
            transaction.Atomic.__exit__ = _exit  # type: ignore[method-assign]
        connection.run_on_commit = [*waiting, *connection.run_on_commit]


@contextmanager
def spared_connections() -> Iterator[None]:
    """Have nobody close a connection of this thread in the middle of a test's transaction.

    Channels closes those that seem out of date after each call from a consumer, and a transaction
    that was not there when the connection was made looks like that.
    """
    spared: list[Any] = []
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block and _CLOSE not in vars(connection):
            setattr(connection, _CLOSE, lambda: None)
            spared.append(connection)
    try:
        yield
    finally:
        for connection in spared:
            delattr(connection, _CLOSE)


def _world_of(atomic: Any) -> _World | None:
    return _worlds.get(id(transaction.get_connection(atomic.using)))


def _enter_in_world(atomic: Any) -> None:
    world = _world_of(atomic)
    if world is None or not world.is_outside:
        _enter(atomic)
        return
    world.heal()
    # What would be the outermost transaction can be rolled back by itself.
    has_savepoint, atomic.savepoint = atomic.savepoint, True
    is_durable, atomic.durable = atomic.durable, False
    try:
        _enter(atomic)
    finally:
        atomic.savepoint, atomic.durable = has_savepoint, is_durable


def _exit_in_world(atomic: Any, kind: Any, error: Any, trace: Any) -> None:
    world = _world_of(atomic)
    is_rolled_back = kind is not None or (world and world.connection.needs_rollback)
    _exit(atomic, kind, error, trace)
    if world is not None and world.is_outside and not is_rolled_back:
        world.commit()
