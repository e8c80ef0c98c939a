"""What the list can do to the selected operations: cancel, resume, restart."""

import logging
from pathlib import Path
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from liveops import access
from liveops.models import ControlRecord, LiveOperation
from tests.integration.admin_pages import LIST, TYPED, ended, opened, staff
from tests.integration.edge import HeldRun, person
from tests.testapp.models import Flaky, Scripted, Typed, Walk

pytestmark = pytest.mark.django_db(transaction=True)

ACTIONS = ["cancel_selected", "resume_selected", "restart_selected", "revoke_shares_selected"]


def offered(client: Client, base: str = LIST) -> list[str]:
    """Return the actions that the list offers."""
    choices = opened(client, base).all("select", name="action")
    return [option.attributes["value"] for menu in choices for option in menu.all("option")][1:]


def act(client: Client, action: str, *operations: Any, base: str = LIST) -> list[str]:
    """Carry out an action and return what the user is told."""
    data = {"action": action, "_selected_action": [str(o.pk) for o in operations]}
    response = client.post(base, data)
    assert response.status_code == 302
    return [f"{m.level_tag}: {m}" for m in get_messages(response.wsgi_request)]


def states(*operations: Any) -> list[str]:
    """Return the states as they are stored."""
    return [LiveOperation.objects.get(pk=operation.pk).get_state() for operation in operations]


@pytest.fixture
def root(client: Client) -> Any:
    """Return a superuser who is logged in."""
    user = staff("root", is_superuser=True)
    client.force_login(user)
    return user


def test_cancel_does_what_can_be_done_and_counts(client: Client) -> None:
    user = staff("user", "liveops.view_liveoperation")
    client.force_login(user)
    with HeldRun(owner=user) as run:
        waiting = [Walk.objects.create(owner=user) for _ in range(2)]
        over = ended(Walk, "FINISHED_OK", owner=user)
        theirs = Walk.objects.create(owner=person("other"))
        told = act(client, "cancel_selected", run.operation, *waiting, over, theirs)
        with pytest.raises(Exception, match="cancelled"):
            run.do(lambda p: p.check_cancelled())
    assert told == ["warning: 3 cancelled; 1 was not running; 1 is not yours."]
    assert states(run.operation, *waiting) == ["CANCELLED"] * 3
    assert states(over, theirs) == ["FINISHED_OK", "NOT_STARTED"]
    records = ControlRecord.objects.values_list("action", "user", "user_name")
    assert list(records) == [("cancel", user.pk, "user")] * 3


def test_restart_begins_anew_and_counts(client: Client, root: Any) -> None:
    over = [ended(Walk, state, items=1) for state in ("FINISHED_OK", "FINISHED_ERROR")]
    waiting = Walk.objects.create()
    told = act(client, "restart_selected", *over, waiting)
    assert told == ["warning: 2 started again; 1 had not ended."]
    assert states(*over, waiting) == ["FINISHED_OK", "FINISHED_OK", "NOT_STARTED"]
    assert set(ControlRecord.objects.values_list("action", "user_name")) == {("restart", "root")}


def test_resume_goes_on_and_counts(client: Client, root: Any, tmp_path: Path) -> None:
    for step in ("build", "migrate-1", "publish"):
        (tmp_path / step).touch()
    stopped = [ended(Flaky, state, folder=tmp_path) for state in ("INTERRUPTED", "CANCELLED")]
    blocks, fine = ended(Walk, "FINISHED_ERROR"), ended(Flaky, "FINISHED_OK", folder=tmp_path)
    told = act(client, "resume_selected", *stopped, blocks, fine)
    assert told == ["warning: 2 resumed; 2 cannot be resumed as they are."]
    assert states(*stopped) == ["FINISHED_OK"] * 2
    assert states(blocks) == ["FINISHED_ERROR"]
    assert set(ControlRecord.objects.values_list("action", "user_name")) == {("resume", "root")}


def test_share_links_are_ended_and_counted(client: Client, root: Any) -> None:
    shared, other = Walk.objects.create(), Walk.objects.create()
    tokens = [shared.share_token(), shared.share_token()]
    told = act(client, "revoke_shares_selected", shared, other)
    assert told == ["warning: 1 is not shared any more; 1 was not shared."]
    assert [access.admit(shared, None, token) for token in tokens] == [None, None]


def test_all_done_is_a_success(client: Client, root: Any) -> None:
    waiting = Typed.objects.create(title="a")
    assert act(client, "cancel_selected", waiting, base=TYPED) == ["success: 1 cancelled."]


def test_one_that_fails_does_not_keep_the_others(
    client: Client, root: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(op: Scripted) -> None:
        raise LookupError("no such note")

    monkeypatch.setattr(Scripted, "on_restart", broken)
    over = [ended(Scripted, "CANCELLED"), ended(Walk, "CANCELLED", items=1)]
    with caplog.at_level(logging.ERROR, "liveops"):
        told = act(client, "restart_selected", *over)
    assert told == ["warning: 1 started again; 1 failed; the server's log says why."]
    assert states(*over) == ["CANCELLED", "FINISHED_OK"]
    (record,) = caplog.records
    assert str(over[0].pk) in record.getMessage()
    assert record.exc_info is not None


def test_a_class_that_decides_for_itself_is_asked(
    client: Client, root: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "can_control", lambda op, user: op.note == "open")
    mine, closed = Scripted.objects.create(note="open"), Scripted.objects.create()
    told = act(client, "cancel_selected", mine, closed)
    assert told == ["warning: 1 cancelled; 1 is not yours."]
    assert states(mine, closed) == ["CANCELLED", "NOT_STARTED"]


@pytest.mark.parametrize(
    ("permissions", "owns", "expected"),
    [
        (("liveops.view_liveoperation",), False, []),
        (("testapp.view_walk",), False, []),
        (("liveops.view_liveoperation",), True, ACTIONS),
        ((), True, ACTIONS),
        (("testapp.change_walk",), False, ACTIONS),
        (("liveops.change_liveoperation",), False, ACTIONS),
        (
            ("liveops.view_liveoperation", "liveops.delete_liveoperation"),
            False,
            ["delete_selected"],
        ),
    ],
)
def test_actions_are_offered_to_those_who_may_steer_something(
    client: Client, permissions: tuple[str, ...], owns: bool, expected: list[str]
) -> None:
    user = staff("user", *permissions)
    theirs = Walk.objects.create(owner=person("other"))
    if owns:
        Walk.objects.create(owner=user)
    client.force_login(user)
    assert offered(client) == expected
    if "cancel_selected" not in expected:  # asked for all the same
        data = {"action": "cancel_selected", "_selected_action": [str(theirs.pk)]}
        client.post(LIST, data)
        assert states(theirs) == ["NOT_STARTED"]


def test_what_the_list_does_not_show_cannot_be_selected(client: Client) -> None:
    owner = staff("owner")
    own, theirs = Walk.objects.create(owner=owner), Walk.objects.create(owner=person("other"))
    client.force_login(owner)
    assert act(client, "cancel_selected", own, theirs) == ["success: 1 cancelled."]
    assert states(theirs) == ["NOT_STARTED"]


def test_all_pages_can_be_selected(client: Client, root: Any) -> None:
    for _ in range(3):
        Walk.objects.create()
    data = {"action": "cancel_selected", "_selected_action": ["x"], "select_across": "1"}
    client.post(LIST, data)
    assert {o.get_state() for o in LiveOperation.objects.all()} == {"CANCELLED"}
