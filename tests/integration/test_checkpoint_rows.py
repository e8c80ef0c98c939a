"""How checkpoints are saved: with their record, after it, and never without the commit."""

import threading
from typing import Any

import pytest
from django.db import OperationalError, connections, transaction
from django.utils import timezone

from liveops import store
from liveops.models import LiveOperation, LiveProgress, StageRun
from liveops.progress.boundary import Boundary
from liveops.progress.ledger import Ledger, Span
from liveops.progress.pumps import InlinePump
from liveops.progress.staged_run import StagedRun
from liveops.progress.view import View
from tests.integration.resuming import Voyage, carry_out
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)

START = 100.0


@pytest.fixture
def ledger() -> Ledger:
    """Return the ledger of a run that was claimed."""
    operation = Scripted.objects.create()
    claim = store.claim(operation)
    assert claim is not None
    return Ledger(operation, claim.run_id, START)


def save(ledger: Ledger) -> bool:
    """Save what waits."""
    return ledger.save(START, 1, 0, View())


def test_a_checkpoint_is_saved_with_its_record(ledger: Ledger) -> None:
    row = ledger.add_stage_run("Load", "done", 1, Span(2.0))
    ledger.make_checkpoint(row, {"rows": 3})
    assert save(ledger)
    saved = StageRun.objects.get()
    assert (saved.is_checkpoint, saved.result) == (True, {"rows": 3})


def test_a_record_whose_key_became_another_one_s_is_saved_all_the_same(ledger: Ledger) -> None:
    other = Scripted.objects.create()
    taken = StageRun.objects.create(
        operation_id=other.pk,
        run_id=other.pk,
        stage="Save",
        attempt=1,
        outcome="done",
        started_on=timezone.now(),
        finished_on=timezone.now(),
    )
    row = ledger.add_stage_run("Load", "done", 1, Span(2.0))
    row.pk = taken.pk  # as a commit that failed left it
    assert save(ledger)
    assert list(StageRun.objects.values_list("stage", flat=True)) == ["Save", "Load"]


def test_a_record_that_is_stored_although_that_failed_is_not_saved_twice(ledger: Ledger) -> None:
    ledger.add_stage_run("Load", "done", 1, Span(2.0))
    rows = ledger.take_stage_runs()
    store.save_attempts(ledger._operation, rows)
    ledger.put_back(rows)
    ledger.add_stage_run("Save", "done", 1, Span(1.0))
    assert save(ledger)
    assert list(StageRun.objects.values_list("stage", flat=True)) == ["Load", "Save"]


def test_what_was_rolled_back_behind_the_ledger_is_saved_again(ledger: Ledger) -> None:
    def text() -> str:
        return LiveProgress.objects.values_list("status_text", flat=True).get()

    connection = connections["default"]
    connection.set_autocommit(False)
    assert ledger.save(START, 1, 0, View(status_text="inside"))
    connection.rollback()
    connection.set_autocommit(True)
    assert text() == ""
    assert ledger.save(START, 2, 0, View(status_text="inside"))
    assert text() == "inside"


def test_a_record_that_was_saved_before_becomes_a_checkpoint(ledger: Ledger) -> None:
    for attempt in (1, 2):
        row = ledger.add_stage_run("Load", "done", attempt, Span(2.0))
    ledger.add_stage_run("Save", "done", 2, Span(1.0))
    save(ledger)
    ledger.make_checkpoint(row, [1])
    assert ledger.due_at() <= START + 0.1, "soon"
    assert save(ledger)
    rows = StageRun.objects.values_list("stage", "attempt", "is_checkpoint", "result")
    assert list(rows) == [
        ("Load", 1, False, None),
        ("Load", 2, True, [1]),
        ("Save", 2, False, None),
    ]


def test_what_the_database_refused_is_saved_later(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ledger.add_stage_run("Load", "done", 1, Span(2.0))
    save(ledger)
    ledger.make_checkpoint(row, 7)

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("away")

    with monkeypatch.context() as away:
        away.setattr(store, "save_rows", refuse)
        assert not save(ledger)
    assert not StageRun.objects.get().is_checkpoint
    assert save(ledger)
    assert StageRun.objects.get().is_checkpoint


def boundary() -> Boundary:
    """Return the boundary of a run in this thread."""
    return Boundary("default", InlinePump())


def test_without_a_transaction_it_happens_at_once() -> None:
    called: list[int] = []
    boundary().once_committed(lambda: called.append(1))
    assert called == [1]


def test_in_a_transaction_it_waits_for_the_commit() -> None:
    called: list[int] = []
    here = boundary()
    with transaction.atomic():
        here.once_committed(lambda: called.append(1))
        assert called == []
    assert called == [1]


@pytest.mark.parametrize("savepoint", [True, False])
def test_it_never_happens_after_a_rollback(savepoint: bool) -> None:
    called: list[int] = []
    here = boundary()
    with transaction.atomic():
        if savepoint:
            with transaction.atomic():
                here.once_committed(lambda: called.append(1))
                transaction.set_rollback(True)
        else:
            here.once_committed(lambda: called.append(1))
            transaction.set_rollback(True)
    assert called == []


def test_in_a_transaction_that_is_lost_already_it_never_happens() -> None:
    called: list[int] = []
    here = boundary()
    with transaction.atomic():
        transaction.set_rollback(True)
        here.once_committed(lambda: called.append(1))
    assert called == []


def test_the_transaction_around_the_whole_run_does_not_count() -> None:
    called: list[int] = []
    with transaction.atomic():
        boundary().once_committed(lambda: called.append(1))
        assert called == [1]


def test_a_helper_thread_has_a_transaction_of_its_own() -> None:
    called: list[str] = []
    here = boundary()

    def help_out() -> None:
        try:
            with transaction.atomic():
                here.once_committed(lambda: called.append("helper"))
                called.append("open")
        finally:
            connections.close_all()

    helper = threading.Thread(target=help_out)
    helper.start()
    helper.join()
    assert called == ["open", "helper"]


def test_whoever_sees_that_a_stage_is_done_finds_its_checkpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process may be killed at any moment: the two are saved in one transaction."""
    found: list[tuple[str, bool]] = []
    original = StagedRun._show_stage

    def look(self: StagedRun, *arguments: Any) -> None:
        row = LiveOperation.objects.get(pk=self.operation.pk)
        kept = {stage.stage for stage in row.stage_runs.filter(is_checkpoint=True)}
        found.extend(
            (name, name in kept) for name, state in row.stage_states.items() if state == "done"
        )
        original(self, *arguments)

    monkeypatch.setattr(StagedRun, "_show_stage", look)
    Voyage.acts = {}
    carry_out(Voyage._default_manager.create())
    assert ("Sail", True) in found
    assert all(is_kept for _, is_kept in found)
