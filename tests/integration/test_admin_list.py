"""The list of all operations in the admin."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from liveops import store
from liveops.models import LiveOperation, LiveProgress
from liveops.states import State
from tests.integration.admin_pages import LIST, ended, ids, listed, opened, staff, with_class
from tests.integration.edge import person
from tests.integration.markup import HOSTILE, Element
from tests.testapp.models import Scripted, Typed, Walk

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(client: Client) -> Any:
    """Return a superuser who is logged in."""
    user = staff("root", is_superuser=True)
    client.force_login(user)
    return user


def row(client: Client, query: str = "") -> dict[str, Element]:
    """Return the cells of the only row by the name of their field."""
    page = opened(client, LIST + query)
    (found,) = page.one("table", id="result_list").one("tbody").all("tr")
    cells = {}
    for cell in found.elements:
        names = [n for n in cell.attributes.get("class", "").split() if n.startswith("field-")]
        cells.update({name.removeprefix("field-"): cell for name in names})
    return cells


def progress(operation: Any, **values: Any) -> None:
    """Save progress for an operation."""
    LiveProgress.objects.update_or_create(operation=operation, defaults=values)


def test_a_row_tells_what_goes_on(client: Client, root: Any) -> None:
    operation = Walk.objects.create(owner=person("somebody"))
    assert store.claim(operation) is not None
    LiveOperation.objects.update(
        stage_states={"Load": "done", "Validate": "active"},
        current_stage=1,
        started_on=timezone.now() - timedelta(seconds=75),
    )
    progress(operation, status_text=f"Half way {HOSTILE}\nand on", percent=50.0)
    cells = row(client)
    badge = with_class(cells["op_state"], "liveop-badge")[0]
    assert (badge.attributes["data-state"], badge.text.strip()) == ("STARTED", "Running")
    assert cells["op_title"].one("a").text == f"Walk {str(operation.pk)[:8]}"
    assert cells["op_status"].text.startswith(f"Half way {HOSTILE}"[:20])
    assert "and on" not in cells["op_status"].text
    assert cells["op_percent"].text == "50 %"
    assert cells["owner"].text == "somebody"
    assert re.fullmatch(
        r"\d\d/\d\d/\d{4} \d?\d(:\d\d)? [ap]\.m\.|.* (noon|midnight)", cells["op_created"].text
    )
    exact = cells["op_created"].one("time").attributes["title"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", exact)
    assert re.fullmatch(r"1:\d\d", cells["op_duration"].text)


def test_a_site_without_time_zones_has_both_pages(client: Client, root: Any, settings: Any) -> None:
    settings.USE_TZ = False
    operation = Walk.objects.create(label="hill")
    store.claim(operation)
    exact = row(client)["op_created"].one("time").attributes["title"]
    assert exact == f"{Walk.objects.get().created_on:%Y-%m-%d %H:%M:%S}"
    opened(client, f"{LIST}{operation.pk}/change/")


def test_a_row_of_what_did_not_begin_and_of_what_failed(client: Client, root: Any) -> None:
    waiting = Walk.objects.create()
    cells = row(client)
    assert with_class(cells["op_state"], "liveop-badge")[0].text.strip() == "Waiting"
    assert [cells[name].text for name in ("op_percent", "owner", "op_duration")] == ["–", "-", "–"]
    waiting.delete()
    failed = ended(Walk, "FINISHED_ERROR")
    progress(failed, status_text="At work", error_text="The file is empty.\nAnd so on.")
    cells = row(client)
    assert cells["op_status"].text == "The file is empty."
    assert cells["op_duration"].text == "1:15"
    LiveOperation.objects.update(finished_successfully=True)
    assert [row(client)[name].text for name in ("op_status", "op_percent")] == ["At work", "100 %"]


def test_the_newest_come_first_and_every_column_sorts(client: Client, root: Any) -> None:
    now = timezone.now()
    old = Walk.objects.create(created_on=now - timedelta(days=2))
    new = Scripted.objects.create(created_on=now)
    middle = Typed.objects.create(created_on=now - timedelta(days=1), title="a")
    assert listed(client) == ids(new, middle, old)
    for column in range(1, 8):
        assert sorted(listed(client, f"?o={column}")) == sorted(ids(new, middle, old))
    assert listed(client, "?o=2") == ids(new, middle, old), "by type"


def test_the_filters_keep_what_they_say(client: Client, root: Any) -> None:
    owner = person("owner")
    operations = {state: ended(Walk, state) for state in State if state != "NOT_STARTED"}
    operations[State.NOT_STARTED] = Scripted.objects.create(owner=owner)
    for state, operation in operations.items():
        assert listed(client, f"?state={state}") == ids(operation)
    waiting = operations[State.NOT_STARTED]
    assert listed(client, "?operation_type=testapp.Scripted") == ids(waiting)
    assert listed(client, f"?owner__id__exact={owner.pk}") == ids(waiting)
    assert listed(client, "?state=STARTED&operation_type=testapp.Scripted") == []
    assert listed(client, "?state=nonsense") == []


def test_the_filters_offer_what_there_is(client: Client, root: Any) -> None:
    Walk.objects.create(owner=root)
    Scripted.objects.create(owner=person("owner"))

    def offered() -> str:
        return opened(client, LIST).one(id="changelist-filter").text

    everything = offered()
    for word in ("Waiting", "Running", "Succeeded", "Failed", "Cancelled", "Interrupted"):
        assert word in everything
    assert "Walk" in everything
    assert "Typed" not in everything
    assert "owner" in everything
    client.force_login(staff("walker", "testapp.view_walk"))
    assert "Scripted" not in offered()
    plain = staff("plain")
    Walk.objects.create(owner=plain)
    client.force_login(plain)
    assert "By owner" not in offered()
    assert "By type" not in offered(), "there is only one"


def test_the_search_finds_id_type_owner_status_and_error(client: Client, root: Any) -> None:
    walk = Walk.objects.create(owner=person("anna"))
    progress(walk, status_text="Half a mile", error_text="")
    failed = ended(Scripted, "FINISHED_ERROR", owner=person("bert"))
    progress(failed, status_text="", error_text="The road is closed.")
    for text in (
        str(walk.pk),
        str(walk.pk)[:8],
        walk.pk.hex,
        "ANNA",
        "walk",
        "half a",
        "testapp.w",
    ):
        assert listed(client, f"?q={text}") == ids(walk), text
    for text in ("bert", "scripted", "road"):
        assert listed(client, f"?q={text}") == ids(failed), text
    assert sorted(listed(client, "?q=testapp")) == sorted(ids(walk, failed))
    for text in ("nothing of the kind", "%25", HOSTILE[:20]):
        assert listed(client, f"?q={text}") == []
    assert listed(client, "?q=walk&state=STARTED") == []


def test_the_search_finds_nothing_of_others(client: Client) -> None:
    plain = staff("plain")
    own = Walk.objects.create(owner=plain)
    theirs = Walk.objects.create(owner=person("anna"))
    client.force_login(plain)
    assert listed(client, "?q=walk") == ids(own)
    for text in ("anna", str(theirs.pk)):
        assert listed(client, f"?q={text}") == []


def test_dates_lead_down_to_the_day(client: Client, root: Any) -> None:
    old = Walk.objects.create(created_on=datetime(2024, 3, 5, 12, tzinfo=UTC))
    new = Walk.objects.create(created_on=datetime(2025, 6, 7, 12, tzinfo=UTC))
    assert "created_on__year=2024" in client.get(LIST).content.decode()
    assert listed(client, "?created_on__year=2024") == ids(old)
    day = "?created_on__year=2025&created_on__month=6&created_on__day=7"
    assert listed(client, day) == ids(new)


def test_more_rows_cost_no_more_queries_and_nothing_long_is_read(client: Client, root: Any) -> None:
    def queries() -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as found:
            listed(client)
        return [query["sql"] for query in found]

    for model in (Walk, Scripted, Typed):
        operation = ended(model, "STARTED", owner=person(model.__name__))
        progress(operation, percent=5.0)
    few = queries()
    for number in range(12):
        for model in (Walk, Scripted, Typed):
            operation = ended(model, "FINISHED_OK", owner=person(f"{model.__name__}{number}"))
            progress(operation, percent=5.0)
    many = queries()
    assert len(many) == len(few) <= 12
    assert not [sql for sql in many if "traceback" in sql or "swaps" in sql]


def test_what_the_project_lost_the_class_of_is_still_listed(client: Client, root: Any) -> None:
    operation = Walk.objects.create()
    LiveOperation.objects.update(operation_type="gone.Class")
    progress(operation, percent=5.0)
    assert row(client)["op_title"].one("a").text == f"gone.Class {str(operation.pk)[:8]}"
    assert "gone.Class" in opened(client, f"{LIST}{operation.pk}/change/").one("h1").text


@pytest.mark.parametrize("name", ["owner", "owner__id__exact", "owner__in"])
def test_a_number_that_no_database_has_room_for_is_no_error(
    client: Client, root: Any, name: str
) -> None:
    for number in ("9" * 23, "-" + "9" * 23, "1," + "9" * 23):
        answer = client.get(LIST, {name: number})
        assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?e=1")
    assert client.get(LIST, {name: "9" * 18}).status_code == 200
    assert client.get(LIST, {"q": "9" * 23}).status_code == 200
