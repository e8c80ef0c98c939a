"""Fragments and containers: scoped, well-formed, escaped, and right for each state."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.template import Context, Template
from django.utils import translation

from liveops import rendering
from liveops.progress.update import ALL_REGIONS, Finished, Region, Swap, Update
from liveops.progress.view import Line, View
from liveops.sinks.sender import Sender
from liveops.sinks.web import WebSink
from liveops.states import State
from tests.integration.conftest import Templates
from tests.integration.markup import HOSTILE, REGIONS, fragments, log_numbers, log_texts, parse
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db

MARCH = datetime(2026, 3, 5, 7, 8, 9, tzinfo=UTC)


def line(number: int, text: str = "", **values: Any) -> Line:
    return Line(number, values.pop("time", MARCH), values.pop("level", "info"), "Load", text)


def update(operation: Scripted, **values: Any) -> Update:
    defaults = {"seq": 7, "view": View(state="STARTED"), "regions": ALL_REGIONS}
    return Update(operation=operation, **{**defaults, **values})


def region(name: Region, view: View, operation: Scripted | None = None, **more: Any) -> Any:
    return parse(rendering.region_html(name, operation or Scripted.objects.create(), view, **more))


@pytest.mark.parametrize("state", list(State))
def test_a_full_update_is_one_scoped_fragment_a_region(state: State) -> None:
    operation = Scripted.objects.create()
    view = View(state=state, status_text="at work", percent=12.5, stage_states={"Load": "active"})
    shown = fragments(
        rendering.fragments(update(operation, view=view, lines=[line(3, "hello")])), operation.pk
    )
    assert set(shown) == REGIONS - {"op-controls"}, "controls are for the edge"
    modes = {name: fragment.attributes["mode"] for name, fragment in shown.items()}
    assert modes.pop("op-log") == "beforeend"
    assert set(modes.values()) == {"innerHTML"}
    for name in modes:
        assert shown[name].attributes["id"] == name
    stamps = {name: fragment.attributes.get("data-seq") for name, fragment in shown.items()}
    assert {name for name, stamp in stamps.items() if stamp} == {"op-status", "op-progress"}
    assert stamps["op-status"] == stamps["op-progress"] == "7"


def test_only_what_changed_is_sent() -> None:
    operation = Scripted.objects.create()
    html = rendering.fragments(update(operation, regions={Region.STATUS}))
    assert set(fragments(html, operation.pk)) == {"op-status"}
    assert rendering.fragments(update(operation, regions=frozenset())) == ""


def test_appended_lines_carry_their_numbers_and_say_what_is_left_out() -> None:
    operation = Scripted.objects.create()
    html = rendering.fragments(
        update(operation, regions={Region.LOG}, lines=[line(41, "a"), line(42, "b")], skipped=30)
    )
    log = fragments(html, operation.pk)["op-log"]
    assert "data-log" in log.attributes
    assert log_numbers(log) == [41, 42]
    assert log_texts(log) == ["a", "b"]
    assert "30" in log.one("li", class_="liveop-log-gap").text
    assert log.all("li")[0].attributes["class"] == "liveop-log-gap", "the gap comes first"


def test_a_gap_in_the_numbers_of_appended_lines_is_told_where_it_is() -> None:
    operation = Scripted.objects.create()
    lines = [line(41, "a"), line(45, "b"), line(46, "c"), line(48, "d")]
    html = rendering.fragments(update(operation, regions={Region.LOG}, lines=lines, skipped=30))
    entries = fragments(html, operation.pk)["op-log"].all("li")
    assert [li.attributes.get("data-n") or li.text for li in entries] == [
        "… 30 lines came too fast to be shown",
        "41",
        "… 3 lines are not kept",
        "45",
        "46",
        "… 1 line is not kept",
        "48",
    ]


def test_a_new_run_replaces_the_log() -> None:
    operation = Scripted.objects.create()
    log = fragments(rendering.fragments(update(operation, replace_log=True)), operation.pk)[
        "op-log"
    ]
    assert log.attributes["mode"] == "innerHTML"
    assert log_texts(log) == []
    log.one("div", class_="liveop-log-lines")


def test_a_snapshot_has_every_region_and_the_operations_own_parts() -> None:
    operation = Scripted.objects.create()
    view = View(state="STARTED", swaps={"#chart": "<b>kept</b>"})
    log = rendering.log_replacement(operation, view, [line(5)], 1)
    html = rendering.snapshot_fragments(operation, view, 99, log)
    shown = fragments(html, operation.pk)
    assert set(shown) == (REGIONS - {"op-controls"}) | {"chart"}
    assert shown["op-status"].attributes["data-seq"] == "99"
    assert shown["chart"].one("b").text == "kept"
    assert "4" in shown["op-log"].one("p", class_="liveop-log-edge").text


def test_trusted_html_goes_out_as_it_is_but_only_into_its_own_container() -> None:
    operation = Scripted.objects.create()
    swaps = [Swap("#a", "beforeend", "<i>1</i>"), Swap(".b > p", "innerHTML", "<u>2</u>")]
    html = rendering.fragments(update(operation, regions=frozenset(), swaps=swaps))
    shown = fragments(html, operation.pk)
    assert [(f.attributes["mode"], f.elements[0].tag) for f in shown.values()] == [
        ("beforeend", "i"),
        ("innerHTML", "u"),
    ]


def test_hostile_text_is_text_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scripted, "stages", [HOSTILE, "Save"])
    operation = Scripted.objects.create()
    view = View(
        state="STARTED",
        status_text=HOSTILE,
        status_level=HOSTILE,
        label=HOSTILE,
        unit=HOSTILE,
        done=3,
        total=9,
        rate=2.0,
        percent=33.0,
        stage_states={HOSTILE: HOSTILE},
        error_text=HOSTILE,
    )
    hostile_line = Line(1, MARCH, HOSTILE, HOSTILE, HOSTILE)
    shown = fragments(
        rendering.fragments(update(operation, view=view, lines=[hostile_line])), operation.pk
    )
    assert HOSTILE in shown["op-status"].text
    assert HOSTILE in shown["op-progress"].text
    assert HOSTILE in shown["op-stages"].text
    assert HOSTILE in shown["op-result"].text
    assert log_texts(shown["op-log"]) == [HOSTILE]
    assert shown["op-log"].one("details").attributes["data-stage"] == HOSTILE
    assert shown["op-log"].one("summary").text.strip() == HOSTILE


def test_the_stepper_shows_the_stages_as_the_update_saw_them() -> None:
    operation = Scripted.objects.create(stage_states={"Load": "failed"})
    view = View(
        state="STARTED", current_stage=1, stage_states={"Load": "done", "Validate": "active"}
    )
    steps = region(Region.STAGES, view, operation).all("li")
    assert [step.attributes["data-state"] for step in steps] == ["done", "active", "pending"]
    assert [step.attributes.get("aria-current") for step in steps] == [None, "step", None]
    assert [step.one(class_="liveop-step-name").text for step in steps] == Scripted.stages


def test_an_operation_without_stages_has_no_stepper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scripted, "stages", [])
    assert region(Region.STAGES, View(state="STARTED")).elements == []


def test_numbers_for_machines_stay_plain_where_people_read_them_grouped(settings: Any) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    operation = Scripted.objects.create()
    view = View(state="STARTED", percent=33.333)
    with translation.override("de"):
        html = rendering.fragments(update(operation, view=view, seq=12_345, lines=[line(67_890)]))
    shown = fragments(html, operation.pk)
    assert shown["op-progress"].attributes["data-seq"] == "12345"
    bars = shown["op-progress"].all("progress")
    assert [bar.attributes["value"] for bar in bars] == ["0.00", "33.33"]
    assert log_numbers(shown["op-log"]) == [67_890]
    assert shown["op-log"].one("time").attributes["datetime"].startswith("2026-03-05T07:08:09")


def test_the_web_sink_speaks_the_language_of_the_operation(templates: Templates) -> None:
    spoken = "{% load i18n %}{% get_current_language as now %}<p>{{ now }}</p>"
    templates({"liveops/_status.html": spoken, "testapp/scripted_result.html": spoken})
    operation = Scripted.objects.create(language="pl")
    sent: list[tuple[str, dict[str, Any]]] = []

    class Wire(Sender):
        def send(self, group: str, message: dict[str, Any]) -> None:
            sent.append((group, message))

    finished = Finished("FINISHED_OK", "/next/", {"a": 1}, "", "")
    with translation.override("de"):
        WebSink(Wire()).emit(update(operation, view=View(state="FINISHED_OK"), finished=finished))
    ((group, message),) = sent
    assert group == f"liveop.{operation.pk}"
    frame = json.loads(message["text"])
    assert (frame["op"], frame["seq"]) == (str(operation.pk), 7)
    shown = fragments(frame["liveop_html"], operation.pk)
    assert [p.text for name in ("op-status", "op-result") for p in shown[name].all("p")] == [
        "pl",
        "pl",
    ]
    assert json.loads(message["finished"]) == {
        "op": str(operation.pk),
        "liveop_finished": {
            "state": "FINISHED_OK",
            "url": f"/live/{operation.pk}/",
            "success_url": "/next/",
        },
    }


class LazyNonce:
    """A nonce like Django's own: false until it is read."""

    def __init__(self) -> None:
        self._was_read = False

    def __bool__(self) -> bool:
        return self._was_read

    def __str__(self) -> str:
        self._was_read = True
        return "read"


