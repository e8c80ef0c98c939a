"""``RecordingProgress``: what ``run(self, p)`` is handed in a test that has no runner."""

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.boundary import Boundary
from liveops.progress.capture import current
from liveops.progress.chaining import HandOver, unsuitable
from liveops.progress.parts import full_selector
from liveops.progress.pumps import Pump
from liveops.progress.text import plural
from liveops.progress.update import StageChange, Swap
from liveops.progress.view import View
from liveops.results import storable_checkpoint
from liveops.stages import StageState
from liveops.states import State
from liveops.store import Claim
from liveops.testing.clocks import HandClock
from liveops.testing.commands import Commands
from liveops.testing.given import require_operation
from liveops.testing.record import Attempted, RanCommand, Record, Said, TemplateSwap, keep
from liveops.testing.runs import Plan, RecordedRun, RecordingLedger, RecordingPump


class _MemoryHandOver(HandOver):
    """A hand-over of which nothing is stored."""

    def carry_out_once(self) -> None:
        run: Any = self._run
        run.leave_stages()
        run.record.add_chain(self._following)
        run._ended = True

    def stands(self) -> bool:
        return True


class RecordingProgress(Progress):
    """A ``Progress`` that only records: no database, no socket, no template, no waiting.

    Hand it to ``op.run(p)``, to one stage method, or to any function that takes a ``Progress``.
    Signals of runs and stages are not sent. ``result_context`` and ``error_text`` hold what
    ``result()`` and ``error()`` were told.

    Args:
        operation: an operation, saved or not, whose stage states begin anew; left out, a bare one.
        stages_to_run: the only stages that are to run; None for what the operation says.
        cancel_at: the stage in which somebody cancels, as soon as it is entered.
        cancel_after_lines: the number of log lines after which somebody cancels.
        cancel_after_items: the number of items of ``track()``, in all loops together, after which
            somebody cancels.
        commands: what ``run()`` and ``arun()`` do. None: each command succeeds and prints nothing.
            A text, a number or an :class:`Answer`: so does each. A mapping of commands, or of their
            first words, to such: what is not in it is an ``AssertionError``. A function: is called
            with each command. ``"real"``: they are run.
        checkpoints: by stage method, what it returned before the operation was resumed: these
            stages are passed by.

    Raises:
        ConfigurationError: ``stages_to_run`` cannot be run.
        TypeError, ValueError: no operation; no such stage; no number to count to.
    """

    def __init__(
        self,
        operation: LiveOperation | None = None,
        *,
        stages_to_run: Sequence[str] | None = None,
        cancel_at: str | None = None,
        cancel_after_lines: int | None = None,
        cancel_after_items: int | None = None,
        commands: Commands = None,
        checkpoints: Mapping[str, Any] | None = None,
    ) -> None:
        self._is_bare = operation is None
        operation = LiveOperation() if operation is None else require_operation(operation, "()")
        if stages_to_run is not None:
            operation.stages_to_run = list(stages_to_run)
        operation.check_stages_to_run()
        plan = Plan(cancel_at, cancel_after_lines, cancel_after_items, commands=commands)
        self._clock = HandClock()
        claim = _claim(operation, checkpoints or {})
        self._record = Record()
        super().__init__(
            _MemoryRun(
                operation,
                claim,
                [],
                pump=RecordingPump(self._clock),
                record=self._record,
                plan=plan,
                clock=self._clock,
                share=1.0,
            )
        )
        operation._progress = self  # for stage methods
        keep(self)

    # What a test does.

    def cancel(self) -> None:
        """Ask to cancel, as somebody does on the page."""
        self._run.note_cancel()

    def advance(self, seconds: float) -> None:
        """Let simulated time pass.

        Raises:
            ValueError: fewer than 0 seconds.
        """
        self._clock.advance(seconds)

    # What a test reads.

    @property
    def lines(self) -> list[Said]:
        """The log; each line is a ``str`` with its ``level`` and ``stage``."""
        return self._record.lines

    @property
    def statuses(self) -> list[Said]:
        """What the status was, one after the other; each a ``str`` with ``level`` and ``stage``."""
        return self._record.statuses

    @property
    def percents(self) -> list[float]:
        """Where the bar stood, one after the other; of ``track()`` at each whole percent."""
        return self._record.percents

    @property
    def stages(self) -> dict[str, str]:
        """The state of each stage of the operation that began, in that order."""
        if self._is_bare:
            return self._record.stages
        states, order = self.operation.stage_states, self._record.stages
        return {name: str(states[name]) for name in [*states, *order] if name in states}

    @property
    def changes(self) -> list[StageChange]:
        """Each stage that changed its state: ``name``, ``state``, ``attempt``, ``seconds``."""
        return self._record.changes

    @property
    def durations(self) -> dict[str, float]:
        """Simulated seconds of each stage, with its waits."""
        return self._record.durations

    @property
    def attempted(self) -> list[Attempted]:
        """Each attempt that ended: ``stage``, ``number``, ``outcome`` and ``seconds``."""
        return self._record.attempts

    @property
    def waits(self) -> list[float]:
        """The seconds between attempts that were passed over."""
        return self._record.waits

    @property
    def commands(self) -> list[RanCommand]:
        """The commands; each a ``str`` with its ``returncode``, ``seconds`` and ``stage``."""
        return self._record.commands

    @property
    def swaps(self) -> list[Swap]:
        """What was put into the page: ``selector``, ``mode`` and ``html``.

        Those of ``swap()`` are not rendered, but have a ``template`` and a ``context``.
        """
        return self._record.swaps

    @property
    def returned(self) -> dict[str, Any]:
        """What each stage method returned that is done, as a resume would give it back."""
        return self._record.returned

    @property
    def chained(self) -> LiveOperation | None:
        """The operation that was handed to ``chain_to()``."""
        return self._record.chained

    @property
    def seconds(self) -> float:
        """Simulated seconds that have passed."""
        return self._clock.passed

    @property
    def transcript(self) -> str:
        """All of it as a text, in the order in which it happened."""
        return "\n".join([repr(self)[1:-1], *self._record.shown])

    def __str__(self) -> str:
        return self.transcript

    def __repr__(self) -> str:
        stages = ", ".join(f"{name} {state}" for name, state in self.stages.items())
        parts = [f"{type(self.operation).__name__}: {stages or 'no stages'}"]
        count = len(self.lines)
        parts.append(f"{count} {plural('line', count)}")
        if self.error_text is not None:
            parts.append(f"error {self.error_text!r}")
        if self.result_context is not None:
            parts.append(f"result {self.result_context!r}")
        return f"<RecordingProgress {'; '.join(parts)}>"

    # What differs from a real one.

    _hand_over_class = _MemoryHandOver

    @contextmanager
    def capture_logging(self, logger_name: str = "", level: int = logging.INFO) -> Iterator[None]:
        """Copy what a Python logger records inside the block into the log."""
        token = current.set(self)
        try:
            with super().capture_logging(logger_name, level):
                yield
        finally:
            current.reset(token)

    def _show_template(self, selector: str, path: str, context: dict[str, Any]) -> None:
        target = full_selector(selector)
        self._run.add_swap(TemplateSwap(target, "innerHTML", "", path, context))

    def _problem_with(self, following: LiveOperation) -> str | None:
        problem = unsuitable(self._run, following)
        if problem is None and following.get_state() != State.NOT_STARTED:
            return f"The {type(following).__name__} is {following.get_state()}."
        return problem


