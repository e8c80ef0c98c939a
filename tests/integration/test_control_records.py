"""Who steered an operation: recorded once, with the change, and shown while it runs."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connections
from django.utils import timezone

from liveops import control, registry, snapshot, store
from liveops.exceptions import InvalidStateError
from liveops.models import ControlRecord, LiveOperation
from liveops.progress.update import Region
from liveops.states import State
from tests.integration.edge import DEADLINE, HeldRun, person
from tests.integration.resuming import PHASES, Voyage, bodies, break_off, carry_out, stored
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def acts() -> Iterator[dict[str, Any]]:
    """Return what each stage is to do; nothing at first."""
    PHASES.clear()
    Voyage.acts = {}
    yield Voyage.acts
    Voyage.acts = {}


def records() -> list[tuple[str, str]]:
    """Return what was done and by whom."""
    return list(ControlRecord.objects.values_list("action", "user_name"))


def seen(operation: LiveOperation) -> list[tuple[str, str]]:
    """Return the same as a page shows it that is opened now."""
    fresh = snapshot.find(operation.pk)
    assert fresh is not None
    return [(action.action, action.by) for action in snapshot.take(fresh).view.actions]


@pytest.mark.promise("who-and-when")
def test_a_cancel_before_the_start_is_recorded(owner: User) -> None:
    operation = Walk.objects.create()
    before = timezone.now()
    control.cancel(operation, owner)
    record = ControlRecord.objects.get()
    assert (record.operation_id, record.action, record.user_id) == (
        operation.pk,
        "cancel",
        owner.pk,
    )
    assert record.user_name == "owner"
    assert before <= record.time <= timezone.now()
    assert seen(operation) == [("cancel", "owner")]


def test_a_cancel_of_a_run_here_is_recorded_and_shown_at_once(owner: User) -> None:
    with HeldRun() as run:
        control.cancel(run.operation, owner)
        assert records() == seen(run.operation) == [("cancel", "owner")]
        with pytest.raises(Exception, match="cancelled"):
            run.do(lambda p: p.check_cancelled())
    assert Scripted.objects.get().get_state() == "CANCELLED"
    assert records() == seen(run.operation) == [("cancel", "owner")]


def test_a_cancel_of_a_run_elsewhere_is_shown_once_it_is_noticed(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HeldRun() as run:
        live = registry.find(run.operation.pk)
        assert live is not None
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(registry, "find", lambda pk: None)
            control.cancel(Scripted.objects.get(), owner)
        assert live.snapshot()[0].actions == ()
        with pytest.raises(Exception, match="cancelled"):
            run.do(lambda p: p.check_cancelled())
    view = live.snapshot()[0]
    assert [(action.action, action.by) for action in view.actions] == [("cancel", "owner")]


def test_the_last_frame_says_who_cancelled(acts: dict[str, Any], owner: User) -> None:
    def pack(op: Voyage, p: Any) -> None:
        control.cancel(op, owner)
        p.check_cancelled()

    acts["Pack"] = pack
    operation, recorder = carry_out(Voyage.objects.create())
    last = recorder.updates[-1]
    assert (operation.get_state(), last.view.state) == ("CANCELLED", "CANCELLED")
    assert [(action.action, action.by) for action in last.view.actions] == [("cancel", "owner")]
    assert Region.RESULT in last.regions


def test_a_cancel_that_ends_the_run_before_it_is_written_is_recorded(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HeldRun() as run:
        live = registry.find(run.operation.pk)
        assert live is not None
        heard = live.note_cancel

        def ends_at_once(*args: Any) -> bool:
            news = heard(*args)
            with pytest.raises(Exception, match="cancelled"):
                run.do(lambda p: p.check_cancelled())
            run.end()
            return news

        monkeypatch.setattr(live, "note_cancel", ends_at_once)
        assert control.cancel(run.operation, owner) is State.CANCELLED
    assert records() == [("cancel", "owner")]


def test_asking_again_is_no_second_record(owner: User) -> None:
    other = person("other")
    with HeldRun() as run:
        for by in (owner, other, None):
            assert control.cancel(Scripted.objects.get(), by) is State.STARTED
        assert records() == seen(run.operation) == [("cancel", "owner")]
        with pytest.raises(Exception, match="cancelled"):
            run.do(lambda p: p.check_cancelled())


def test_nobody_in_particular_has_no_name() -> None:
    for by in (None, AnonymousUser()):
        control.cancel(Walk.objects.create(), by)
    assert records() == [("cancel", ""), ("cancel", "")]
    assert not ControlRecord.objects.exclude(user=None).exists()


def test_a_name_stays_when_the_user_is_gone(owner: User) -> None:
    operation = Walk.objects.create()
    control.cancel(operation, owner)
    owner.delete()
    assert ControlRecord.objects.get().user is None
    assert seen(operation) == [("cancel", "owner")]


def test_records_outlast_resume_and_restart(owner: User, acts: dict[str, Any]) -> None:
    crew, captain = person("crew"), person("captain")
    operation = break_off()
    acts["Sail"] = OSError()
    control.resume(stored(operation), crew)
    acts["Sail"] = None
    control.restart(stored(operation), captain)
    control.restart(stored(operation), owner)
    expected = [("resume", "crew"), ("restart", "captain"), ("restart", "owner")]
    assert records() == seen(operation) == expected


def test_a_run_shows_from_the_start_who_resumed_it(owner: User) -> None:
    operation = break_off()
    store.resume(operation, owner)
    _, recorder = carry_out(operation)
    for update in recorder.updates:
        assert [(action.action, action.by) for action in update.view.actions] == [
            ("resume", "owner")
        ]


def test_what_is_refused_is_not_recorded(owner: User) -> None:
    waiting, ended = Voyage.objects.create(), Voyage.objects.create()
    carry_out(ended)
    for refused in (
        lambda: control.restart(waiting, owner),
        lambda: control.resume(waiting, owner),
        lambda: control.cancel(ended, owner),
        lambda: control.resume(stored(ended), owner),
    ):
        with pytest.raises(InvalidStateError):
            refused()
    assert records() == []


def test_a_hook_that_fails_takes_the_record_along(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = break_off()
    monkeypatch.setattr(Voyage, "on_restart", lambda op: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        control.restart(operation, owner)
    assert records() == []


def test_only_the_last_twenty_are_shown() -> None:
    operation = Walk.objects.create()
    start = timezone.now()
    ControlRecord.objects.bulk_create(
        ControlRecord(
            operation=operation, action="restart", user_name=str(n), time=start + timedelta(n)
        )
        for n in range(25)
    )
    assert [by for _, by in seen(operation)] == [str(n) for n in range(5, 25)]


@pytest.mark.promise("one-wins")
@pytest.mark.parametrize("action", ["resume", "restart", "cancel"])
def test_of_many_at_the_same_time_one_wins(
    action: str, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = Voyage.objects.create() if action == "cancel" else break_off()
    gate = threading.Barrier(4)
    refusals: list[Exception] = []

    def ask() -> None:
        mine = stored(operation)
        gate.wait(DEADLINE)
        try:
            getattr(control, action)(mine, owner)
        except InvalidStateError as error:
            refusals.append(error)
        finally:
            connections.close_all()

    monkeypatch.setattr(LiveOperation, "enqueue", lambda op: PHASES.append("enqueued"))
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert len(refusals) == 3
    assert records() == [(action, "owner")]
    assert PHASES.count("enqueued") == (action != "cancel")
    assert bodies() == []
