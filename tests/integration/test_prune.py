"""``liveops_prune``: what goes, what stays, and in which steps."""

from typing import Any

import pytest
from django.core.management import CommandError
from django.db import OperationalError, connection, models
from django.db.models import ProtectedError
from django.db.models.signals import post_delete
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from liveops import store
from liveops.management import pruning
from liveops.models import (
    CommandRun,
    ControlRecord,
    LiveOperation,
    LiveProgress,
    LogLine,
    StageRun,
)
from liveops.states import State
from tests.integration.pruning import ended, left, prune
from tests.integration.resuming import Voyage
from tests.testapp.models import Row, Typed, Walk

pytestmark = pytest.mark.django_db(transaction=True)


def test_only_what_ended_long_ago_goes_and_what_failed_stays_longer() -> None:
    kept = [ended(29), ended(31, State.NOT_STARTED), ended(3_000, State.STARTED)]
    for state in pruning.FAILED_STATES:
        kept.append(ended(89, state))
        ended(91, state)
    ended(31)
    ended(200)
    told = prune("--older-than", "30d", "--keep-failed", "90d")
    assert left() == {operation.pk for operation in kept}
    assert told == [
        "Deleted 5 operations (2 FINISHED_OK, 1 FINISHED_ERROR, 1 CANCELLED, 1 INTERRUPTED)."
    ]


def test_without_a_word_on_failed_ones_they_go_with_the_others() -> None:
    for state in pruning.FAILED_STATES:
        ended(31, state)
    prune("--older-than", "30d")
    assert left() == set()


def test_everything_beside_an_operation_goes_and_nothing_beside_others() -> None:
    gone, stays = ended(40), ended(1)
    now = timezone.now()
    for operation in (gone, stays):
        mine: dict[str, Any] = {"operation": operation}
        span = {"run_id": operation.pk, "started_on": now, "finished_on": now}
        LogLine.objects.create(**mine, seq=1, time=now, level="info", text="line")
        StageRun.objects.create(**mine, **span, stage="Load", outcome="done")
        CommandRun.objects.create(**mine, **span, command="true")
        ControlRecord.objects.create(**mine, action="cancel")
    prune("--older-than", "30d")
    tables: list[Any] = [LogLine, StageRun, CommandRun, ControlRecord, LiveProgress]
    for table in tables:
        assert [row.operation_id for row in table.objects.all()] == [stays.pk], table
    assert list(Walk.objects.values_list("pk", flat=True)) == [stays.pk]


def test_rows_and_signals_of_the_project_s_models_are_as_with_any_deletion() -> None:
    row = Row.objects.create(name="stays")
    typed = ended(40, model=Typed, title="x", row=row)
    typed.rows.add(row)
    voyage, plain = ended(40, model=Voyage), ended(40)
    told: list[Any] = []

    def receiver(sender: Any, instance: Any, **_: Any) -> None:
        if issubclass(sender, LiveOperation):
            told.append((sender, instance.pk))

    post_delete.connect(receiver)
    try:
        prune("--older-than", "30d")
    finally:
        post_delete.disconnect(receiver)
    assert left() == set()
    assert Row.objects.count() == 1
    assert Typed.rows.through.objects.count() == 0
    expected = {(Typed, typed.pk), (Voyage, voyage.pk), (Walk, plain.pk)}
    assert expected <= set(told)


def test_batches_are_transactions_of_their_own() -> None:
    for _ in range(7):
        ended(40)
    with CaptureQueriesContext(connection) as queries:
        prune("--older-than", "30d", "--batch", "3")
    assert left() == set()
    begun = [one["sql"] for one in queries if one["sql"].startswith("BEGIN")]
    assert len(begun) >= 3


def test_what_breaks_it_off_undoes_no_batch_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for days in range(40, 46):
        ended(days)
    real = pruning._delete
    batches: list[Any] = []

    def delete(rows: Any, alias: str) -> Any:
        if len(batches) == 2:
            raise OperationalError("the database is away")
        batches.append(real(rows, alias))
        return batches[-1]

    monkeypatch.setattr(pruning, "_delete", delete)
    with pytest.raises(CommandError, match="The database refused: the database is away"):
        prune("--older-than", "30d", "--batch", "2")
    assert LiveOperation.objects.count() == 2
    assert Walk.objects.count() == 2


def test_ctrl_c_undoes_the_batch_under_way_and_says_what_was_done_before() -> None:
    third, second, first = ended(40), ended(41), ended(42)

    def receiver(sender: Any, instance: Any, **_: Any) -> None:
        if instance.pk == third.pk:
            raise KeyboardInterrupt

    models.signals.post_delete.connect(receiver, sender=Walk)
    try:
        told = prune("--older-than", "30d", "--batch", "2", status=130)
    finally:
        models.signals.post_delete.disconnect(receiver, sender=Walk)
    assert told == ["Deleted 2 operations (2 FINISHED_OK)."]
    assert left() == {third.pk}, (first, second)
    assert Walk.objects.get().pk == third.pk


@pytest.mark.parametrize("act", [store.restart, store.resume])
def test_one_that_is_started_anew_meanwhile_stays(
    act: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = [ended(40 + n, State.FINISHED_ERROR, Voyage) for n in range(3)]
    revived = LiveOperation.objects.get(pk=operations[1].pk).specific
    real, acts = pruning._delete, [act]

    def delete(rows: Any, alias: str) -> Any:
        if acts:  # the query is made, and not yet asked
            acts.pop()(revived)
        return real(rows, alias)

    monkeypatch.setattr(pruning, "_delete", delete)
    prune("--older-than", "30d")
    assert left() == {revived.pk}


def test_a_chain_stays_whole_at_both_sides_of_a_gap() -> None:
    first, second, third = ended(50), ended(45), ended(1)
    for before, after in ((first, second), (second, third)):
        LiveOperation.objects.filter(pk=before.pk).update(next_operation=after.pk)
    other = ended(1)
    LiveOperation.objects.filter(pk=other.pk).update(next_operation=first.pk)
    prune("--older-than", "30d")
    assert left() == {third.pk, other.pk}
    assert LiveOperation.objects.get(pk=other.pk).next_operation is None
    assert not hasattr(LiveOperation.objects.get(pk=third.pk), "previous_operation")


def test_what_protects_an_operation_keeps_it_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    operations = [ended(40 + n) for n in range(5)]
    protected = operations[2].pk

    def receiver(sender: Any, instance: Any, **_: Any) -> None:
        if instance.pk == protected:
            raise ProtectedError("It is needed.", {instance})

    models.signals.pre_delete.connect(receiver, sender=Walk)
    try:
        told = prune("--older-than", "30d", "--batch", "2")
    finally:
        models.signals.pre_delete.disconnect(receiver, sender=Walk)
    assert left() == {protected}
    assert told[0] == "Deleted 4 operations (4 FINISHED_OK)."
    assert told[1].startswith("Kept 1, ")


def test_one_whose_class_is_gone_goes_too() -> None:
    operation = ended(40)
    LiveOperation.objects.filter(pk=operation.pk).update(operation_type="gone.Away")
    ended(41)
    prune("--older-than", "30d")
    assert left() == set()
    assert not Walk.objects.exists()
