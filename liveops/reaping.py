"""Seeing to it that nothing is lost: dead runs end, and what waits in vain is handed over again.

Reaping never carries anything out: it puts operations back to where a runner takes them, each by
one conditional update, so any number of processes may reap at the same time.
"""

import logging
import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, Error, connections, router, transaction

from liveops import conf, control, events, lock_waits, registry, store
from liveops.exceptions import LiveOperationsError
from liveops.models import LiveOperation
from liveops.signals import Reason

__all__ = ["Round", "reap_once"]

logger = logging.getLogger("liveops")

_MARGIN_SECONDS, _SPAN = 1.0, 4
_HAND_OVER_SECONDS = 3.0
# Whatever handing over takes, looks have twice as long after it: so they stay regular.
_REST = 2.0
_KNOWN = (LiveOperationsError, ObjectDoesNotExist)
"""What keeps one operation from being resumed or run, and needs no traceback."""


@dataclass(slots=True)
class Round:
    """What a reaper did, as base instances of the operations.

    Attributes:
        interrupted: operations whose run was dead.
        resumed: operations that go on by themselves.
        handed_over: operations that were handed to their runner again.
        suspects: runs that are silent, but were seen so only once, or cannot be ended just now.
        look_again_in: seconds until a suspect may be ended; None without one.
    """

    interrupted: list[LiveOperation] = field(default_factory=list)
    resumed: list[LiveOperation] = field(default_factory=list)
    handed_over: list[LiveOperation] = field(default_factory=list)
    suspects: int = 0
    look_again_in: float | None = None

    def __bool__(self) -> bool:
        """Tell whether anything was done."""
        return bool(self.interrupted or self.resumed or self.handed_over)


@dataclass(slots=True)
class _Suspect:
    """A silent run: its last sign of life, and when it was first seen, by this process's clock."""

    heard: datetime
    since: float
    is_held: bool = False


