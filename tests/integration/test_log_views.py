"""The log beyond the page: other lines, search, the file; for those who may watch only."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient, Client

from liveops import registry
from liveops.log_pages import Log
from liveops.progress.view import Line
from tests.integration.conftest import Templates
from tests.integration.edge import asynchronous, missing, person
from tests.integration.log_lines import line, store_lines
from tests.integration.markup import HOSTILE, Element, log_numbers, parse
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    """Return 2,500 lines of two stages."""
    return [line(n, stage="Load" if n < 1_200 else "Save") for n in range(1, 2_501)]


@pytest.fixture
def operation(client: Client, lines: list[Line]) -> Scripted:
    """Return an operation with 2,500 lines; its owner is logged in."""
    user = person("owner")
    client.force_login(user)
    operation = Scripted.objects.create(owner=user)
    store_lines(operation, lines)
    store_lines(Scripted.objects.create(owner=user), (line(n, "line of another") for n in (1, 2)))
    return operation


def ask(client: Client, operation: Any, **query: Any) -> dict[str, Any]:
    response = client.get(f"/live/{operation.pk}/log/", query)
    assert response.status_code == 200, response.content
    assert response.headers["Cache-Control"] == "private, no-store"
    answer: dict[str, Any] = response.json()
    return answer


def shown(answer: dict[str, Any]) -> Element:
    """Return the lines of an answer, which must be what it says of itself."""
    lines = parse(answer["html"])
    numbers = log_numbers(lines)
    assert (answer["first"], answer["last"]) == (numbers[0], numbers[-1])
    assert len(numbers) <= 1_000
    return lines


@pytest.mark.parametrize(
    ("query", "numbers", "more"),
    [
        ({}, range(1_501, 2_501), True),
        ({"before": 1_501}, range(501, 1_501), True),
        ({"before": 501}, range(1, 501), False),
        ({"before": 9_999}, range(1_501, 2_501), True),
        ({"after": 0}, range(1, 1_001), True),
        ({"after": 2_000}, range(2_001, 2_501), False),
        ({"around": 1_200}, range(701, 1_701), True),
        ({"around": 3}, range(1, 1_001), True),
        ({"around": 2_400}, range(1_901, 2_501), False),
        ({"around": 10**15}, range(2_001, 2_501), False),
        ({"stage": "Save"}, range(701, 1_701), True),
    ],
)
def test_a_page_of_lines(
    client: Client, operation: Scripted, query: dict[str, Any], numbers: range, more: bool
) -> None:
    answer = ask(client, operation, **query)
    assert log_numbers(shown(answer)) == list(numbers)
    assert (answer["earlier"], answer["later"]) == (numbers[0] - 1, 2_500 - numbers[-1])
    assert (answer["more"], answer["pruned"]) == (more, False)


@pytest.mark.parametrize("query", [{"before": 1}, {"after": 2_500}, {"stage": "Validate"}])
def test_a_page_without_lines(client: Client, operation: Scripted, query: dict[str, Any]) -> None:
    answer = ask(client, operation, **query)
    assert (answer["html"], answer["first"], answer["last"]) == ("", None, None)
    assert answer["more"] is False


def test_lines_come_in_opened_groups_and_tell_of_gaps(client: Client, operation: Scripted) -> None:
    operation.log_lines.filter(seq__range=(1_190, 1_205)).delete()
    lines = shown(ask(client, operation, around=1_200))
    groups = [(g.attributes["data-stage"], "open" in g.attributes) for g in lines.all("details")]
    assert groups == [("Load", True), ("Save", True)]
    (gap,) = lines.all("li", class_="liveop-log-gap")
    assert gap.text == "… 16 lines are not kept"
    for query in ({"after": 1_189}, {"before": 1_206}):
        lines = shown(ask(client, operation, **query))
        assert [g.text for g in lines.all("li", class_="liveop-log-gap")] == [gap.text], query


def test_a_log_that_lost_its_beginning_says_so(
    client: Client, operation: Scripted, settings: Any
) -> None:
    settings.LIVEOPS = {**settings.LIVEOPS, "LOG_LINES": 2_000}
    operation.log_lines.filter(seq__lte=500).delete()
    answer = ask(client, operation, before=700)
    assert (answer["first"], answer["earlier"], answer["more"]) == (501, 0, False)
    assert answer["pruned"] is True


@pytest.mark.parametrize(
    ("query", "numbers", "more"),
    [
        ({"q": "LINE 24"}, [24, *range(240, 250), *range(2_400, 2_500)], False),
        ({"q": "line 24", "after": 249}, list(range(2_400, 2_500)), False),
        ({"q": "  line 2500 "}, [2_500], False),
        ({"q": "line"}, list(range(1, 1_001)), True),
        ({"q": "line", "after": 1_500}, list(range(1_501, 2_501)), False),
        ({"q": "%"}, [], False),
        ({"q": "l_ne"}, [], False),
        ({"q": "of another"}, [], False),
        ({"q": "\x00"}, [], False),
        ({"q": " "}, [], False),
    ],
)
def test_a_search_names_the_lines_that_hold_a_text(
    client: Client, operation: Scripted, query: dict[str, Any], numbers: list[int], more: bool
) -> None:
    assert ask(client, operation, **query) == {"matches": numbers, "more": more}


@pytest.mark.parametrize("stored", ["örtlich", "Örtlich", "ÖRTLICH"])
@pytest.mark.parametrize("text", ["örtlich", "Örtlich", "ÖRTLICH"])
def test_a_search_knows_more_letters_than_those_of_ascii(
    client: Client, operation: Scripted, text: str, stored: str
) -> None:
    store_lines(operation, [line(3_001, f"nur {stored} bekannt")])
    assert ask(client, operation, q=text)["matches"] == [3_001]


@pytest.mark.parametrize(
    "query",
    [
        "before=x",
        "after=-1",
        "around=1.5",
        "before=",
        "around=" + "9" * 19,
        "after=" + "9" * 5_000,
        "before=\u0663",
        "before=1&after=2",
        "around=1&stage=Load",
        "q=x&before=1",
        "q=x&after=y",
        "q=" + "x" * 201,
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    client: Client, operation: Scripted, query: str
) -> None:
    response = client.get(f"/live/{operation.pk}/log/?{query}")
    assert response.status_code == 400
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.content.decode().endswith(".")


def test_it_can_only_be_read(client: Client, operation: Scripted) -> None:
    for name in ("log/", "log.txt"):
        assert client.post(f"/live/{operation.pk}/{name}").status_code == 405


@pytest.mark.parametrize("name", ["log/", "log/?q=line", "log/?before=x", "log.txt"])
def test_only_those_who_may_watch_get_anything(
    operation: Scripted, name: str, settings: Any
) -> None:
    settings.LIVEOPS = {**settings.LIVEOPS, "REQUIRED_GROUP": "staff"}
    people = {
        "nobody": (None, 404),
        "stranger": (person("stranger", group="staff"), 404),
        "outsider": (person("outsider", "testapp.view_scripted"), 404),
        "viewer": (person("viewer", "testapp.view_scripted", group="staff"), 200),
        "root": (person("root", is_superuser=True), 200),
    }
    for who, (user, status) in people.items():
        client = Client()
        if user is not None:
            client.force_login(user)
        response = client.get(f"/live/{operation.pk}/{name}")
        allowed = 400 if name.endswith("=x") and status == 200 else status
        assert response.status_code == allowed, who
        assert client.get(f"/live/{missing().pk}/{name}").status_code == 404
    token = {"X-Liveop-Token": operation.subscription_token}
    assert Client().get(f"/live/{operation.pk}/{name}", headers=token).status_code == 404


def test_the_page_names_the_addresses_to_those_who_may_use_them(
    client: Client, operation: Scripted
) -> None:
    url = f"/live/{operation.pk}/log"
    section = parse(client.get(f"/live/{operation.pk}/").content.decode()).one("section")
    assert section.attributes["data-liveop-log-url"] == f"{url}/"
    assert [a.text for a in section.all("a", href=f"{url}.txt")] == ["Download"]
    assert section.one("input", type="search").attributes["maxlength"] == "200"


@pytest.mark.urls("tests.testapp.urls")
def test_a_page_for_everybody_names_them_to_nobody_else(
    operation: Scripted, templates: Templates
) -> None:
    shown = "{% load liveops %}{% for op in operations %}{% live_operation op %}{% endfor %}"
    templates({"several.html": shown})
    sections = parse(Client().get("/several/").content.decode()).all("section")
    assert len(sections) == 2
    for section in sections:
        assert "data-liveop-log-url" not in section.attributes
        assert section.all("input", type="search") == []
        assert [a for a in section.all("a") if "log.txt" in a.attributes["href"]] == []


def text_of(chunks: Iterable[bytes]) -> list[str]:
    return b"".join(chunks).decode().splitlines()


def test_the_file_holds_the_whole_log(client: Client, operation: Scripted) -> None:
    store_lines(
        operation,
        [line(2_501, "schön", stage="", level="success"), line(2_502, HOSTILE, level="warning")],
    )
    response = client.get(f"/live/{operation.pk}/log.txt")
    name = f"Scripted-{str(operation.pk)[:8]}.txt"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = text_of(response.streaming_content)  # type: ignore[attr-defined]
    assert len(lines) == 2_502
    assert lines[0] == "2026-11-22T12:00:01.123Z  INFO     [Load] line 1"
    assert lines[2_500] == "2026-11-22T12:41:41.123Z  SUCCESS  schön"
    assert lines[2_501] == f"2026-11-22T12:41:42.123Z  WARNING  [Load] {HOSTILE}"


def test_the_file_of_an_empty_log_is_empty(client: Client, operation: Scripted) -> None:
    operation.log_lines.all().delete()
    response = client.get(f"/live/{operation.pk}/log.txt")
    assert text_of(response.streaming_content) == []  # type: ignore[attr-defined]


@asynchronous
async def test_an_async_server_sends_the_file_in_portions_too(
    operation: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liveops.log_pages._CHUNK", 1_000)
    client = AsyncClient()
    user = await sync_to_async(person)("root", is_superuser=True)
    await sync_to_async(client.force_login)(user)
    response = await client.get(f"/live/{operation.pk}/log.txt")
    portions = [part async for part in response.streaming_content]  # type: ignore[attr-defined]
    assert [part.count(b"\n") for part in portions] == [1_000, 1_000, 500]


def test_lines_that_a_run_has_yet_to_save_are_there_as_well(
    client: Client, operation: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    tail = [line(n, "fresh and Ärger", stage="Publish") for n in range(2_400, 2_521)]
    run = SimpleNamespace(run_id=operation.run_id, snapshot=lambda: (None, tail, 9))
    monkeypatch.setattr(registry, "find", lambda pk: run)
    assert ask(client, operation)["last"] == 2_520
    assert ask(client, operation, after=2_495)["first"] == 2_496
    assert log_numbers(shown(ask(client, operation, after=2_495)))[-1] == 2_520
    assert ask(client, operation, before=2_511)["last"] == 2_510
    assert ask(client, operation, stage="Publish")["later"] == 0
    assert ask(client, operation, before=100)["later"] == 2_520 - 99
    assert ask(client, operation, q="ÄRGER")["matches"] == list(range(2_501, 2_521))
    assert [x.seq for chunk in Log(operation).chunks() for x in chunk] == list(range(1, 2_521))
    run.run_id = missing().pk
    assert ask(client, operation)["last"] == 2_500, "it is another run's"
