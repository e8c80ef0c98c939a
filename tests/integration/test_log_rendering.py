"""The log region: grouped by stage, opened where it matters, gaps told, levels marked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from liveops import rendering
from liveops.progress.view import ControlAction, View
from liveops.states import State
from tests.integration.log_lines import NOON, line
from tests.integration.markup import Element, log_numbers, parse
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db

RUNNING = View(state="STARTED", stage_states={"Load": "active"})
STAGES = ["", "Load", "Load", "", "Load", "Save", "Elsewhere"]


@pytest.fixture
def operation() -> Scripted:
    """Return an operation with the stages Load, Validate and Save."""
    return Scripted.objects.create()


def lines(stages: list[str] = STAGES, first: int = 1) -> list[Any]:
    return [line(number, stage=stage) for number, stage in enumerate(stages, first)]


def region(operation: Scripted, view: View, shown: list[Any], first_line: int = 1) -> Element:
    return parse(rendering.log_html(operation, view, shown, first_line))


def addition(operation: Scripted, shown: list[Any], **options: Any) -> Element:
    return parse(rendering.log_lines_html(operation, RUNNING, shown, **options))


def groups(log: Element) -> list[Element]:
    return [e for e in log.walk() if e.attributes.get("class") == "liveop-log-group"]


def gaps(log: Element) -> list[str]:
    return [gap.text for gap in log.all("li", class_="liveop-log-gap")]


def test_consecutive_lines_of_a_stage_are_one_group(operation: Scripted) -> None:
    found = groups(region(operation, RUNNING, lines()))
    assert [(g.attributes["data-stage"], log_numbers(g)) for g in found] == [
        ("", [1]),
        ("Load", [2, 3]),
        ("", [4]),
        ("Load", [5]),
        ("Save", [6]),
        ("Elsewhere", [7]),
    ]
    assert [g.tag for g in found] == ["div", "details", "div", "details", "details", "details"]
    headings = [g.one("summary").text.strip() for g in found if g.tag == "details"]
    assert headings == ["Load", "Load", "Save", "Elsewhere"]


def test_the_first_group_of_a_stage_is_where_the_stepper_leads(operation: Scripted) -> None:
    found = groups(region(operation, RUNNING, lines()))
    ids = [g.attributes.get("id") for g in found]
    assert ids == [None, f"op-{operation.pk}-s0", None, None, f"op-{operation.pk}-s2", None]
    assert [g.attributes.get("data-index") for g in found] == [None, "0", None, "0", "2", None]
    added = groups(addition(operation, lines()))
    assert not any("id" in g.attributes for g in added), "the page may have it already"


def test_groups_show_the_state_of_their_stage(operation: Scripted) -> None:
    found = groups(region(operation, RUNNING, lines()))
    icons = [i.attributes["data-state"] for g in found for i in g.all(class_="liveop-icon")]
    assert icons == ["active", "active", "pending"]


def test_groups_of_an_earlier_run_do_not_show_what_became_of_their_stage_since(
    operation: Scripted,
) -> None:
    resumed = NOON + timedelta(seconds=4)  # with the fourth line
    view = View(
        state="STARTED",
        stage_states={"Load": "done", "Validate": "done", "Save": "active"},
        stage_times={
            "Load": (NOON.timestamp(), NOON.timestamp() + 2),
            "Save": (resumed.timestamp() + 1, None),
        },
        actions=[ControlAction("resume", "ada", resumed)],
    )
    shown = lines(["Load", "Validate", "Save", "", "Save"])
    found = groups(region(operation, view, shown))
    icons = [[i.attributes["data-state"] for i in g.all(class_="liveop-icon")] for g in found]
    assert icons == [["done"], [], [], [], ["active"]]


@pytest.mark.parametrize(
    ("state", "stage_states", "opened"),
    [
        (State.STARTED, {"Load": "failed", "Save": "active"}, {"Load", "Save", "Elsewhere"}),
        (State.FINISHED_OK, {"Load": "failed", "Save": "done"}, {"Load", "Save", "Elsewhere"}),
        (State.FINISHED_ERROR, {"Load": "done", "Save": "failed"}, {"Save"}),
        (State.CANCELLED, {"Load": "cancelled"}, {"Load"}),
        (State.INTERRUPTED, {"Load": "done", "Save": "interrupted"}, {"Save"}),
        (State.FINISHED_ERROR, {"Load": "done"}, {"Load", "Save", "Elsewhere"}),
        (State.FINISHED_ERROR, {"Validate": "failed"}, {"Load", "Save", "Elsewhere"}),
    ],
)
def test_what_did_not_succeed_is_opened_first(
    operation: Scripted, state: State, stage_states: dict[str, str], opened: set[str]
) -> None:
    view = View(state=state, stage_states=stage_states)
    found = region(operation, view, lines()).all("details")
    shown = {g.attributes["data-stage"] for g in found if "open" in g.attributes}
    closed = {g.attributes["data-stage"] for g in found if "open" not in g.attributes}
    assert (shown, shown & closed) == (opened, set())
    added = addition(operation, lines()).all("details")
    assert all("open" in g.attributes for g in added), "whoever asks for lines wants to see them"


def test_long_groups_come_in_lists_of_a_hundred(operation: Scripted) -> None:
    chunks = region(operation, RUNNING, lines(["Load"] * 250)).all("ol")
    assert [len(chunk.all("li")) for chunk in chunks] == [100, 100, 50]
    assert ["data-full" in chunk.attributes for chunk in chunks] == [True, True, False]


def test_numbers_that_are_missing_are_told(operation: Scripted) -> None:
    shown = [line(3), line(4), line(40), line(42), line(2_000)]
    assert gaps(region(operation, RUNNING, shown, 3)) == [
        "… 35 lines are not kept",
        "… 1 line is not kept",
        "… 1,957 lines are not kept",
    ]
    assert gaps(addition(operation, shown[:2], after=1)) == ["… 1 line is not kept"]
    assert gaps(addition(operation, shown[:2], after=2, until=5)) == []
    before = addition(operation, shown[:2], until=10)
    assert gaps(before) == ["… 5 lines are not kept"]
    assert before.all("li")[-1].text == "… 5 lines are not kept"


def test_lines_that_came_too_fast_are_told_apart_from_lost_ones(operation: Scripted) -> None:
    added = addition(operation, [line(10_001)], skipped=9_000)
    (gap,) = added.all("li", class_="liveop-log-gap")
    assert gap.text == "… 9,000 lines came too fast to be shown"
    assert "data-liveop-gap" in gap.attributes, "the page offers to fetch them"


def test_numbers_are_written_as_the_language_does(operation: Scripted) -> None:
    with translation.override("de"):
        log = region(operation, RUNNING, [line(12_346)])
    assert "12.345" in log.one("p", class_="liveop-log-edge").text
    assert log.one("div", class_="liveop-log-lines").attributes["data-first"] == "1"
    assert log.one("a").attributes["href"] == "#L12346"


def test_a_beginning_that_is_not_kept_is_told_and_a_new_start_is_none(
    operation: Scripted, settings: Any
) -> None:
    settings.LIVEOPS = {**settings.LIVEOPS, "LOG_LINES": 5}

    def edge(numbers: range) -> list[str]:
        log = region(operation, RUNNING, [line(n) for n in numbers], numbers[0])
        return [p.text for p in log.all("p", class_="liveop-log-edge")]

    assert edge(range(31, 36)) == ["Earlier lines are not kept"]
    assert edge(range(31, 35)) == [], "started again: the first number need not be 1"
    assert edge(range(1, 6)) == []


def test_an_empty_log_says_so(operation: Scripted) -> None:
    log = region(operation, RUNNING, [], 0)
    assert groups(log) == []
    assert log.one("div", class_="liveop-log-lines").attributes["data-text-empty"]
    assert log.all("p") == []


@pytest.mark.parametrize(
    ("level", "mark"),
    [("error", "Error"), ("warning", "Warning"), ("success", "✓"), ("debug", "Debug")],
)
def test_a_level_is_marked_in_words_too(operation: Scripted, level: str, mark: str) -> None:
    (item,) = region(operation, RUNNING, [line(1, "text", level=level)]).all("li")
    assert item.attributes["data-level"] == level
    assert item.one("span", class_="liveop-text").text == f"{mark} text"


def test_a_line_has_a_link_and_its_moment(operation: Scripted) -> None:
    moment = datetime(2026, 11, 22, 10, 31, 5, 123_987, tzinfo=UTC)
    with timezone.override("Europe/Berlin"):
        (item,) = region(operation, RUNNING, [line(12, time=moment)]).all("li")
    link, time = item.one("a"), item.one("time")
    assert (link.text, link.attributes) == ("12", {"href": "#L12", "tabindex": "-1"})
    assert time.text == "11:31:05"
    assert time.attributes == {
        "datetime": "2026-11-22T10:31:05.123Z",
        "title": "2026-11-22 11:31:05.123 CET",
    }


def test_a_stage_with_an_odd_name_is_still_that_stage(
    operation: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "stages", ["A\x1b<b>", "Save"])
    view = View(state="FINISHED_ERROR", stage_states={"A\x1b<b>": "failed"})
    shown = [line(1, stage="A\u241b<b>"), line(2, stage="Save")]
    odd, save = region(operation, view, shown).all("details")
    assert (odd.attributes["data-index"], "open" in odd.attributes) == ("0", True)
    assert odd.one(class_="liveop-icon").attributes["data-state"] == "failed"
    assert "open" not in save.attributes
