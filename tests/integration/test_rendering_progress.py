"""The progress region: one bar for the whole, one below it for the stage, and what they tell."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation

from liveops import rendering
from liveops.progress.update import Region
from liveops.progress.view import View
from tests.integration.markup import HOSTILE, Element, parse
from tests.testapp.models import Scripted, Typed

pytestmark = pytest.mark.django_db

MARCH = datetime(2026, 3, 5, 7, 8, 9, tzinfo=UTC)
T0 = MARCH.timestamp()


def begun(model: type[Any] = Scripted, seconds: float | None = None, **fields: Any) -> Any:
    """Return an operation that began in March, and ended so many seconds later if they are given.

    Scripted has three stages, Typed has none.
    """
    ended = MARCH + timedelta(seconds=seconds) if seconds is not None else None
    return model.objects.create(started_on=MARCH, finished_on=ended, **fields)


def loading(**values: Any) -> View:
    """Return a run that is in the first of its three stages since ten seconds."""
    defaults: dict[str, Any] = {
        "state": "STARTED",
        "percent": 0.0,
        "current_stage": 0,
        "stage_states": {"Load": "active"},
        "stage_times": {"Load": [T0 + 5, None]},
        "taken_at": T0 + 15,
    }
    return View(**{**defaults, **values})


def parts(view: View, operation: Any = None, **more: Any) -> list[Element]:
    html = rendering.region_html(Region.PROGRESS, operation or begun(), view, **more)
    return parse(html).elements


def words(part: Element) -> list[str]:
    """Return label, facts and percentage of a part."""
    label = part.one(class_="liveop-progress-label").text
    percent = part.one(class_="liveop-percent").text
    return [label, *(fact.text for fact in part.all("li")), percent]


def value(part: Element) -> str | None:
    return part.one("progress").attributes.get("value")


@pytest.mark.parametrize(
    ("view", "shown", "expected"),
    [
        (View(), "0.00", ["", ""]),
        (View(state="STARTED", taken_at=T0 + 70), None, ["", "1:10 elapsed", ""]),
        (
            View(state="STARTED", percent=0.0, taken_at=T0),
            "0.00",
            ["", "0:00 elapsed", "0 %"],
        ),
        (
            View(state="STARTED", percent=25.0, taken_at=T0 + 20),
            "25.00",
            ["", "0:20 elapsed", "1:00 left", "25 %"],
        ),
        (
            View(
                state="STARTED",
                percent=40,
                done=11_200,
                total=28_000,
                unit="row",
                label="Reading",
                rate=5_600,
                taken_at=T0 + 2,
            ),
            "40.00",
            [
                "Reading",
                "11,200 / 28,000 rows",
                "5,600 rows/s",
                "0:02 elapsed",
                "0:03 left",
                "40 %",
            ],
        ),
        (
            View(state="STARTED", done=1, unit="row", rate=0.5, taken_at=T0 + 2),
            None,
            ["", "1 row", "2.0 s/row", "0:02 elapsed", ""],
        ),
        (
            View(state="STARTED", percent=0, done=0, total=9, taken_at=T0),
            "0.00",
            ["", "0 / 9 items", "0:00 elapsed", "0 %"],
        ),
        (
            View(state="STARTED", percent=100.0, done=9, total=9, taken_at=T0 + 3),
            "100.00",
            ["", "9 / 9 items", "0:03 elapsed", "100 %"],
        ),
        (
            View(state="STARTED", expected={"": 100.0}, taken_at=T0 + 20),
            "20.00",
            ["", "0:20 elapsed", "1:20 left", "20 %"],
        ),
        (
            View(state="STARTED", percent=50.0, cancel_requested=True, taken_at=T0 + 20),
            "50.00",
            ["", "0:20 elapsed", "50 %"],
        ),
    ],
    ids=range(10),
)
def test_without_stages_there_is_one_bar(
    view: View, shown: str | None, expected: list[str]
) -> None:
    (part,) = parts(view, begun(Typed))
    assert value(part) == shown, "without a value the bar is indeterminate"
    bar = part.one("progress")
    assert (bar.attributes["max"], bar.attributes["data-state"]) == ("100", view.state)
    assert bar.attributes["aria-label"]
    assert words(part) == expected


def test_the_whole_stands_above_the_stage() -> None:
    view = loading(
        percent=40.0, done=4, total=10, rate=2.0, label="Reading", expected={"Load": 20.0}
    )
    whole, stage = parts(view)
    assert words(whole) == ["Overall", "0:15 elapsed", "13 %"]
    assert words(stage) == ["Reading", "4 / 10 items", "2.0 items/s", "0:03 left", "40 %"]
    assert (value(whole), value(stage)) == ("13.33", "40.00")
    labels = [part.one("progress").attributes["aria-label"] for part in (whole, stage)]
    assert labels == ["Overall", "Reading"]


def test_the_end_of_the_whole_is_told_once_all_of_it_is_known() -> None:
    expected = {"Load": 20.0, "Validate": 60.0, "Save": 20.0}
    whole, stage = parts(loading(expected=expected))
    assert words(whole) == ["Overall", "0:15 elapsed", "1:30 left", "10 %"]
    assert words(stage) == ["Load", "0:10", ""]
    only = begun(stages_to_run=["Load", "Save"])
    assert words(parts(loading(expected=expected), only)[0])[2] == "0:30 left"


def test_a_stage_with_nothing_to_show_has_a_clock_and_no_bar() -> None:
    whole, stage = parts(loading())
    assert whole.all("progress")
    assert stage.all("progress") == []
    assert words(stage) == ["Load", "0:10", ""]
    clock = stage.one("time")
    assert clock.attributes["data-liveop-since"] == f"{T0 + 5:.3f}"


@pytest.mark.parametrize(
    ("values", "shown", "expected"),
    [
        ({"percent": None}, None, ["Load", ""]),
        ({"percent": None, "done": 3}, None, ["Load", "3 items", ""]),
        ({"percent": 25.0}, "25.00", ["Load", "0:30 left", "25 %"]),
        ({"done": 0, "total": 3}, "0.00", ["Load", "0 / 3 items", "0 %"]),
    ],
    ids=range(4),
)
def test_a_stage_that_reports_something_has_a_bar(
    values: dict[str, Any], shown: str | None, expected: list[str]
) -> None:
    stage = parts(loading(**values))[1]
    assert value(stage) == shown
    assert words(stage) == expected


def test_while_it_waits_to_be_tried_again_a_stage_has_only_its_clock() -> None:
    states = {"Load": "retrying"}
    view = loading(stage_states=states, percent=60.0, done=6, total=10, label="Reading")
    assert words(parts(view)[1]) == ["Load", "0:10", ""]


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ({"percent": 100.0, "done": 9, "total": 9, "label": "Reading"}, 1),
        ({"percent": 0.0}, 1),
        ({"percent": 30.0, "done": 3, "total": 9}, 2),
        ({"percent": None, "done": 3}, 1),
        ({"percent": None, "done": 3, "current_stage": -1, "stage_states": {}}, 2),
        ({"percent": None, "current_stage": -1, "stage_states": {}}, 1),
    ],
    ids=range(6),
)
def test_between_stages_only_what_is_under_way_is_shown(values: dict[str, Any], count: int) -> None:
    view = loading(**{"stage_states": {"Load": "done"}, **values})
    assert len(parts(view)) == count


@pytest.mark.parametrize(
    ("state", "values", "shown"),
    [
        ("FINISHED_OK", {}, "100.00"),
        ("FINISHED_ERROR", {"percent": 60.0}, "20.00"),
        ("FINISHED_ERROR", {"percent": 60.0, "reached": 25.5}, "25.50"),
        ("CANCELLED", {"percent": 0.0}, "0.00"),
        ("INTERRUPTED", {"percent": 30.0}, "10.00"),
    ],
    ids=range(5),
)
def test_at_the_end_one_bar_stands_where_it_stood(
    state: str, values: dict[str, Any], shown: str
) -> None:
    states = {"Load": "failed"}
    view = loading(state=state, stage_states=states, label="Reading", done=3, total=5, **values)
    (part,) = parts(view, begun(seconds=221))
    assert value(part) == shown
    assert words(part)[0] == "Took 3:41", "and not what was tracked last"
    assert part.all("li") == []
    assert part.all("time") == []


@pytest.mark.parametrize(
    ("seconds", "took"),
    [(0, "< 0.1 s"), (0.4, "0.4 s"), (3.44, "3.4 s"), (9.96, "0:10"), (3725, "1:02:05")],
)
def test_the_time_it_took_is_told_as_exactly_as_it_matters(seconds: float, took: str) -> None:
    (part,) = parts(View(state="FINISHED_OK"), begun(Typed, seconds=seconds))
    assert words(part)[0] == f"Took {took}"


@pytest.mark.parametrize(("ended", "is_told"), [(MARCH.timestamp() + 9.0, True), (None, False)])
def test_of_a_run_that_was_found_dead_nobody_knows_how_long_it_took(
    ended: float | None, *, is_told: bool
) -> None:
    times = {"Load": (MARCH.timestamp(), ended)}
    states = {"Load": "interrupted"}
    view = View(state="INTERRUPTED", stage_states=states, stage_times=times)
    (part,) = parts(view, begun(seconds=183))
    assert ("Took" in part.text) == is_told


def test_nothing_is_told_of_a_run_that_never_was() -> None:
    assert parts(View(state="CANCELLED"), Typed.objects.create(finished_on=MARCH)) == []
    failed = begun(Typed, seconds=3.0)
    (part,) = parts(View(state="FINISHED_ERROR"), failed)
    assert part.all("progress") == [], "it never said how far it was"
    assert words(part)[0] == "Took 3.0 s"


def test_clocks_carry_their_moments_and_one_view_is_always_the_same_html() -> None:
    operation = begun()
    view = loading(percent=25.0, expected={"Load": 40.0, "Validate": 60.0, "Save": 20.0})
    html = rendering.region_html(Region.PROGRESS, operation, view)
    assert rendering.region_html(Region.PROGRESS, operation, view) == html
    clocks = parse(html).all(class_="liveop-clock")
    moments = [
        (clock.tag, clock.attributes.get("data-liveop-since"), clock.text) for clock in clocks
    ]
    assert moments[0] == ("time", f"{T0:.3f}", "0:15")
    ends = [clock.attributes["data-liveop-until"] for clock in clocks[1:]]
    assert ends == [f"{T0 + 15 + 30 + 80:.3f}", f"{T0 + 15 + 30:.3f}"]
    assert [clock.text for clock in clocks[1:]] == ["1:50", "0:30"]


@pytest.mark.parametrize(
    ("later", "texts"), [(0, ["0:15", "0:30"]), (20, ["0:35", "0:10"]), (900, ["15:15", "–"])]
)
def test_a_page_that_is_opened_later_shows_the_clocks_of_that_moment(
    later: float, texts: list[str]
) -> None:
    view = View(state="STARTED", percent=100 / 3, taken_at=T0 + 15)
    (part,) = parts(view, begun(Typed), now=T0 + 15 + later)
    clocks = part.all(class_="liveop-clock")
    assert [clock.text for clock in clocks] == texts
    assert clocks[0].attributes["data-liveop-since"] == f"{T0:.3f}"
    assert clocks[1].attributes["data-liveop-until"] == f"{T0 + 45:.3f}"


def test_numbers_for_machines_are_the_same_in_every_language(settings: Any) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    with translation.override("de"):
        whole, stage = parts(loading(percent=33.333))
    assert (value(whole), value(stage)) == ("11.11", "33.33")
    assert whole.one("time").attributes["data-liveop-since"] == f"{T0:.3f}"


def test_hostile_labels_are_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scripted, "stages", [HOSTILE])
    view = loading(stage_states={HOSTILE: "active"}, stage_times={HOSTILE: [T0, None]})
    assert words(parts(view)[1])[0] == HOSTILE
    view = loading(stage_states={HOSTILE: "active"}, done=3, label=HOSTILE, unit=HOSTILE)
    shown = parts(view)[1]
    assert words(shown)[0] == shown.one("progress").attributes["aria-label"] == HOSTILE
    assert HOSTILE in words(shown)[1]
