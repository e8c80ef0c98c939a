"""An operation of three stages that does as a test says, breaks off, and goes on."""

from collections.abc import Iterable
from typing import Any, ClassVar

import pytest

from liveops import store
from liveops.exceptions import OperationCancelled
from liveops.models import LiveOperation, StageRun
from liveops.progress import Progress
from liveops.progress.pumps import InlinePump, Pump
from liveops.runners.executor import execute
from liveops.sinks.recording import RecordingSink
from liveops.states import State
from tests.testapp.models import Scripted

PHASES: list[str] = []
"""The phases and bodies that were carried out, in order."""


class Voyage(Scripted):
    """Does in each stage what the test says: an exception is raised, a function called."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["Pack", "Sail", "Unpack"]
    acts: ClassVar[dict[str, Any]] = {}
    run = LiveOperation.run

    @LiveOperation.stage("Pack", "Packing the bags")
    def pack(self, p: Progress) -> Any:
        """Pack."""
        return self.act("Pack", p)

    @LiveOperation.stage("Sail", "Sailing", retry_attempts=1)
    def sail(self, p: Progress) -> Any:
        """Sail."""
        return self.act("Sail", p)

    @LiveOperation.stage("Unpack", "Unpacking the bags")
    def unpack(self, p: Progress) -> Any:
        """Unpack."""
        return self.act("Unpack", p)

    def act(self, name: str, p: Progress) -> Any:
        """Do what the test says."""
        PHASES.append(name)
        act = self.acts.get(name)
        if isinstance(act, BaseException):
            raise act
        return act(self, p) if callable(act) else act

    def on_restart(self) -> None:
        """Note the call."""
        PHASES.append("on_restart")

    def _run_pre_stage_actions(self) -> None:
        PHASES.append("pre")

    def _run_post_stage_actions(self) -> None:
        PHASES.append("post")


def carry_out(
    operation: LiveOperation, pump: Pump | None = None, *, web: bool = False
) -> tuple[Any, RecordingSink]:
    """Carry out an operation that waits; return it as stored, and what was shown."""
    recorder = RecordingSink()
    fresh = LiveOperation.objects.get(pk=operation.pk)
    execute(fresh, pump=pump or InlinePump(), sinks=[recorder], web=web)
    return stored(operation), recorder


def stored(operation: LiveOperation) -> Any:
    """Return an operation as it is stored, as an instance of its class."""
    return LiveOperation.objects.get(pk=operation.pk).specific


BREAKS = {
    State.FINISHED_ERROR: ZeroDivisionError(),
    State.CANCELLED: OperationCancelled(),
    State.INTERRUPTED: KeyboardInterrupt(),
}
"""What a stage raises for its operation to end so."""


def break_off(
    state: State = State.FINISHED_ERROR,
    *,
    at: str = "Sail",
    model: type[Voyage] = Voyage,
    **fields: Any,
) -> Any:
    """Return an operation that ended without success in a stage, as it is stored."""
    operation = model._default_manager.create(**fields)
    before = model.acts.get(at)
    model.acts[at] = BREAKS[state]
    if state is State.INTERRUPTED:
        with pytest.raises(KeyboardInterrupt):
            carry_out(operation)
    else:
        carry_out(operation)
    model.acts[at] = before
    ended = stored(operation)
    assert ended.get_state() == state
    PHASES.clear()
    return ended


def go_on(operation: LiveOperation, pump: Pump | None = None) -> tuple[Any, RecordingSink]:
    """Resume an operation and carry it out; return it as stored, and what was shown."""
    store.resume(operation.specific)
    return carry_out(operation, pump)


def bodies(names: Iterable[str] = ()) -> list[str]:
    """Return the bodies that were carried out."""
    return [name for name in PHASES if name in (names or Voyage.stages)]


def recorded(operation: LiveOperation) -> list[tuple[str, int, str, bool]]:
    """Return stage, attempt and outcome of each attempt, and whether it is a checkpoint."""
    rows = StageRun.objects.filter(operation=operation)
    return [(row.stage, row.attempt, row.outcome, row.is_checkpoint) for row in rows]
