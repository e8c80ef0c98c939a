"""The rows of the list: what one says of its operation, and to whom it names another."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone, translation

from liveops import store
from liveops.models import LiveOperation
from liveops.states import State
from tests.integration.edge import person
from tests.integration.markup import HOSTILE, Element
from tests.integration.overview import NOON, operation, page
from tests.testapp.models import Burst, Scripted, Walk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.testapp.urls")]


@pytest.fixture
def root(client: Client) -> User:
    """Return a superuser, who is logged in."""
    user = person("root", is_superuser=True)
    client.force_login(user)
    return user


def row(client: Client, one: Any, url: str = "/live/") -> Element:
    """Return the row of an operation."""
    return page(client, url).one("li", id=f"liveops-row-{one.pk}")


def took(shown: Element) -> str:
    """Return the duration that a row shows, or "" without one."""
    found = shown.all(class_="liveops-took")
    return found[0].one("time").text if found else ""


def test_a_row_names_the_class_the_state_and_what_goes_on(client: Client, root: User) -> None:
    one = operation(owner=person("owner"), created_on=NOON)
    claim = store.claim(one)
    assert claim is not None
    values = {"seq": 1, "log_seq": 0, "status_text": "Half <way>"}
    store.save_rows(one, values, keep_lines=10)
    shown = row(client, one)
    assert shown.one("a").text == "Walk"
    assert shown.one("a").attributes["href"] == one.get_absolute_url()
    assert shown.one("span", class_="liveop-badge").attributes["data-state"] == "STARTED"
    assert "Half <way>" in shown.text
    assert "owner" in shown.text
    assert str(one.pk)[:8] in shown.text
    created = shown.all("time")[0].attributes
    assert created["datetime"] == "2026-03-04T12:00:05+00:00"
    assert created["title"] == "2026-03-04 12:00:05 UTC"


@pytest.mark.parametrize(
    ("model", "states", "percents"),
    [
        (Burst, {}, (42.26, "42.2")),
        (Burst, {}, (42.96, "42.9")),
        (Burst, {}, (42.0, "42.0")),
        (Walk, {"Load": "done", "Validate": "active"}, (50, "50.0")),
        (Walk, {"Load": "done", "Validate": "active"}, (None, "33.3")),
        (Walk, {"Load": "active"}, (0, "0.0")),
    ],
)
def test_the_bar_is_that_of_the_whole_operation(
    client: Client, root: User, model: Any, states: dict[str, str], percents: tuple[Any, str]
) -> None:
    percent, shown = percents
    one = operation(
        State.STARTED,
        model,
        stage_states=states,
        current_stage=len(states) - 1,
        progress={"percent": percent},
    )
    found = row(client, one)
    assert found.one("progress").attributes["value"] == shown
    assert found.one(class_="liveop-percent liveop-note").text == f"{int(float(shown))} %"


def test_there_is_no_bar_without_a_percentage_or_when_it_does_not_run(
    client: Client, root: User
) -> None:
    silent = operation(State.STARTED, Burst)
    others = [
        operation(state, progress={"percent": 50}) for state in State if state != State.STARTED
    ]
    for one in (silent, *others):
        assert row(client, one).all("progress") == []


def test_the_duration_goes_on_while_it_runs_and_stands_afterwards(
    client: Client, root: User
) -> None:
    began = timezone.now() - timedelta(hours=1, minutes=2, seconds=3)
    running = operation(State.STARTED, started_on=began)
    clock = row(client, running).one(class_="liveops-took").one("time")
    assert clock.attributes["data-liveop-since"] == f"{began.timestamp():.3f}"
    assert clock.text in ("1:02:03", "1:02:04", "1:02:05")
    for seconds, text in ((0.4, "0.4 s"), (12, "0:12"), (3_723, "1:02:03"), (-5, "< 0.1 s")):
        ended = operation(
            State.FINISHED_OK, started_on=began, finished_on=began + timedelta(seconds=seconds)
        )
        shown = row(client, ended)
        assert took(shown) == text
        assert shown.all(data_liveop_since=f"{began.timestamp():.3f}") == []
    assert took(row(client, operation())) == ""
    assert took(row(client, operation(State.CANCELLED))) == ""


def test_a_failed_one_says_why_and_one_that_is_being_cancelled_says_so(
    client: Client, root: User
) -> None:
    progress = {"status_text": "Reading", "error_text": "\n No such file\nand more"}
    failed = operation(State.FINISHED_ERROR, progress=progress)
    note = row(client, failed).one(class_="liveops-row-note liveop-note")
    assert note.text == "No such file"
    assert note.attributes["data-level"] == "error"
    silent = operation(State.FINISHED_ERROR, progress={"status_text": "Reading"})
    assert row(client, silent).one(class_="liveops-row-note liveop-note").text == "Reading"
    leaving = operation(State.STARTED, cancel_requested=True, progress=progress)
    assert row(client, leaving).one(class_="liveops-row-note liveop-note").text == "Cancelling…"


def test_a_long_note_is_cut(client: Client, root: User) -> None:
    one = operation(progress={"status_text": "x" * 1_000})
    note = row(client, one).one(class_="liveops-row-note liveop-note").text
    assert note == "x" * 200 + "…"


def test_what_users_write_is_escaped(client: Client, root: User) -> None:
    one = operation(
        State.FINISHED_ERROR,
        owner=person(HOSTILE[:140]),
        progress={"status_text": HOSTILE, "error_text": HOSTILE},
    )
    LiveOperation.objects.filter(pk=one.pk).update(operation_type=HOSTILE)
    shown = row(client, one)
    assert shown.all("script") == shown.all("img") == []
    assert HOSTILE.partition("\n")[0][:100] in shown.text


def test_a_row_leads_to_the_operation_and_names_the_next_to_whoever_may_see_it(
    client: Client,
) -> None:
    ann, bob = person("ann"), person("bob", "testapp.view_walk")
    following = operation(State.STARTED, Scripted, owner=ann)
    one = operation(State.FINISHED_OK, Walk, owner=ann, next_operation=following)
    client.force_login(ann)
    shown = row(client, one)
    assert [(a.text, a.attributes["href"]) for a in shown.all("a")] == [
        ("Walk", f"{one.get_absolute_url()}?stay=1"),
        ("Scripted", following.get_absolute_url()),
    ]
    assert "→" in shown.text
    client.force_login(bob)
    shown = row(client, one)
    assert [a.text for a in shown.all("a")] == ["Walk"]
    assert "→" not in shown.text
    assert str(following.pk)[:8] not in shown.text


def test_the_next_one_of_a_class_with_a_rule_of_its_own_is_not_named(
    client: Client, root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = operation(model=Scripted)
    one = operation(State.FINISHED_OK, Walk, next_operation=following)
    monkeypatch.setattr(Scripted, "can_view", lambda op, user: False)
    assert "→" not in row(client, one).text


def test_an_operation_that_let_go_of_the_next_one_does_not_name_it(
    client: Client, root: User
) -> None:
    following = operation()
    one = operation(State.STARTED, next_operation=following)
    assert [a.attributes["href"] for a in row(client, one).all("a")] == [one.get_absolute_url()]


def test_a_page_in_another_language(client: Client, root: User) -> None:
    operation(State.STARTED)
    with translation.override("de"):
        shown = page(client)
    root_element = shown.one(data_liveops_view="list")
    assert root_element.attributes["data-liveops-language"] == "de"
    assert root_element.attributes["data-liveops-zone"] == "UTC"


def test_everything_that_can_be_focused_has_a_name_of_its_own(client: Client, root: User) -> None:
    # htmx keeps the focus on an element that comes back with the same id.
    for _ in range(30):
        operation(State.FINISHED_OK, next_operation=operation())
    shown = page(client, "/live/?page=2")
    replaced = [shown.one(id=name) for name in ("liveops-counts", "liveops-rows", "liveops-pages")]
    ids = [link.attributes["id"] for part in replaced for link in part.all("a")]
    assert len(ids) > 40
    assert len(ids) == len(set(ids))
