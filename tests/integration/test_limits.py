"""The most operations that a user may have waiting and running: who is refused, and how."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from liveops import control, store
from liveops.exceptions import LiveOperationsError, TooManyRunningError
from liveops.models import ControlRecord, LiveOperation
from liveops.progress import Progress
from liveops.reaping import Reaper, reap_once
from liveops.states import State
from tests.integration.edge import person
from tests.integration.helpers import run_scripted
from tests.integration.reaping import NOTING, Homing, Noting, fresh_runner
from tests.integration.resuming import Voyage
from tests.testapp.models import Scripted, Typed, Walk

pytestmark = pytest.mark.django_db(transaction=True)

SENTENCE = "Only 2 operations of a user may wait or run at a time."


@pytest.fixture(autouse=True)
def runner(settings: Any) -> Iterator[type[Noting]]:
    """Let at most two operations of a user wait and run, and none of them begin by itself."""
    settings.LIVEOPS = {"RUNNER": NOTING, "MAX_RUNNING_PER_USER": 2}
    with fresh_runner():
        yield Noting


def waiting(owner: Any, number: int = 1, model: type[LiveOperation] = Walk) -> Any:
    """Return the last of some operations that were enqueued."""
    for _ in range(number):
        operation = model._default_manager.create(owner=owner)
        operation.enqueue()
    return operation


def ended(owner: Any, state: State = State.FINISHED_ERROR) -> Any:
    """Return an operation that ended."""
    operation = Voyage.objects.create(owner=owner)
    assert store.claim(operation) is not None
    assert store.finish(operation, store.Ending(state))
    return operation


def stored(operation: Any) -> tuple[str, bool]:
    """Return the state of an operation, and whether it was enqueued."""
    row = LiveOperation.objects.get(pk=operation.pk)
    return row.get_state(), row.enqueued_on is not None


@pytest.mark.promise("max-running")
def test_one_more_than_may_be_is_refused_and_stays_as_it_was(owner: User) -> None:
    waiting(owner, 2)
    operation = Walk.objects.create(owner=owner)
    with pytest.raises(TooManyRunningError, match=SENTENCE) as caught:
        operation.enqueue()
    assert isinstance(caught.value, LiveOperationsError)
    assert stored(operation) == ("NOT_STARTED", False)
    assert operation.pk not in Noting.given
    assert len(Noting.given) == 2


def test_what_runs_counts_and_what_was_never_enqueued_or_has_ended_does_not(owner: User) -> None:
    running = waiting(owner)
    assert store.claim(running) is not None
    Walk.objects.create(owner=owner)
    ended(owner)
    waiting(owner)
    with pytest.raises(TooManyRunningError):
        waiting(owner)
    assert store.finish(running, store.Ending(State.FINISHED_OK))
    waiting(owner)


def test_each_owner_has_a_number_of_their_own_and_nobody_has_none(owner: User) -> None:
    waiting(owner, 2)
    waiting(person("other"), 2)
    waiting(None, 5)


def test_to_enqueue_the_same_one_again_takes_no_second_place(owner: User) -> None:
    waiting(owner)
    waiting(owner).enqueue()


def test_a_transaction_goes_on_after_a_refusal(owner: User) -> None:
    waiting(owner, 2)
    with transaction.atomic():
        kept = Walk.objects.create(owner=owner)
        with pytest.raises(TooManyRunningError):
            kept.enqueue()
        Walk.objects.filter(pk=kept.pk).update(label="kept")
    assert Walk.objects.get(pk=kept.pk).label == "kept"
    assert stored(kept) == ("NOT_STARTED", False)


def test_what_is_rolled_back_takes_no_place(owner: User) -> None:
    waiting(owner)
    with transaction.atomic():
        waiting(owner)
        transaction.set_rollback(True)
    waiting(owner)


@pytest.mark.parametrize("limit", [0, 2])
def test_without_a_limit_or_an_owner_there_is_no_query_more(
    owner: User, settings: Any, limit: int, django_assert_num_queries: Any
) -> None:
    settings.LIVEOPS = {"RUNNER": NOTING, "MAX_RUNNING_PER_USER": limit}
    operation = Walk.objects.create(owner=None if limit else owner)
    with django_assert_num_queries(1) as asked:
        operation.enqueue()
    assert asked[0]["sql"].startswith("UPDATE")


@pytest.mark.parametrize("action", ["restart", "resume"])
def test_restart_and_resume_are_refused_with_409_and_change_nothing(
    client: Client, owner: User, action: str
) -> None:
    operation = ended(owner)
    waiting(owner, 2)
    client.force_login(owner)
    before = LiveOperation.objects.filter(pk=operation.pk).values().get()
    response = client.post(f"/live/{operation.pk}/{action}/")
    assert response.status_code == 409
    assert response.text.startswith(SENTENCE)
    assert response.headers["X-Liveop-State"] == "FINISHED_ERROR"
    assert LiveOperation.objects.filter(pk=operation.pk).values().get() == before
    assert not ControlRecord.objects.exists()
    running = LiveOperation.objects.filter(owner=owner, state=State.NOT_STARTED).first()
    assert running is not None
    control.cancel(running)
    assert client.post(f"/live/{operation.pk}/{action}/").status_code == 302
    assert stored(operation) == ("NOT_STARTED", True)


def test_what_its_state_forbids_is_said_before_the_number(client: Client, owner: User) -> None:
    operation = waiting(owner, 2)
    client.force_login(owner)
    response = client.post(f"/live/{operation.pk}/restart/")
    assert (response.status_code, SENTENCE in response.text) == (409, False)


def test_it_is_the_owners_number_whoever_asks(client: Client, owner: User) -> None:
    operation, root = ended(owner), person("root", is_superuser=True)
    waiting(root, 2)
    client.force_login(root)
    assert client.post(f"/live/{operation.pk}/restart/").status_code == 302


@pytest.mark.urls("tests.testapp.urls")
def test_the_form_comes_again_with_the_sentence_and_nothing_is_saved(
    client: Client, owner: User, tmp_path: Any, settings: Any
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    client.force_login(owner)
    upload = tmp_path / "rows.csv"
    upload.write_bytes(b"a,b")
    waiting(owner)
    with upload.open("rb") as source:
        response = client.post("/typed/", {"title": "one", "source": source})
    assert response.status_code == 302
    kept = sorted(tmp_path.rglob("*"))
    with upload.open("rb") as source:
        response = client.post("/typed/", {"title": "two", "source": source})
    assert response.status_code == 429
    assert response.context["form"].non_field_errors()[0].startswith(SENTENCE)
    assert SENTENCE in response.text
    assert 'value="two"' in response.text
    assert [one.title for one in Typed.objects.all()] == ["one"]
    assert sorted(tmp_path.rglob("*")) == kept, "no file is left behind either"


@pytest.mark.urls("tests.testapp.urls")
def test_nor_is_a_row_left_when_somebody_takes_the_place_meanwhile(
    client: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(owner)
    waiting(owner)
    monkeypatch.setattr("liveops.limits.require_room", lambda *_: waiting(owner))
    before = LiveOperation.objects.count()
    assert client.post("/walk/", {"items": 1, "label": "late"}).status_code == 429
    assert LiveOperation.objects.count() == before + 1
    assert not Walk.objects.filter(label="late").exists()


def test_the_admin_says_what_stays(client: Client) -> None:
    root = person("root", is_superuser=True, is_staff=True)
    client.force_login(root)
    operation = ended(root)
    waiting(root, 2)
    response = client.post(
        "/admin/liveops/liveoperation/",
        {"action": "restart_selected", "_selected_action": str(operation.pk)},
        follow=True,
    )
    assert "1 stays as it is, for its owner has too many others." in response.text
    assert stored(operation)[0] == "FINISHED_ERROR"


def test_a_chain_goes_on_whatever_waits(owner: User, settings: Any) -> None:
    waiting(owner, 2)
    following = Scripted.objects.create(owner=owner)
    run_scripted(lambda op, p: p.chain_to(following), owner=owner)
    assert stored(following) == ("NOT_STARTED", True)
    assert Noting.given[-1] == following.pk


def test_what_a_chained_operation_starts_besides_counts(owner: User, settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": "eager", "MAX_RUNNING_PER_USER": 1}
    following = Scripted.objects.create(owner=owner, note="second")

    def body(op: Scripted, p: Progress) -> None:
        if op.note == "second":
            Walk.objects.create(owner=owner).enqueue()
        else:
            p.chain_to(following)

    run_scripted(body, owner=owner)
    assert stored(following)[0] == "FINISHED_ERROR"
    assert Scripted.objects.get(pk=following.pk).traceback.count("TooManyRunningError")


def test_what_goes_on_by_itself_is_not_refused(owner: User) -> None:
    operation = Homing.objects.create(owner=owner)
    assert store.claim(operation) is not None
    assert store.finish(operation, store.Ending(State.INTERRUPTED))
    waiting(owner, 2)
    assert [one.pk for one in reap_once(Reaper()).resumed] == [operation.pk]
    assert stored(operation) == ("NOT_STARTED", True)


def test_whoever_has_a_shell_is_not_refused(owner: User, capsys: Any) -> None:
    operation = ended(owner)
    waiting(owner, 2)
    call_command("run_liveop", "testapp.Walk", "--owner", "owner")
    call_command("liveops_resume", str(operation.pk), "--enqueue")
    assert stored(operation) == ("NOT_STARTED", True)


def test_no_more_rows_are_counted_than_matter(owner: User) -> None:
    waiting(owner, 2)
    with CaptureQueriesContext(connection) as asked, pytest.raises(TooManyRunningError):
        waiting(owner)
    assert [query["sql"] for query in asked if "LIMIT 3" in query["sql"]]
