"""Whatever is asked of the admin: no error of the server, nothing changes, nothing leaks."""

import random
import re
from itertools import product

import pytest
from django.test.client import ClientHandler

from liveops.models import LiveOperation
from tests.fuzz.asking import Request, answer
from tests.fuzz.cases import seeds
from tests.fuzz.hostile import spoiled, text
from tests.fuzz.world import HIDDEN, World, rows

LIST = "/admin/liveops/liveoperation/"
PARAMETERS = ["q", "o", "p", "all", "e", "_facets", "_popup", "_to_field", "_changelist_filters"]
PARAMETERS += ["state", "operation_type", "owner__id__exact", "created_on__year", "created_on__day"]
COLUMNS = [field.name for field in LiveOperation._meta.get_fields()]
NEIGHBOURS = ["next_operation", "previous_operation"]
KEPT_BACK = ["traceback", *NEIGHBOURS, "owner__password", "owner__live_operations__traceback"]
KEPT_BACK += ["live_progress__operation__traceback", "log_lines__operation__traceback"]
KEPT_BACK += [f"{one}__{column}" for one, column in product(NEIGHBOURS, ["traceback", "owner"])]
LOOKUPS = ["", "__exact", "__contains", "__startswith", "__regex", "__in", "__isnull", "__gt"]
LOOKUPS += ["__length", "__year", "__x__y", "__", "__contains__contains", "__id__exact"]


def hostile_query(chance: random.Random, known: list[str]) -> dict[str, str]:
    """Return the query of a list."""
    names = [
        *PARAMETERS,
        *(name + lookup for name, lookup in product(chance.sample(COLUMNS, 4), LOOKUPS)),
        text(chance, *COLUMNS),
    ]
    return {name: text(chance, *known, *COLUMNS) for name in chance.sample(names, 2)}


def quoted(query: dict[str, str]) -> str:
    """Return a query as it stands in an address."""
    return "&".join(f"{percent(name)}={percent(value)}" for name, value in query.items())


def percent(value: str) -> str:
    """Return a value of a query with every byte escaped."""
    return "".join(f"%{byte:02x}" for byte in value.encode("utf-8", "surrogatepass"))


@pytest.mark.promise("fuzzed-admin")
def test_no_query_breaks_the_admin_or_changes_anything(world: World) -> None:
    handler, before, known = ClientHandler(enforce_csrf_checks=True), rows(), world.ids()
    for chance in seeds("test_admin.py::test_no_query_breaks_the_admin_or_changes_anything"):
        path = LIST
        if chance.random() < 0.4:
            pk = spoiled(chance, chance.choice(known)) if chance.random() < 0.7 else known[0]
            path += f"{percent(pk)}/{chance.choice(['change/', 'history/', 'delete/', ''])}"
        method = chance.choice(["GET", "GET", "GET", "HEAD", "POST", "PUT"])
        request = Request(method, path, quoted(hostile_query(chance, known)))
        given = answer(handler, request, world.cookies[chance.choice(["viewer", "owner"])])
        assert given.status in {200, 301, 302, 400, 403, 404, 405}, request
        assert HIDDEN.encode() not in given.content, request
    assert rows() == before


def test_what_is_kept_back_cannot_be_asked_for_bit_by_bit(world: World) -> None:
    handler = ClientHandler()
    values = (HIDDEN, "0", str(world.own[2].pk), "md5")
    for name, lookup in product(KEPT_BACK, ("", "__contains", "__isnull")):
        answers = set()
        for value in values:
            request = Request("GET", LIST, quoted({name + lookup: value}))
            given = answer(handler, request, world.cookies["viewer"])
            shown = re.findall(rb'name="_selected_action" value="([^"]+)"', given.content)
            answers.add((given.status, given.headers.get("Location"), tuple(shown)))
        assert len(answers) == 1, f"the answer to {name}{lookup} depends on what is asked for"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("stage_states__contains=1", 400),
        ("result_context__key=1", 400),
        ("language__regex=(", 400),
        ("finished_on__year=99999", 400),
        ("created_on__year=99999", 302),
        ("language=%00", 302),
        ("q=%00", 302),
        ("state=%00", 302),
        ("_to_field=previous_operation", 400),
        ("_to_field=nothing", 400),
        ("_to_field=id", 200),
        ("hand_overs=99999999999999999999", 302),
        ("created_on__year=2026", 200),
        ("owner__id__exact=1&state=STARTED", 200),
        ("language__startswith=e", 200),
    ],
)
def test_no_lookup_is_taken_that_some_database_fails_at(
    world: World, query: str, status: int
) -> None:
    given = answer(ClientHandler(), Request("GET", LIST, query), world.cookies["viewer"])
    assert given.status == status