class _MemoryBoundary(Boundary):
    """A stage boundary at which nothing is saved."""

    def __init__(self, alias: str, pump: Pump, who: object = None) -> None:
        self.pump_may_write_beside = False

    def in_user_transaction(self) -> bool:
        return False

    def in_transaction_here(self) -> bool:
        return False

    def stages_may_be_saved(self) -> bool:
        return True

    def save(self, write: Callable[[], None], then: Callable[[], None]) -> bool:
        then()
        return True

    def note_outage(self) -> None:
        """Nothing can be away."""

    heal = note_outage


class _MemoryLedger(RecordingLedger):
    """Saves nothing."""

    def save(self, now: float, seq: int, log_seq: int, view: View) -> bool:
        self._lines.clear()
        self._stage_runs.clear()
        self._command_runs.clear()
        self._checkpoints.clear()
        self._characters, self._changed = 0, False
        return True


class _MemoryRun(RecordedRun):
    """A run of which nothing is stored."""

    tells_events = False
    boundary_class = _MemoryBoundary
    ledger_class = _MemoryLedger

    def look_at_flags(self) -> None:
        """There is nothing to look at."""

    def cancel_now(self) -> None:
        self.note_cancel()

    def flush(self) -> None:
        self._flush_now()  # in any thread: no database is asked

    flush_due = flush


def _claim(operation: LiveOperation, checkpoints: Mapping[str, Any]) -> Claim:
    """Put an operation back to its start, as a claim does; nothing is stored."""
    unknown = [name for name in checkpoints if name not in operation.stages]
    if unknown:
        raise ValueError(f"{type(operation).__name__} has no stage {unknown[0]!r}.")
    states = {name: StageState.DONE.value for name in operation.stages if name in checkpoints}
    operation.current_stage, operation.stage_states = -1, dict(states)
    returned = {name: [storable_checkpoint(name, value)] for name, value in checkpoints.items()}
    view = View(State.STARTED.value, stage_states=states)
    return Claim(uuid.uuid4(), 0, 0, view, checkpoints=returned)
