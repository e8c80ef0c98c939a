"""``liveops_prune`` where a model of the project lets one operation go with another."""

from typing import Any

import pytest
from django.db.models.signals import post_delete, pre_delete

from liveops.models import LiveOperation
from liveops.states import State
from tests.integration.pruning import ended, left, prune
from tests.testapp.models import Sequel, Typed

pytestmark = pytest.mark.django_db(transaction=True)


def old(days: float = 40) -> Any:
    return ended(days, model=Typed, title="x")


def sequel(of: LiveOperation, state: State, days: float = 40) -> Any:
    return ended(days, state, Sequel, of=of)


@pytest.mark.parametrize("batch", ["500", "2", "1"])
@pytest.mark.parametrize("state", [State.NOT_STARTED, State.STARTED])
def test_what_waits_or_runs_stays_and_so_does_what_would_take_it_along(
    state: State, batch: str
) -> None:
    operations = [old(40 + number) for number in range(5)]
    living = sequel(operations[2], state)
    told = prune("--older-than", "30d", "--batch", batch)
    assert left() == {operations[2].pk, living.pk}
    assert Sequel.objects.get().of_id == operations[2].pk
    assert told[0] == "Deleted 4 operations (4 FINISHED_OK)."
    assert told[1].startswith("Kept 1, since another operation would be deleted with it")
    assert len(told) == 2


def test_the_project_is_not_told_of_a_deletion_that_does_not_take_place() -> None:
    kept, gone = old(), old()
    living = sequel(kept, State.STARTED)
    told: set[Any] = set()

    def receiver(sender: Any, instance: Any, **_: Any) -> None:
        told.add(instance.pk)  # deletes a file, perhaps

    for signal in (pre_delete, post_delete):
        signal.connect(receiver)
    try:
        prune("--older-than", "30d")
    finally:
        for signal in (pre_delete, post_delete):
            signal.disconnect(receiver)
    assert left() == {kept.pk, living.pk}
    assert gone.pk in told
    assert not told & left()


@pytest.mark.parametrize(
    ("state", "days"), [(State.FINISHED_OK, 1.0), (State.CANCELLED, 40.0)], ids=["young", "failed"]
)
def test_what_is_to_be_kept_is_not_taken_along_either(state: State, days: float) -> None:
    first = old()
    second = sequel(first, state, days)
    prune("--older-than", "30d", "--keep-failed", "90d")
    assert left() == {first.pk, second.pk}


def test_those_of_one_batch_go_together_and_each_is_counted_once() -> None:
    first, second = old(41), old(42)
    for _ in range(2):
        sequel(first, State.FINISHED_OK)
    assert prune("--older-than", "30d") == ["Deleted 4 operations (4 FINISHED_OK)."]
    assert left() == set(), (first, second)


def test_one_by_one_those_that_go_along_go_first() -> None:
    first, kept = old(45), old(41)
    sequel(first, State.FINISHED_OK, 40)
    living = sequel(kept, State.STARTED)
    told = prune("--older-than", "30d")
    assert left() == {kept.pk, living.pk}
    assert told[0] == "Deleted 2 operations (2 FINISHED_OK)."


def test_the_log_says_which_one_stays_and_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "liveops")
    first = old()
    living = sequel(first, State.STARTED)
    prune("--older-than", "30d")
    assert f"operation {first.pk} is not deleted" in caplog.text
    assert str(living.pk) in caplog.text


def test_one_whose_class_is_gone_takes_nobody_along() -> None:
    first = old()
    living = sequel(first, State.STARTED)
    LiveOperation.objects.filter(pk=first.pk).update(operation_type="gone.Away")
    prune("--older-than", "30d")
    assert left() == {first.pk, living.pk}