def test_a_nonce_that_nobody_has_read_yet_is_used_all_the_same() -> None:
    template = Template("{% load liveops %}{% liveops_assets %}")
    assets = parse(template.render(Context({"csp_nonce": LazyNonce()})))
    assert {element.attributes.get("nonce") for element in assets.elements} == {"read"}


def test_the_assets_carry_the_nonce_of_the_page_and_nothing_inline() -> None:
    source = Template("{% load liveops %}{% liveops_assets %}")
    for context, nonce in (({"csp_nonce": 'a"b'}, 'a"b'), ({}, None)):
        assets = parse(source.render(Context(context)))
        names = [(e.tag, e.attributes.get("nonce")) for e in assets.elements]
        assert names[:3] == [("link", nonce), ("script", nonce), ("script", nonce)]
        assert {stamp for _tag, stamp in names} == {nonce}
        assert {e.text for e in assets.all("script")} == {""}
        assert all("defer" in e.attributes for e in assets.all("script"))
        assert "htmx" in assets.all("script")[0].attributes["src"], "it comes before what uses it"


@pytest.mark.parametrize(
    ("mapping", "expected"), [({"a b": 1}, "1"), ({}, ""), (None, ""), ({"other": 1}, "")]
)
def test_an_item_is_looked_up_by_a_name_with_spaces(mapping: Any, expected: str) -> None:
    source = Template("{% load liveops %}{{ mapping|get_item:name }}")
    assert source.render(Context({"mapping": mapping, "name": "a b"})) == expected
