"""A resume with other stages than there were: which changes it takes, and how it refuses."""

from collections.abc import Iterator
from typing import Any

import pytest

from liveops import control, store
from liveops.exceptions import InvalidResultError, InvalidStateError
from liveops.models import LiveOperation
from liveops.stages import StageState
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

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def acts() -> Iterator[dict[str, Any]]:
    """Return what each stage is to do; nothing at first."""
    PHASES.clear()
    Voyage.acts = {}
    yield Voyage.acts
    Voyage.acts = {}


def were(operation: LiveOperation, stages: list[str] | None, *done: str) -> Any:
    """Let an operation have been run with other stages."""
    states = dict.fromkeys(done, StageState.DONE.value)
    rows = LiveOperation.objects.filter(pk=operation.pk)
    rows.update(declared_stages=stages, stage_states=states)
    return stored(operation)


def test_the_stages_of_a_run_are_noted_with_its_claim() -> None:
    operation = Voyage.objects.create()
    assert operation.declared_stages is None
    store.claim(operation)
    assert stored(operation).declared_stages == operation.declared_stages == Voyage.stages


@pytest.mark.parametrize(
    ("before", "done", "told"),
    [
        (["Pack", "Row", "Unpack"], ["Pack"], "'Row' is gone; 'Sail' is new"),
        (["Pack", "Sail", "Unpack", "Sell"], ["Pack"], "'Sell' is gone"),
        (["Pack", "Unpack"], ["Pack", "Unpack"], "'Sail' is new"),
        (["Sail", "Pack", "Unpack"], ["Pack"], "the order was 'Sail', 'Pack', 'Unpack'"),
        (None, ["Pack", "Row"], "'Row' is gone"),
    ],
    ids=["renamed", "removed", "put before", "reordered", "not noted"],
)
def test_changed_stages_are_refused_by_name_and_nothing_changes(
    before: list[str] | None, done: list[str], told: str
) -> None:
    operation = were(break_off(at="Unpack"), before, *done)
    rows, columns = recorded(operation), dict(vars(operation), _state=None, _stored=None)
    with pytest.raises(InvalidStateError) as refused:
        control.resume(operation)
    assert told in str(refused.value)
    assert "there are 'Pack', 'Sail', 'Unpack'" in str(refused.value)
    assert "Start it again" in str(refused.value)
    after = stored(operation)
    assert recorded(after) == rows
    assert dict(vars(after), _state=None, _stored=None) == columns
    assert not after.control_records.exists()
    control.restart(after)
    assert stored(after).get_state() == "FINISHED_OK", "a restart is always possible"


def test_stages_that_came_after_the_last_done_one_run() -> None:
    operation = were(break_off(at="Sail"), ["Pack", "Unpack"], "Pack")
    after, _ = go_on(operation)
    assert after.get_state() == "FINISHED_OK"
    assert bodies() == ["Sail", "Unpack"]
    assert after.declared_stages == Voyage.stages


def test_a_restart_forgets_what_the_stages_were() -> None:
    operation = were(break_off(), ["Row"], "Row")
    control.restart(operation)
    after = stored(operation)
    assert (after.get_state(), after.declared_stages) == ("FINISHED_OK", Voyage.stages)


def test_what_json_cannot_take_fails_the_stage_that_returned_it(acts: dict[str, Any]) -> None:
    acts["Pack"] = lambda op, p: {"bags": {1, 2}}
    operation = Voyage.objects.create()
    after, _ = carry_out(operation)
    assert after.get_state() == "FINISHED_ERROR"
    assert after.stage_states == {"Pack": "failed"}, "then and there, not at the resume"
    assert InvalidResultError.__name__ in after.traceback
    assert "'Pack'" in after.traceback
    assert not after.stage_runs.filter(is_checkpoint=True).exists()
