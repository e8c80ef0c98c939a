"""One run, from its beginning to its end."""

import logging
import threading

from liveops import outages
from liveops.exceptions import FenceLost
from liveops.progress.staged_run import StagedRun
from liveops.progress.update import ALL_REGIONS, Finished, Region
from liveops.progress.view import Line, View

logger = logging.getLogger("liveops")

_SNAPSHOT_SECONDS = 0.1


class Run(StagedRun):
    """A run as the executor drives it: begin, settle, end; or abandon, when it was lost."""

    _is_settled = False

    def begin(self) -> None:
        """Show everything as it is at the start of the run, and be served from now on."""
        self._pump.add(self)
        with self.lock:
            self._fanout.emit(self._screen.update(ALL_REGIONS, replace_log=not self._keeps_log))

    def settle(self, error_text: str) -> None:
        """Show and save all that user code left; to be called before the outcome is saved.

        So whoever reads of the end in the database finds the last lines and the sentence about
        what went wrong there too.
        """
        self._pump.remove(self)
        with self.lock:
            now = self.clock()
            updates = list(iter(lambda: self._collect(now), None))
            self._screen.change(error_text=error_text)
            self._ledger.note_change()
            self._is_settled = self._save_all(now)
            if not isinstance(self.stop, FenceLost):
                for update in updates:
                    self._fanout.emit(update)

    def save_rest(self) -> None:
        """Save what :meth:`settle` could not save; to be called before the end is saved later."""
        with self.lock:
            if not self._is_settled:
                self._is_settled = self._save_all(self.clock())

    def go_on(self) -> None:
        """Be served again after :meth:`settle`: the run does not end yet after all."""
        self._pump.add(self)

    def end(self, finished: Finished) -> None:
        """Show the end, with every region as it is now; the outcome is saved before this.

        Nothing is shown if the operation was restarted since: the page is another run's by now.
        """
        with self.lock:
            self._ended = True
            self._screen.change(
                state=finished.state,
                error_text=finished.error_text,
                current_stage=self.operation.current_stage,
                stage_states=dict(self.operation.stage_states),
                stage_attempts=dict(self._attempts),
                stage_times=dict(self._stage_times),
            )
            final = self._screen.update(ALL_REGIONS - {Region.LOG}, finished=finished)
            self._ledger.note_change()
            if not self._save_all(self.clock()):
                pk = self.operation.pk
                logger.error("liveops: the last log lines of operation %s could not be saved", pk)
            if not isinstance(self.stop, FenceLost):
                self._fanout.emit(final)
            self._fanout.close()
        outages.database(self.alias).over()

    def abandon(self) -> None:
        """Stop serving a run that cannot be ended; nothing more is shown or saved."""
        self._pump.remove(self)
        with self.lock:
            if not self._ended:
                self._ended = True
                self._fanout.close()
        outages.database(self.alias).forget(self.run_id)

    def leave_to_parent(self) -> None:
        """Do nothing more for the run: this process is a fork of the one that carries it out."""
        self.lock = threading.RLock()  # a thread that is no more may have held the other one
        self._ended = True
        self.passages.clear()

    def snapshot(self) -> tuple[View, list[Line], int]:
        """Return what was shown: the view, the log's tail and the number of the last frame."""
        # Not for long: an inline run holds the lock while it waits for the database.
        locked = self.lock.acquire(timeout=_SNAPSHOT_SECONDS)
        try:
            return self._screen.view, list(self._screen.tail), self._screen.seq
        finally:
            if locked:
                self.lock.release()

    def _save_all(self, now: float) -> bool:
        return any(self._save(now) for _ in self._ledger.last_tries(now))