class Reaper:
    """Looks for dead runs, again and again; one for each place that looks regularly.

    A run is dead if two looks, somewhat more than a heartbeat apart, find the same sign of life and
    it is too old. One look is not enough: after the database was away, or the machine was asleep,
    all runs look dead until they have had the time to give a sign of life. For the same reason
    looks count only while they are regular: after one that failed, or a longer pause, it begins
    anew.

    Looks come first. Handing operations over ends for a round after a few seconds, and when the
    runner refuses one; the others wait for a later round. After a runner that was slow there are
    rounds that only look.

    Args:
        clock: seconds, monotonic; a test passes its own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._suspects: dict[uuid.UUID, _Suspect] = {}
        self._looked_at: float | None = None
        self._hands_over_from = -math.inf
        self._lock = threading.Lock()

    @property
    def confirm_seconds(self) -> float:
        """Time between the two looks."""
        return conf.get_settings().HEARTBEAT_SECONDS + _MARGIN_SECONDS

    def round(self, *, hands_over: bool = True) -> Round:
        """Look once.

        Args:
            hands_over: whether operations are handed to the runner, too: those that go on by
                themselves, and those that wait in vain.

        Raises:
            DatabaseError: the database cannot be reached.
        """
        with self._lock:
            found = Round()
            alias = router.db_for_write(LiveOperation)
            try:
                self._interrupt(alias, found)
                if hands_over:
                    self._hand_out(alias, found)
            except BaseException:
                self._suspects, self._looked_at = {}, None
                raise
            return found

    def _interrupt(self, alias: str, found: Round) -> None:
        settings, now = conf.get_settings(), self._clock()
        if self._looked_at is None or now - self._looked_at > self.confirm_seconds * _SPAN:
            self._suspects = {}
        self._looked_at = now
        suspects: dict[uuid.UUID, _Suspect] = {}
        for stale in store.stale_runs(alias, settings.STALE_SECONDS):
            run = registry.find(stale.operation)
            if run is not None and run.run_id == stale.run_id and not run.has_ended:
                continue  # it is here, and alive: only its sign of life could not be written
            suspect = self._suspects.get(stale.run_id)
            if suspect is None or suspect.heard != stale.heartbeat_on:
                suspect = _Suspect(stale.heartbeat_on, now)
            too_soon = now - suspect.since < self.confirm_seconds
            if too_soon or not self._end(alias, stale, suspect, found):
                suspects[stale.run_id] = suspect
        self._suspects = suspects
        found.suspects = len(suspects)
        if suspects:
            left = (one.since + self.confirm_seconds - now for one in suspects.values())
            # One that is due and cannot be ended just now is looked at as often as all others.
            found.look_again_in = min((wait for wait in left if wait > 0), default=None)

    def _end(self, alias: str, stale: store.StaleRun, suspect: _Suspect, found: Round) -> bool:
        """Interrupt a run; return False if that is worth another try."""
        operation = LiveOperation._base_manager.using(alias).filter(pk=stale.operation).first()
        if operation is None:
            return True
        try:
            seconds = conf.get_settings().STALE_SECONDS
            with lock_waits.limited(connections[alias]):
                done = store.interrupt_stale(operation, stale.run_id, seconds)
        except DatabaseError as error:
            _raise_if_away(alias)
            if not suspect.is_held:
                logger.warning("liveops: operation %s is reaped later (%s)", operation.pk, error)
            suspect.is_held = True
            return False
        if done:
            operation.refresh_from_db()
            found.interrupted.append(operation)
            logger.warning(
                "liveops: operation %s was interrupted: its run has been silent since %s",
                operation.pk,
                stale.heartbeat_on,
            )
            _tell(operation, stale.run_id)
        return True

    def _hand_out(self, alias: str, found: Round) -> None:
        """Hand operations to the runner, as long as it takes them and there is time."""
        began = self._clock()
        if began < self._hands_over_from:
            return
        try:
            # Lazily: nothing happens to an operation before its turn.
            for operation, specific in _resumed(alias, self._in_time(began)):
                found.resumed.append(operation)
                if not _submit(specific):
                    return
            for operation, specific in _taken_over(alias, self._in_time(began)):
                found.handed_over.append(operation)
                if not _submit(specific):
                    return
        finally:
            now = self._clock()
            self._hands_over_from = now + (now - began) * _REST

    def _in_time(self, began: float) -> Callable[[], bool]:
        return lambda: self._clock() - began < _HAND_OVER_SECONDS


def _resumed(alias: str, in_time: Callable[[], bool]) -> Iterator[tuple[LiveOperation, Any]]:
    """Resume what is resumed by itself, one with each step; give it as its class, too."""
    for operation in takewhile(lambda _: in_time(), store.resumable(alias)):
        try:
            specific = operation.specific
            with lock_waits.limited(connections[alias]), transaction.atomic(using=alias):
                store.resume(specific, unasked=True)
                specific.check_stages_to_run()
                specific.note_enqueued()
        except Error as error:
            _raise_if_away(alias)
            logger.debug("liveops: operation %s is resumed later (%s)", operation.pk, error)
        except Exception as error:  # noqa: BLE001  (any mistake in a class of the project)
            if store.give_up_resuming(operation):
                _warn("liveops: operation %s is not resumed: %s", operation, error)
        else:
            logger.info("liveops: operation %s goes on by itself", operation.pk)
            yield operation, specific


def _taken_over(alias: str, in_time: Callable[[], bool]) -> Iterator[tuple[LiveOperation, Any]]:
    """Take over what waits in vain, one with each step; give it as its class, too."""
    overdue = store.overdue(alias, conf.get_settings().REQUEUE_SECONDS)
    for operation in takewhile(lambda _: in_time(), overdue):
        try:
            with lock_waits.limited(connections[alias]):
                is_ours = store.take_over(operation)
            specific = operation.specific
        except Error as error:
            _raise_if_away(alias)
            logger.debug("liveops: operation %s is handed over later (%s)", operation.pk, error)
        except Exception as error:  # noqa: BLE001  (as above)
            _warn("liveops: operation %s cannot be run: %s", operation, error)
        else:
            if is_ours:
                logger.warning(
                    "liveops: operation %s is handed over again, for it waits since %s",
                    operation.pk,
                    operation.enqueued_on,
                )
                yield operation, specific


def reap_once(
    reaper: Reaper | None = None,
    wait: Callable[[float], object] = time.sleep,
    *,
    hands_over: bool = True,
) -> Round:
    """Look, and look again if there are suspects; for a scheduler to call every minute or so.

    Args:
        reaper: what looks; left out, a new one.
        wait: waits for so many seconds, a little more than a heartbeat.
        hands_over: as for :meth:`Reaper.round`.

    Returns:
        What both looks did together.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    reaper = reaper or Reaper()
    first = reaper.round(hands_over=False)
    if first.look_again_in is not None:
        wait(first.look_again_in)
    second = reaper.round(hands_over=hands_over)
    second.interrupted[:0] = first.interrupted
    return second


def _raise_if_away(alias: str) -> None:
    """Raise the error that is being handled again, unless the database is there all the same."""
    connection = connections[alias]
    if connection.connection is None or not (connection.in_atomic_block or connection.is_usable()):
        raise  # noqa: PLE0704  (called where an error is handled)


def _warn(text: str, operation: LiveOperation, error: Exception) -> None:
    """Log what keeps an operation from something, with its traceback unless it is well known."""
    known = isinstance(error, _KNOWN)
    logger.warning(text, operation.pk, error, exc_info=None if known else error)


def _submit(operation: LiveOperation) -> bool:
    """Hand an operation to its runner; return False if that refuses: its next time comes."""
    try:
        runner = conf.load_runner()()
        # Not submit(), which would end the operation: it is no fresh one whose user waits.
        getattr(runner, "enqueue", runner.submit)(operation)
    except Exception:
        logger.exception("liveops: the runner did not take operation %s", operation.pk)
        return False
    return True


def _tell(operation: LiveOperation, run_id: uuid.UUID) -> None:
    """Tell watchers and other code of an operation that was interrupted."""
    try:
        specific = operation.specific
    except Error:
        raise
    except Exception as error:  # noqa: BLE001  (as above)
        _warn("liveops: no watcher is told of operation %s: %s", operation, error)
        specific = operation
    else:
        control.announce_end(specific)
    events.interrupted(specific, run_id, Reason.REAPED)
