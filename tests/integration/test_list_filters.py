"""The filters of the list: what they let through, and that nothing in an address breaks it."""

from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from liveops.models import LiveOperation
from liveops.overview.filters import Filters
from liveops.states import State
from tests.integration.edge import person
from tests.integration.overview import links, operation, page, several, urls
from tests.testapp.models import Scripted, Walk
from tests.unit.helpers import hostile_text

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.testapp.urls")]


@pytest.fixture
def root(client: Client) -> User:
    """Return a superuser, who is logged in."""
    user = person("root", is_superuser=True)
    client.force_login(user)
    return user


def listed(client: Client, **parameters: Any) -> list[str]:
    """Return where the rows lead to, in any order that can be compared."""
    return sorted(links(page(client, f"/live/?{urlencode(parameters)}")))


@pytest.mark.parametrize("state", list(State))
def test_by_state(client: Client, root: User, state: str) -> None:
    wanted = {each: operation(each) for each in State}[State(state)]
    assert listed(client, state=state) == urls(wanted)


def test_by_type(client: Client, root: User) -> None:
    walk = operation(model=Walk)
    operation(model=Scripted)
    assert listed(client, type="testapp.Walk") == urls(walk)


def test_by_owner_for_whoever_sees_the_operations_of_others(client: Client) -> None:
    ann, bob = person("ann"), person("bob", "testapp.view_walk")
    hers, his = operation(owner=ann), operation(owner=bob)
    client.force_login(bob)
    assert listed(client, owner=ann.pk) == urls(hers)
    shown = page(client, f"/live/?owner={ann.pk}")
    chosen = shown.one("select", name="owner").one("option", selected="").attributes["value"]
    assert chosen == str(ann.pk)
    client.force_login(ann)
    assert listed(client, owner=bob.pk) == urls(hers)
    assert page(client).all("select", name="owner") == []
    assert his.can_view(bob)


def test_names_of_owners_are_not_to_be_had_by_counting(client: Client) -> None:
    ann, bob = person("ann"), person("bob", "testapp.view_walk")
    operation(model=Scripted, owner=ann)
    client.force_login(bob)
    shown = page(client, f"/live/?owner={ann.pk}")
    assert "ann" not in shown.text


def test_conditions_are_joined_by_and(client: Client, root: User) -> None:
    ann = person("ann")
    wanted = operation(State.STARTED, Walk, owner=ann, progress={"status_text": "Half way"})
    operation(State.STARTED, Walk, owner=ann)
    operation(State.STARTED, Walk, owner=root, progress={"status_text": "Half way"})
    operation(State.STARTED, Scripted, owner=ann, progress={"status_text": "Half way"})
    operation(State.CANCELLED, Walk, owner=ann, progress={"status_text": "Half way"})
    everything = {"state": "STARTED", "type": "testapp.Walk", "owner": ann.pk, "q": "half"}
    assert listed(client, **everything) == urls(wanted)


# Search


def test_search_by_the_begin_of_an_id(client: Client, root: User) -> None:
    wanted = operation(id="abcdef01-2345-4678-9abc-def012345678")
    operation(id="abcdef11-2345-4678-9abc-def012345678")
    for text in (wanted.pk, "abcdef01", "ABCDEF01", "abcdef01-23", "abcdef0123454678"):
        assert listed(client, q=text) == urls(wanted)
    assert len(listed(client, q="abcd")) == 2
    assert listed(client, q="abc") == []
    assert listed(client, q="bcdef01") == []
    assert listed(client, q="abcdef01-2345-4678-9abc-def0123456789") == []


@pytest.mark.parametrize("text", ["Ann.Example", "ann.ex", "EXAMPLE"])
def test_search_by_the_owners_name(client: Client, root: User, text: str) -> None:
    wanted = operation(owner=person("Ann.Example"))
    operation(owner=root)
    operation()
    assert listed(client, q=text) == urls(wanted)


@pytest.mark.parametrize("text", ["walk", "WALK", "testapp.Walk", "app.wa"])
def test_search_by_the_name_of_the_class(client: Client, root: User, text: str) -> None:
    wanted = operation(model=Walk)
    operation(model=Scripted)
    assert listed(client, q=text) == urls(wanted)


def test_search_by_the_name_of_a_class_that_is_gone(client: Client, root: User) -> None:
    wanted = operation()
    LiveOperation.objects.filter(pk=wanted.pk).update(operation_type="old.Gone")
    operation()
    assert listed(client, q="gone") == urls(wanted)


def test_search_by_status_and_by_error(client: Client, root: User) -> None:
    status = operation(State.STARTED, progress={"status_text": "Reading airports.csv"})
    error = operation(State.FINISHED_ERROR, progress={"error_text": "No AIRPORTS in line 17"})
    operation(progress={"status_text": "Something else"})
    assert listed(client, q="airports") == sorted(urls(status, error))


