"""A signal that tears the boundary of a stage: what is shown as done was recorded as done."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db.models.signals import post_save, pre_save

from liveops.models import StageRun
from liveops.progress.pumps import InlinePump, Pump, threaded_pump
from tests.integration.resuming import PHASES, Voyage, bodies, carry_out, go_on, stored

pytestmark = pytest.mark.django_db(transaction=True)
PUMPS = [pytest.param(InlinePump, id="inline"), pytest.param(threaded_pump, id="threaded")]


@pytest.fixture(autouse=True)
def nothing_done() -> Iterator[None]:
    """Forget what earlier tests did."""
    PHASES.clear()
    Voyage.acts = {}
    yield
    Voyage.acts = {}


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize("moment", [pre_save, post_save], ids=["before", "after"])
def test_a_stage_that_is_stored_as_done_is_not_run_again(
    pump: Callable[[], Pump], moment: Any
) -> None:
    torn: list[str] = []

    def tear(instance: Voyage, **_: Any) -> None:
        if instance.stage_states.get("Pack") == "done" and not torn:
            torn.append("Pack")
            raise SystemExit(143)

    operation = Voyage.objects.create()
    moment.connect(tear, sender=Voyage)
    try:
        with pytest.raises(SystemExit):
            carry_out(operation, pump())
    finally:
        moment.disconnect(tear, sender=Voyage)
    assert torn == ["Pack"]
    after = stored(operation)
    assert after.get_state() == "INTERRUPTED"
    assert after.stage_states == {"Pack": "done"}
    rows = StageRun.objects.filter(stage="Pack")
    assert list(rows.values_list("outcome", "is_checkpoint")) == [("done", True)]
    go_on(after)
    assert bodies() == ["Pack", "Sail", "Unpack"]
