"""What done stages give back in a resumed run, however the operation is written."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from liveops import store
from liveops.models import LiveOperation, StageRun
from liveops.progress import Progress
from liveops.stages import RetryStage
from liveops.states import RESUMABLE_STATES, State
from tests.integration.resuming import (
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


class Handwritten(Voyage):
    """Calls its stages itself, and keeps what they give back."""

    class Meta:
        proxy = True
        app_label = "testapp"

    got: ClassVar[list[Any]] = []

    def run(self, p: Progress) -> None:
        """Hand what one stage returns to the next."""
        bags = self.pack(p)
        self.got.append(bags)
        with p.stage("Look"):
            PHASES.append("Look")
        self.got.append(self.sail(p))
        for attempt in p.attempts("Land"):
            with attempt:
                PHASES.append("Land")
        self.got.append(self.unpack(p))

    stages: ClassVar[list[str]] = ["Pack", "Look", "Sail", "Land", "Unpack"]


class AsyncVoyage(Voyage):
    """Has an async stage between plain ones."""

    class Meta:
        proxy = True
        app_label = "testapp"

    @LiveOperation.stage("Sail", "Sailing while others do")
    async def sail(self, p: Progress) -> Any:
        """Sail."""
        await asyncio.sleep(0)
        return self.act("Sail", p)


@pytest.fixture(autouse=True)
def acts() -> Iterator[dict[str, Any]]:
    """Return what each stage is to do; nothing at first."""
    PHASES.clear()
    Handwritten.got.clear()
    Voyage.acts = {}
    yield Voyage.acts
    Voyage.acts = {}


def test_a_done_stage_gives_back_what_it_returned(acts: dict[str, Any]) -> None:
    acts.update(Pack={"bags": [1, 2]}, Sail="harbour")
    operation = break_off(at="Unpack", model=Handwritten)
    Handwritten.got.clear()
    after, _ = go_on(operation)
    assert after.get_state() == "FINISHED_OK", after.traceback
    assert Handwritten.got == [{"bags": [1, 2]}, "harbour", None]
    assert bodies() == ["Unpack"]
    assert [row.result for row in StageRun.objects.filter(stage__in=["Pack", "Sail"])] == [
        {"bags": [1, 2]},
        "harbour",
    ]


def test_blocks_and_loops_of_attempts_run_again(acts: dict[str, Any]) -> None:
    operation = break_off(at="Unpack", model=Handwritten)
    assert recorded(operation) == [
        ("Pack", 1, "done", True),
        ("Look", 1, "done", False),
        ("Sail", 1, "done", True),
        ("Land", 1, "done", False),
        ("Unpack", 1, "failed", False),
    ]
    store.resume(operation)
    assert stored(operation).stage_states == {"Pack": "done", "Sail": "done"}
    after, _ = carry_out(operation)
    assert bodies(["Pack", "Look", "Sail", "Land", "Unpack"]) == ["Look", "Land", "Unpack"]
    assert after.stage_states == dict.fromkeys(Handwritten.stages, "done")


def test_values_come_back_as_json_has_them(acts: dict[str, Any]) -> None:
    acts["Pack"] = {"day": dt.date(2026, 11, 22), "price": Decimal("1.50"), 1: (2, 3)}
    operation = break_off(model=Handwritten)
    assert Handwritten.got == [acts["Pack"]], "the first run is handed the value itself"
    Handwritten.got.clear()
    go_on(operation)
    assert Handwritten.got[0] == {"day": "2026-11-22", "price": "1.50", "1": [2, 3]}


@pytest.mark.parametrize("value", [{"rows": {1, 2}}, Row(name="unsaved")], ids=["set", "model"])
def test_a_value_that_cannot_be_stored_fails_its_stage(value: Any, acts: dict[str, Any]) -> None:
    acts["Sail"] = value
    operation = Voyage.objects.create()
    after, recorder = carry_out(operation)
    assert after.get_state() == "FINISHED_ERROR"
    assert after.stage_states == {"Pack": "done", "Sail": "failed"}
    assert recorded(after)[-1] == ("Sail", 1, "failed", False)
    error = recorder.updates[-1].view.error_text
    assert error.startswith("What the stage 'Sail' returned cannot be stored as JSON")
    assert ("result['rows'] is of type set" in error) or ("result is of type Row" in error)
    acts["Sail"] = "fine"
    assert go_on(after)[0].get_state() == "FINISHED_OK"


@pytest.mark.parametrize("state", RESUMABLE_STATES)
def test_async_stages_resume_the_same_way(state: State, acts: dict[str, Any]) -> None:
    acts.update(Pack=1, Sail=[2])
    operation = break_off(at="Unpack", state=state, model=AsyncVoyage)
    assert recorded(operation)[:2] == [("Pack", 1, "done", True), ("Sail", 1, "done", True)]
    after, _ = go_on(operation)
    assert after.get_state() == "FINISHED_OK", after.traceback
    assert PHASES == ["pre", "Unpack", "post"]


def test_an_async_stage_that_failed_runs_again(acts: dict[str, Any]) -> None:
    operation = break_off(at="Sail", model=AsyncVoyage)
    after, _ = go_on(operation)
    assert after.get_state() == "FINISHED_OK", after.traceback
    assert bodies() == ["Sail", "Unpack"]


def test_a_retried_stage_is_passed_by_once_it_is_done(acts: dict[str, Any]) -> None:
    outcomes = iter([RetryStage("busy"), "sailed"])

    def sail(op: Voyage, p: Progress) -> Any:
        outcome = next(outcomes)
        if isinstance(outcome, RetryStage):
            raise outcome
        return outcome

    acts["Sail"] = sail
    operation = break_off(at="Unpack")
    assert recorded(operation)[1:3] == [("Sail", 1, "failed", False), ("Sail", 2, "done", True)]
    after, recorder = go_on(operation)
    assert after.get_state() == "FINISHED_OK", after.traceback
    assert bodies() == ["Unpack"]
    assert recorder.updates[0].view.stage_attempts == {"Sail": [2, 2]}, "as it was shown before"


def test_a_skipped_stage_is_asked_for_again(acts: dict[str, Any]) -> None:
    operation = break_off(at="Unpack", stages_to_run=["Pack", "Unpack"])
    assert operation.stage_states == {"Pack": "done", "Sail": "skipped", "Unpack": "failed"}
    after, _ = go_on(operation)
    assert bodies() == ["Unpack"]
    assert after.stage_states == {"Pack": "done", "Sail": "skipped", "Unpack": "done"}


def test_a_done_stage_is_done_whatever_is_to_run(acts: dict[str, Any]) -> None:
    operation = break_off(at="Sail")
    LiveOperation.objects.update(stages_to_run=["Sail"])
    after, _ = go_on(stored(operation))
    assert bodies() == ["Sail"]
    assert after.stage_states == {"Pack": "done", "Sail": "done", "Unpack": "skipped"}