def test_search_takes_signs_as_they_are(client: Client, root: User) -> None:
    wanted = operation(progress={"status_text": "100 % of a_b \\ done"})
    operation(progress={"status_text": "100 of aXb done"})
    for text in ("100 %", "a_b", "\\", "  100 %  "):
        assert listed(client, q=text) == urls(wanted)


def test_what_is_searched_for_stands_in_the_form_escaped(client: Client, root: User) -> None:
    shown = page(client, "/live/?" + urlencode({"q": '"><script>x</script>'}))
    assert shown.one("input", name="q").attributes["value"] == '"><script>x</script>'
    assert "No operation matches" in shown.one("p", class_="liveops-empty").text
    assert shown.one("a", id="liveops-everything").attributes["href"] == "?"


# The page


def test_links_keep_the_other_filters(client: Client, root: User) -> None:
    several(60, owner=root)
    query = {"state": "NOT_STARTED", "type": "testapp.Walk", "q": "root & co", "tab": "x y"}
    LiveOperation.objects.update(owner=person("root & co"))
    shown = page(client, f"/live/?{urlencode({**query, 'page': 2})}")
    older = shown.one("a", rel="next").attributes["href"]
    assert parse_qs(older.removeprefix("?")) == {k: [v] for k, v in {**query, "page": "3"}.items()}
    everybody = shown.one("a", id="liveops-chip-all").attributes["href"]
    assert parse_qs(everybody.removeprefix("?")) == {
        name: [value] for name, value in query.items() if name != "state"
    }
    form = shown.one("form", class_="liveops-filters")
    given = {
        field.attributes["name"]: field.attributes["value"]
        for field in form.all("input")
        if field.attributes["type"] == "hidden"
    }
    assert given == {"state": "NOT_STARTED", "tab": "x y"}


def test_counts_stand_beside_the_states_that_there_are(client: Client, root: User) -> None:
    for state in (State.STARTED, State.STARTED, State.FINISHED_OK):
        operation(state)
    operation(State.CANCELLED, Scripted)
    shown = page(client, "/live/?type=testapp.Walk&state=STARTED")
    chips = shown.all("a", class_="liveops-chip")
    assert [chip.text.split() for chip in chips] == [
        ["All", "3"],
        ["Running", "2"],
        ["Succeeded", "1"],
    ]
    current = [chip.text.split()[0] for chip in chips if "aria-current" in chip.attributes]
    assert current == ["Running"]
    assert chips[2].attributes["href"] == "?state=FINISHED_OK&type=testapp.Walk"


def test_a_state_that_nothing_is_in_stays_while_it_is_chosen(client: Client, root: User) -> None:
    operation(State.FINISHED_OK)
    chips = page(client, "/live/?state=STARTED").all("a", class_="liveops-chip")
    assert [chip.text.split() for chip in chips] == [
        ["All", "1"],
        ["Running", "0"],
        ["Succeeded", "1"],
    ]


def test_types_are_offered_that_the_user_has_or_may_see(client: Client, root: User) -> None:
    def offered() -> set[str]:
        selects = page(client).all("select", name="type")
        return {o.attributes["value"] for s in selects for o in s.all("option")} - {""}

    assert {"testapp.Walk", "testapp.Scripted", "testapp.Typed"} <= offered()
    ann = person("ann", "testapp.view_walk")
    operation(model=Scripted, owner=ann)
    client.force_login(ann)
    assert offered() == {"testapp.Walk", "testapp.Scripted"}
    client.force_login(person("bob"))
    assert offered() == set()


@pytest.mark.parametrize(
    "query",
    [
        "state=GONE",
        "state=started",
        "type=no.Such",
        "type=liveops.LiveOperation",
        "type=auth.User",
        "model=auth.User",
        "owner=x",
        "owner=99999999999999999999999",
        "owner=-1%00",
        "owner=%F0%9F%98%80",
        "page=%00",
        "state=STARTED&state=",
        "=&&=%FF",
        "q=%20",
    ],
)
def test_what_cannot_be_is_as_if_it_were_not_there(client: Client, root: User, query: str) -> None:
    one = operation()
    assert links(page(client, f"/live/?{query}")) == urls(one)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["state", "type", "owner", "q", "page", "model", "other"]), hostile_text
    )
)
def test_nothing_in_an_address_breaks_the_query(parameters: dict[str, str]) -> None:
    query = urlencode({k: v.encode("utf-8", "replace") for k, v in parameters.items()})
    filters = Filters.parse(query)
    list(LiveOperation.objects.filter(filters.condition)[:1])
    assert Filters.parse(filters.query) == filters


@settings(deadline=None)
@given(hostile_text)
def test_nothing_that_a_socket_sends_breaks_the_query(text: str) -> None:
    filters = Filters.parse(text)
    list(LiveOperation.objects.filter(filters.condition)[:1])
    assert Filters.parse(filters.query).query == filters.query
