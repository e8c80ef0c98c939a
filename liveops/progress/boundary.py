"""Saving at a stage boundary: committed first, shown second, whatever transaction is open."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, InterfaceError, connections, transaction

from liveops import lock_waits, outages
from liveops.progress.pumps import Pump

logger = logging.getLogger("liveops")


class Boundary:
    """Knows whether user code has a transaction open, and saves accordingly.

    A transaction that was open when the run began (a test's, say) is the run's own world and does
    not count.

    Args:
        alias: the database of the operation.
        pump: can save on a connection of its own where the database allows two writers.
        who: stands for the run in what is told of outages.
    """

    def __init__(self, alias: str, pump: Pump, who: object = None) -> None:
        self._alias = alias
        self._pump = pump
        self._who = who
        self._home = connections[alias]
        self._home_thread = threading.get_ident()
        self._depth = len(self._home.atomic_blocks)
        self._refused: Callable[[], object] | None = None
        self._may_be_broken = False
        self.pump_may_write_beside = pump.own_connection and self._home.vendor != "sqlite"

    def in_user_transaction(self) -> bool:
        """Return whether user code of the run has a transaction open; ask from any thread."""
        return len(self._home.atomic_blocks) > self._depth

    def rows_may_be_saved(self) -> bool:
        """Return whether the pump may save rows of its own now, from its own thread."""
        return self.pump_may_write_beside or not self.in_user_transaction()

    def stages_may_be_saved(self) -> bool:
        """Return whether the operation's own row may be saved now, from the pump's thread.

        Once the transaction that is open was found to hold that row, it may not until its end.
        """
        return self.rows_may_be_saved() and not self._is_refused()

    def save(self, write: Callable[[], None], then: Callable[[], None]) -> bool:
        """Carry out ``write``, and ``then`` once what it wrote is committed; return if it is now.

        Outside a transaction both happen at once. Inside one, ``write`` goes through the pump's
        own connection where the database has room for a second writer; otherwise it joins the
        open transaction, and ``then`` waits for its commit.

        If it is not committed now, the caller has to keep it, and to save it as soon as it may be:
        the database is away, the user's transaction holds the row, or a rollback may take it back.
        """
        if self._home.vendor == "sqlite" and self._held_by_another_thread():
            return False
        if not self.in_user_transaction():
            is_saved = self._write_here(write)
        elif self.pump_may_write_beside:
            is_saved = not self._is_refused() and self._ask_the_pump(write)
        else:
            self._join(write, then)
            return False
        if is_saved:
            then()
        return is_saved

    def once_committed(self, then: Callable[[], object]) -> None:
        """Call ``then`` now, or when the transaction that is open in this thread commits.

        It is never called if that is rolled back.
        """
        if self.in_transaction_here():
            self._on_commit(then)
        else:
            then()

    def in_transaction_here(self) -> bool:
        """Return whether user code has a transaction open in this thread."""
        here = connections[self._alias]
        return len(here.atomic_blocks) > (self._depth if here is self._home else 0)

    def note_outage(self) -> None:
        """Note that the database was away: the run's own connection has to be looked at."""
        self._may_be_broken = True

    def heal(self) -> None:
        """Give user code a connection that works, after an outage; called on the run's thread."""
        home = self._home
        if not self._may_be_broken or home.in_atomic_block or self._is_another_thread():
            return
        self._may_be_broken = False
        if home.connection is not None:
            home.errors_occurred = True  # perhaps: it is to be looked at
            outages.drop_if_broken(home)

    def _write_here(self, write: Callable[[], None]) -> bool:
        here = connections[self._alias]
        for is_last in (False, True):
            try:
                write()
            except Exception as error:
                if here.in_atomic_block or not outages.is_passing(error):
                    raise
                if is_last or not outages.drop_if_broken(here):
                    outages.note_failure(self._alias, self._who, error)
                    return False
                # The connection was lost, perhaps long ago; a new one may be had.
            else:
                return True
        return False

    def _ask_the_pump(self, write: Callable[[], None]) -> bool:
        try:
            self._pump.call(lambda: self._write_beside(write))
        except Exception as error:
            if not outages.is_passing(error):
                raise
            logger.debug("liveops: a stage is saved after the transaction (%s)", error)
            self._remember_refusal()
            return False
        return True

    def _join(self, write: Callable[[], None], then: Callable[[], None]) -> None:
        if self._home.needs_rollback:
            return
        try:
            with transaction.atomic(using=self._alias):
                write()
        except (DatabaseError, InterfaceError) as error:
            logger.debug("liveops: a stage is saved after the transaction (%s)", error)
        else:
            self._on_commit(then)

    def _write_beside(self, write: Callable[[], None]) -> None:
        beside = connections[self._alias]
        lock_waits.limit(beside)
        try:
            write()
        except Exception as error:
            if lock_waits.is_lock(error) or not outages.is_passing(error):
                raise
            if not outages.drop_if_broken(beside):
                raise
            lock_waits.limit(beside)
            write()

    def _remember_refusal(self) -> None:
        """Do not ask the pump again until the open transaction, or its savepoint, has ended.

        The pump waits half a second for a lock: once a transaction, not at each boundary. Whatever
        is rolled back takes its locks and its hooks with it, so the hook tells whether the
        transaction is still the same one.
        """
        if self._is_another_thread() or self._home.needs_rollback:
            return

        def marker() -> None:
            """Be found in the list of what is called after the commit; that is all."""

        self._on_commit(marker)
        self._refused = marker

    def _is_refused(self) -> bool:
        marker = self._refused
        if marker is None:
            return False
        hooks: list[Any] = list(self._home.run_on_commit)
        if self.in_user_transaction() and any(hook[1] is marker for hook in hooks):
            return True
        self._refused = None
        return False

    def _is_another_thread(self) -> bool:
        return threading.get_ident() != self._home_thread

    def _held_by_another_thread(self) -> bool:
        # A helper thread of user code would wait in vain for the lock that the run's own one holds.
        return self._is_another_thread() and self.in_user_transaction()

    def _on_commit(self, callback: Callable[[], object]) -> None:
        if connections[self._alias].needs_rollback:
            return
        transaction.on_commit(callback, using=self._alias)
