"""Every control in every state, by everybody: who may, what it does, and what is offered."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from liveops import store
from liveops.models import ControlRecord, LiveOperation
from liveops.states import State
from tests.integration.edge import person
from tests.integration.markup import Element, parse
from tests.integration.resuming import PHASES, Voyage, break_off, carry_out, stored

pytestmark = pytest.mark.django_db(transaction=True)

# What each control makes of each state; None: refused, and nothing changes.
TABLE: dict[tuple[State, str], State | None] = {
    (State.NOT_STARTED, "cancel"): State.CANCELLED,
    (State.NOT_STARTED, "resume"): None,
    (State.NOT_STARTED, "restart"): None,
    (State.STARTED, "cancel"): State.STARTED,
    (State.STARTED, "resume"): None,
    (State.STARTED, "restart"): None,
    (State.FINISHED_OK, "cancel"): None,
    (State.FINISHED_OK, "resume"): None,
    (State.FINISHED_OK, "restart"): State.NOT_STARTED,
    (State.FINISHED_ERROR, "cancel"): None,
    (State.FINISHED_ERROR, "resume"): State.NOT_STARTED,
    (State.FINISHED_ERROR, "restart"): State.NOT_STARTED,
    (State.CANCELLED, "cancel"): None,
    (State.CANCELLED, "resume"): State.NOT_STARTED,
    (State.CANCELLED, "restart"): State.NOT_STARTED,
    (State.INTERRUPTED, "cancel"): None,
    (State.INTERRUPTED, "resume"): State.NOT_STARTED,
    (State.INTERRUPTED, "restart"): State.NOT_STARTED,
}
ROWS = [pytest.param(*row, id=f"{row[0]}-{row[1]}") for row in TABLE]


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have operations wait that are handed to the runner."""
    PHASES.clear()
    monkeypatch.setattr(LiveOperation, "enqueue", lambda op: PHASES.append("enqueued"))
    yield
    Voyage.acts = {}


def in_state(state: State, owner: User) -> Any:
    """Return an operation of a user's that is in a state."""
    if state in (State.FINISHED_ERROR, State.CANCELLED, State.INTERRUPTED):
        return break_off(state, owner=owner)
    operation = Voyage.objects.create(owner=owner)
    if state is State.STARTED:
        assert store.claim(stored(operation)) is not None
    if state is State.FINISHED_OK:
        carry_out(operation)
    PHASES.clear()
    return stored(operation)


@pytest.mark.parametrize("role", ["owner", "viewer", "stranger"])
@pytest.mark.parametrize(("state", "action"), ROWS)
def test_each_control_in_each_state_by_each_of_them(
    client: Client, owner: User, state: State, action: str, role: str
) -> None:
    operation = in_state(state, owner)
    rights = ["liveops.view_liveoperation"] if role == "viewer" else []
    client.force_login(owner if role == "owner" else person(role, *rights))
    response = client.post(f"/live/{operation.pk}/{action}/", headers={"HX-Request": "true"})
    becomes = TABLE[state, action] if role == "owner" else None
    allowed = {"viewer": 403, "stranger": 404}.get(role, 204 if becomes else 409)
    assert response.status_code == allowed
    after = stored(operation)
    assert after.get_state() == (becomes or state)
    assert PHASES.count("enqueued") == (becomes is State.NOT_STARTED)
    names = list(ControlRecord.objects.values_list("action", "user_name"))
    assert names == ([(action, "owner")] if becomes else [])
    if allowed == 409:
        assert response.content.decode().endswith(".")
    if becomes is None:
        assert after.stage_states == operation.stage_states
        assert after.cancel_requested == operation.cancel_requested


OFFERED = {
    State.NOT_STARTED: ["cancel"],
    State.STARTED: ["cancel"],
    State.FINISHED_OK: ["restart"],
    State.FINISHED_ERROR: ["resume", "restart"],
    State.CANCELLED: ["resume", "restart"],
    State.INTERRUPTED: ["resume", "restart"],
}


def controls_of(html: str) -> Element:
    """Return the controls of a page."""
    return parse(html).one(id="op-controls")


@pytest.mark.parametrize("state", list(State))
def test_a_page_offers_what_would_be_done(client: Client, owner: User, state: State) -> None:
    operation = in_state(state, owner)
    client.force_login(owner)
    controls = controls_of(client.get(f"/live/{operation.pk}/").content.decode())
    forms = controls.all("form")
    assert [form.attributes["action"].split("/")[-2] for form in forms] == OFFERED[state]
    for form in forms:
        assert form.attributes["method"] == "post"
        assert form.one("input").attributes["name"] == "csrfmiddlewaretoken"
        assert form.one("button").text.strip(), "a name for whoever does not see it"
        action = form.attributes["action"].split("/")[-2]
        assert ("hx-confirm" in form.attributes) == (action != "resume")
        assert TABLE[state, action] is not None
    resume = [form.one("button") for form in forms if "data-liveop-resume" in form.attributes]
    assert [button.attributes["title"] for button in resume] == ["Goes on with “Sail”"] * len(
        resume
    )
    assert all("data-primary" in button.attributes for button in resume)
    client.force_login(person("viewer", "liveops.view_liveoperation"))
    shown = controls_of(client.get(f"/live/{operation.pk}/").content.decode())
    assert shown.all("form") == shown.all("button") == []


def test_resume_takes_only_post_with_the_csrf_token(owner: User) -> None:
    operation = in_state(State.FINISHED_ERROR, owner)
    client, url = Client(enforce_csrf_checks=True), f"/live/{operation.pk}/resume/"
    client.force_login(owner)
    for method in ("get", "head", "put", "patch", "delete", "options"):
        assert getattr(client, method)(url).status_code in (403, 405), method
    assert client.post(url).status_code == 403
    assert stored(operation).get_state() == "FINISHED_ERROR"
    client.get(f"/live/{operation.pk}/")
    token = client.cookies["csrftoken"].value
    response = client.post(url, {"csrfmiddlewaretoken": token})
    assert (response.status_code, response.headers["Location"]) == (302, f"/live/{operation.pk}/")
    assert stored(operation).get_state() == "NOT_STARTED"


def test_without_a_login_resume_leads_to_the_login(client: Client, owner: User) -> None:
    operation = in_state(State.FINISHED_ERROR, owner)
    response = client.post(f"/live/{operation.pk}/resume/")
    login = f"/accounts/login/?next=/live/{operation.pk}/"
    assert (response.status_code, response.headers["Location"]) == (302, login)


def test_the_required_group_is_asked_for(client: Client, owner: User, settings: Any) -> None:
    operation = in_state(State.FINISHED_ERROR, owner)
    settings.LIVEOPS = {"RUNNER": "eager", "REQUIRED_GROUP": "crew"}
    client.force_login(owner)
    assert client.post(f"/live/{operation.pk}/resume/").status_code == 403
    assert stored(operation).get_state() == "FINISHED_ERROR"
