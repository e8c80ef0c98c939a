"""The stages of a run as they have to be saved yet, because it was not possible at once."""

import logging
from typing import Any

from liveops import outages, store
from liveops.models import LiveOperation

logger = logging.getLogger("liveops")

_FIRST_RETRY_SECONDS = 0.1


class LateStages:
    """Keeps what the last boundary wanted to be saved; earlier ones are included in it.

    Its run holds a lock around every call.

    Args:
        operation: the claimed instance.
        who: stands for the run in what is told of outages.

    Attributes:
        is_away: whether they wait for a database that is away, rather than for the end of a
            transaction of user code.
    """

    def __init__(self, operation: LiveOperation, who: object) -> None:
        self._operation = operation
        self._who = who
        self._alias = store.alias_of(operation)
        self.is_away = False
        self._saved: dict[str, Any] | None = None
        self._retry_at = 0.0
        self._retry_seconds = _FIRST_RETRY_SECONDS

    @property
    def is_waiting(self) -> bool:
        """Whether there is something to be saved."""
        return self._saved is not None

    def put(self, saved: dict[str, Any]) -> None:
        """Have values of a view saved as soon as may be, those of the operation's row."""
        self._saved = saved

    def drop(self, saved: dict[str, Any]) -> bool:
        """Note that values were saved in another way; return whether they were the last ones."""
        if self._saved is not saved:
            return False
        self._saved, self.is_away = None, False
        return True

    def due_at(self) -> float:
        """Return when to save, in seconds of the run's clock."""
        return float("inf") if self._saved is None else self._retry_at

    def postpone(self, now: float, seconds: float) -> None:
        """Do not try before ``seconds`` from now."""
        self._retry_at = now + seconds

    def save(self, now: float) -> dict[str, Any] | None:
        """Save what waits and return it; None if the database refuses, for a later try.

        Raises:
            FenceLost: the run no longer owns the operation.
        """
        saved = self._saved
        if saved is None:
            return None
        try:
            store.save_stages(self._operation, saved["current_stage"], saved["stage_states"])
        except Exception as error:  # it must wait, whatever the trouble with saving it is
            if outages.is_passing(error):
                outages.note_failure(self._alias, self._who, error)
            else:
                logger.exception("liveops: a stage could not be saved; trying again")
            self._retry_at = now + self._retry_seconds
            self._retry_seconds = min(self._retry_seconds * 2, outages.longest_pause())
            self.is_away = True
            return None
        self._saved, self.is_away = None, False
        self._retry_at, self._retry_seconds = 0.0, _FIRST_RETRY_SECONDS
        return saved
