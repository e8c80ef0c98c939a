"""Saving at a stage boundary: committed first, shown second, whatever transaction is open."""

import logging
import threading
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction

from liveops import lock_waits
from liveops.progress.pumps import Pump

logger = logging.getLogger("liveops")


class Boundary:
    """Knows whether user code has a transaction open, and saves accordingly.

    A transaction that was open when the run began (a test's, say) is the run's own world and does
    not count.

    Args:
        alias: the database of the operation.
        pump: can save on a connection of its own where the database allows two writers.
    """

    def __init__(self, alias: str, pump: Pump) -> None:
        self._alias = alias
        self._pump = pump
        self._home = connections[alias]
        self._home_thread = threading.get_ident()
        self._depth = len(self._home.atomic_blocks)
        self.pump_may_write_beside = pump.own_connection and self._home.vendor != "sqlite"

    def in_user_transaction(self) -> bool:
        """Return whether user code of the run has a transaction open; ask from any thread."""
        return len(self._home.atomic_blocks) > self._depth

    def rows_may_be_saved(self) -> bool:
        """Return whether the pump may save rows of its own now, from its own thread."""
        return self.pump_may_write_beside or not self.in_user_transaction()

    def save(self, write: Callable[[], None], then: Callable[[], None]) -> bool:
        """Carry out ``write``, and ``then`` once what it wrote is committed; return if it is now.

        Outside a transaction both happen at once. Inside one, ``write`` goes through the pump's
        own connection where the database has room for a second writer; otherwise it joins the
        open transaction, and ``then`` waits for its commit. What a rollback takes back is written
        again at the next boundary.
        """
        if self._home.vendor == "sqlite" and self._held_by_another_thread():
            return False
        if not self.in_user_transaction():
            try:
                write()
            except (OperationalError, InterfaceError):
                if not self._was_disconnected():
                    raise
                write()
            then()
            return True
        if self.pump_may_write_beside:
            try:
                self._pump.call(lambda: self._write_beside(write))
            except DatabaseError as error:
                logger.debug("liveops: a stage is saved after the commit (%s)", error)
                self._on_commit(write)
                self._on_commit(then)
                return False
            then()
            return True
        if self._home.needs_rollback:
            return False
        try:
            with transaction.atomic(using=self._alias):
                write()
        except DatabaseError as error:
            logger.debug("liveops: a stage is saved after the transaction (%s)", error)
            return False
        self._on_commit(then)
        return False

    def once_committed(self, then: Callable[[], object]) -> None:
        """Call ``then`` now, or when the transaction that is open in this thread commits.

        It is never called if that is rolled back.
        """
        here = connections[self._alias]
        if len(here.atomic_blocks) > (self._depth if here is self._home else 0):
            self._on_commit(then)
        else:
            then()

    def _was_disconnected(self) -> bool:
        """Drop the connection if it is of no use any more; return whether it was."""
        if self._home.in_atomic_block:
            return False
        self._home.close_if_unusable_or_obsolete()
        return self._home.connection is None

    def _held_by_another_thread(self) -> bool:
        # A helper thread of user code would wait in vain for the lock that the run's own one holds.
        return threading.get_ident() != self._home_thread and self.in_user_transaction()

    def _write_beside(self, write: Callable[[], None]) -> None:
        lock_waits.limit(connections[self._alias])
        write()

    def _on_commit(self, callback: Callable[[], object]) -> None:
        if connections[self._alias].needs_rollback:
            return
        transaction.on_commit(callback, using=self._alias)
