"""A run at its stage boundaries: each is saved and shown at once, in order."""

from dataclasses import replace

from liveops.exceptions import InvalidStateError
from liveops.progress.bridge import call_at_home
from liveops.progress.ledger import Span
from liveops.progress.serving import ServedRun
from liveops.progress.update import Region, StageChange
from liveops.stages import StageState


class StagedRun(ServedRun):
    """A run whose stages change their states."""

    def enter_stage(self, change: StageChange) -> None:
        """Begin a stage: save it, show it, put the bar back to 0 %.

        Raises:
            StopSignal: the run is to stop; the stage did not begin.
            InvalidStateError: the run has ended.
        """
        if self._ended:
            raise InvalidStateError(
                f"The run has ended, so the stage {change.name!r} cannot begin."
            )
        self.flush()
        self.raise_stop()
        self.state.stage = change.name
        if change.index is not None:
            self.operation.current_stage = change.index
        self._save_stage(change)

    def change_stage(self, change: StageChange, ended: Span | None = None) -> None:
        """Change the state of a stage: save it, and show it if it is another one.

        Args:
            change: the stage as it is now.
            ended: when the attempt was that ended with this; None if none did.
        """
        if self._ended:
            return
        self.flush()
        if change.index is not None and ended is not None:
            # An attempt that is followed by another one has failed.
            retried = change.state == StageState.RETRYING
            outcome = StageState.FAILED.value if retried else change.state
            with self.lock:
                self._ledger.add_stage_run(change.name, outcome, change.attempt, ended)
        if self.operation.stage_states.get(change.name) == change.state:
            self._wake()
        else:
            self._save_stage(change)

    def record_command(self, stage: str, command: str, exit_status: int | None, span: Span) -> None:
        """Record a command that ended, and the stage in which it began."""
        if not self._ended:
            with self.lock:
                self._ledger.add_command_run(stage, command, exit_status, span)
            self._wake()

    def _save_stage(self, change: StageChange) -> None:
        """Save the stages, then show them; a boundary whose commit waits is announced at once.

        So the terminal prints its headers in order, while no page is shown stages that a rollback
        may still take back.
        """
        operation = self.operation
        if change.index is None:
            self._show_stage(change, None)
            return
        operation.stage_states = {**operation.stage_states, change.name: str(change.state)}
        self._note_attempt(change)
        saved = (operation.current_stage, dict(operation.stage_states), dict(self._attempts))
        announced = False

        def write() -> None:
            operation.save(update_fields=["current_stage", "stage_states"])

        def then() -> None:
            self._show_stage(None if announced else change, saved)

        if not call_at_home(lambda: self._boundary.save(write, then)):
            announced = True
            self._show_stage(change, None)

    def _note_attempt(self, change: StageChange) -> None:
        if change.attempt > 1 or change.state == StageState.RETRYING:
            self._attempts[change.name] = [change.attempt, change.tries]
        else:
            self._attempts.pop(change.name, None)

    def _show_stage(
        self,
        change: StageChange | None,
        saved: tuple[int, dict[str, str], dict[str, list[int]]] | None,
    ) -> None:
        with self.lock:
            if change is not None and change.state == StageState.ACTIVE:
                self.state.reset_bar()
            if saved is not None:
                self._screen.change(
                    Region.STAGES,
                    current_stage=saved[0],
                    stage_states=saved[1],
                    stage_attempts=saved[2],
                )
            now = self.clock()
            update = self._collect(now) or self._screen.update()
            if not self._pump.own_connection and self._boundary.rows_may_be_saved():
                self._save(now)
            self._fanout.emit(replace(update, stage=change))
        self._wake()
