"""Resumed stages that are called more than once, in each other, or in a transaction."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from django.db import transaction

from liveops.models import LiveOperation, StageRun
from liveops.progress import Progress
from liveops.progress.pumps import InlinePump, Pump, threaded_pump
from liveops.states import RESUMABLE_STATES, State
from tests.integration.resuming import (
    BREAKS,
    PHASES,
    Voyage,
    bodies,
    break_off,
    carry_out,
    go_on,
    recorded,
    stored,
)
from tests.testapp.models import Row

pytestmark = pytest.mark.django_db(transaction=True)

PUMPS = [pytest.param(InlinePump, id="inline"), pytest.param(threaded_pump, id="threaded")]


class Rounds(Voyage):
    """Calls one stage several times."""

    class Meta:
        proxy = True
        app_label = "testapp"

    got: ClassVar[list[Any]] = []
    rounds: ClassVar[int] = 3

    def run(self, p: Progress) -> None:
        """Sail to several harbours."""
        for number in range(self.rounds):
            self.got.append(self.sail(p, number))
        self.unpack(p)

    @LiveOperation.stage("Sail", "Sailing")
    def sail(self, p: Progress, number: int = 0) -> str:
        """Sail to one."""
        self.act(f"harbour {number}", p)
        return f"been in {number}"


@pytest.fixture(autouse=True)
def acts() -> Iterator[dict[str, Any]]:
    """Return what each stage is to do; nothing at first."""
    PHASES.clear()
    Rounds.got.clear()
    Voyage.acts = {}
    yield Voyage.acts
    Voyage.acts = {}


def test_each_call_of_a_stage_gets_what_that_call_returned(acts: dict[str, Any]) -> None:
    operation = break_off(at="Unpack", model=Rounds)
    Rounds.got.clear()
    after, _ = go_on(operation)
    assert after.get_state() == "FINISHED_OK", after.traceback
    assert Rounds.got == ["been in 0", "been in 1", "been in 2"]
    assert PHASES.count("harbour 0") == 0


def test_a_loop_that_broke_off_between_two_calls_goes_on_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Rounds, "rounds", 2)
    operation = break_off(at="Unpack", model=Rounds)
    monkeypatch.setattr(Rounds, "rounds", 4)
    go_on(operation)
    assert [name for name in PHASES if name.startswith("harbour")] == ["harbour 2", "harbour 3"]


def test_a_call_that_failed_on_the_way_ends_what_is_known(
    monkeypatch: pytest.MonkeyPatch, acts: dict[str, Any]
) -> None:
    def run(op: Rounds, p: Progress) -> None:
        for number in range(3):
            try:
                op.sail(p, number)
            except OSError:
                p.log("never mind")
        op.unpack(p)

    monkeypatch.setattr(Rounds, "run", run)
    acts["harbour 1"] = OSError()
    operation = break_off(at="Unpack", model=Rounds)
    assert operation.stage_states["Sail"] == "done"
    go_on(operation)
    assert [name for name in PHASES if name.startswith("harbour")] == ["harbour 1", "harbour 2"]


def test_a_stage_in_a_stage_is_passed_by_on_its_own(acts: dict[str, Any]) -> None:
    def sail(op: Voyage, p: Progress) -> Any:
        op.unpack(p)
        if "wind" not in acts:
            raise OSError

    acts["Sail"] = sail
    operation = Voyage.objects.create()
    carry_out(operation)
    assert stored(operation).stage_states == {"Pack": "done", "Unpack": "done", "Sail": "failed"}
    PHASES.clear()
    acts["wind"] = True
    go_on(stored(operation))
    assert bodies() == ["Sail", "Unpack"], "once inside, from its checkpoint; then in its turn"


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize("state", RESUMABLE_STATES)
def test_a_stage_whose_rows_were_rolled_back_runs_again(
    state: State,
    pump: Callable[[], Pump],
    acts: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(op: Voyage, p: Progress) -> None:
        with transaction.atomic():
            op.pack(p)
        with transaction.atomic():
            op.sail(p)
            if "over" not in acts:
                raise BREAKS[state]
        op.unpack(p)

    acts["Pack"] = lambda op, p: Row.objects.create(name="packed").pk
    acts["Sail"] = lambda op, p: Row.objects.create(name="sailed").pk
    monkeypatch.setattr(Voyage, "run", run)
    operation = Voyage.objects.create()
    if state is State.INTERRUPTED:
        with pytest.raises(KeyboardInterrupt):
            carry_out(operation, pump())
    else:
        carry_out(operation, pump())
    ended = stored(operation)
    assert [row.name for row in Row.objects.all()] == ["packed"]
    assert ended.stage_states == {"Pack": "done", "Sail": "done"}
    assert recorded(ended) == [("Pack", 1, "done", True), ("Sail", 1, "done", False)]
    acts["over"] = True
    PHASES.clear()
    after, _ = go_on(ended, pump())
    assert after.get_state() == "FINISHED_OK", after.traceback
    assert bodies() == ["Sail", "Unpack"]
    assert [row.name for row in Row.objects.all()] == ["packed", "sailed"]


@pytest.mark.parametrize("pump", PUMPS)
def test_a_checkpoint_is_stored_with_the_commit_of_the_stages_rows(
    pump: Callable[[], Pump], acts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(op: Voyage, p: Progress) -> None:
        with transaction.atomic():
            op.pack(p)
            op.sail(p)
        op.unpack(p)

    monkeypatch.setattr(Voyage, "run", run)
    acts.update(Pack="bags", Sail="harbour", Unpack=OSError())
    operation, _ = carry_out(Voyage.objects.create(), pump())
    PHASES.clear()
    results = StageRun.objects.filter(is_checkpoint=True).values_list("stage", "result")
    assert list(results) == [("Pack", "bags"), ("Sail", "harbour")]
    go_on(operation)
    assert bodies() == ["Unpack"]
