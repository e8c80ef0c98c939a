"""How long each stage took, takes and will take in the stepper; and what the status says of it."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from liveops import rendering
from liveops.progress.update import Region
from liveops.progress.view import View
from tests.integration.markup import HOSTILE, Element, parse

MARCH = datetime(2026, 3, 5, 7, 8, 9, tzinfo=UTC)
T0 = MARCH.timestamp()
PK = uuid.UUID("5e9f1f34-7d0f-4b6e-9a57-0d1f6a3c2b1a")


def shown(region: Region, view: View, *, now: float | None = None, **values: Any) -> Element:
    defaults = {"pk": PK, "stages": ["Load", "Save"], "finished_on": None}
    operation: Any = SimpleNamespace(**{**defaults, **values})
    return parse(rendering.region_html(region, operation, view, now=now))


def step(view: View, **values: Any) -> Element:
    """Return the first step."""
    return shown(Region.STAGES, view, **values).all("li")[0]


def loading(state: str, began: float | None, ended: float | None, **values: Any) -> View:
    """Return what is shown of a run with its first stage in a state, 70 seconds after it began."""
    defaults: dict[str, Any] = {
        "state": "STARTED",
        "stage_states": {"Load": state},
        "stage_times": {"Load": [began, ended]},
        "taken_at": T0 + 70,
    }
    return View(**{**defaults, **values})


def time_of(found: Element) -> str | None:
    """Return the time that a step shows, None if there is none."""
    times = found.all(class_="liveop-step-time liveop-note")
    return times[0].text if times else None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "< 0.1 s"),
        (0.04, "< 0.1 s"),
        (0.4, "0.4 s"),
        (0.96, "1.0 s"),
        (3.44, "3.4 s"),
        (9.94, "9.9 s"),
        (9.96, "0:10"),
        (12.3, "0:12"),
        (3725.0, "1:02:05"),
        (-5.0, "< 0.1 s"),
        (1e9, None),
    ],
)
@pytest.mark.parametrize("state", ["done", "failed", "cancelled", "interrupted"])
def test_a_stage_that_ended_shows_how_long_it_took(
    state: str, seconds: float, text: str | None
) -> None:
    found = step(loading(state, T0, T0 + seconds))
    assert time_of(found) == text
    assert found.all("time") == []


@pytest.mark.parametrize("state", ["active", "retrying"])
def test_a_stage_that_runs_shows_a_clock(state: str) -> None:
    view = loading(state, T0 + 5, None, expected={"Load": 30.0})
    found = step(view)
    assert time_of(found) == "1:05"
    clock = found.one("time", class_="liveop-clock")
    assert clock.attributes["data-liveop-since"] == f"{T0 + 5:.3f}"
    assert time_of(step(view, now=T0 + 125)) == "2:00", "on a page that is opened now"
    assert time_of(step(loading(state, T0 + 90, None))) == "0:00", "clocks may disagree"


@pytest.mark.parametrize(
    ("state", "text"), [("failed", "0:20"), ("cancelled", "0:20"), ("interrupted", None)]
)
def test_a_stage_that_went_down_with_its_run_ended_with_it_if_anybody_knows_when(
    state: str, text: str | None
) -> None:
    view = replace(loading(state, T0, None), state="FINISHED_ERROR")
    assert time_of(step(view, finished_on=MARCH + timedelta(seconds=20))) == text


@pytest.mark.parametrize(
    "view",
    [
        loading("skipped", T0, T0 + 1),
        loading("done", None, None),
        loading("done", None, T0 + 1),
        View(state="STARTED", stage_states={"Load": "done"}),
        View(state="STARTED", stage_times={"Load": [T0, None]}),
    ],
    ids=range(5),
)
def test_without_times_there_is_none_to_show(view: View) -> None:
    assert time_of(step(view)) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "~1 s"), (3.6, "~4 s"), (9.6, "~0:10"), (40.0, "~0:40"), (float("nan"), None)],
)
def test_a_pending_stage_shows_how_long_it_usually_takes(seconds: float, text: str | None) -> None:
    view = View(state="STARTED", expected={"Load": seconds, "Save": 7.0})
    found = step(view)
    assert time_of(found) == text
    if text is not None:
        titles = [
            e.attributes.get("title") for e in found.all(class_="liveop-step-time liveop-note")
        ]
        assert titles == ["About as long as it usually takes"]
    assert time_of(step(View(state="CANCELLED", expected={"Load": 7.0}))) is None
    assert time_of(step(loading("done", None, None, expected={"Load": 7.0}))) is None


def test_a_name_leads_to_the_part_of_the_log_once_the_stage_has_begun() -> None:
    view = loading("done", T0, T0 + 1)
    first, second = shown(Region.STAGES, view).all("li")
    link = first.one("a", class_="liveop-step-name")
    assert (link.text, link.attributes["href"]) == ("Load", f"#op-{PK}-s0")
    assert second.all("a") == []
    assert second.one(class_="liveop-step-name").text == "Save"
    assert [e.attributes["data-stage"] for e in (first, second)] == ["Load", "Save"]


def test_the_same_view_is_always_the_same_html(monkeypatch: pytest.MonkeyPatch) -> None:
    view = loading("active", T0, None, expected={"Save": 7.0})
    first = rendering.region_html(Region.STAGES, _plain(), view)
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr(timezone, "now", lambda: MARCH + timedelta(days=400))
    assert rendering.region_html(Region.STAGES, _plain(), view) == first


def _plain() -> Any:
    return SimpleNamespace(pk=PK, stages=["Load", "Save"], finished_on=None)


# The status.

HEADINGS = {"Load": "Loading the file", "Save": "Saving it"}


def status(view: View, **values: Any) -> tuple[str, str | None]:
    """Return the text beside the state, and its level."""
    found = shown(Region.STATUS, view, stage_headings=HEADINGS, **values)
    texts = found.all("span", class_="liveop-status-text")
    return (texts[0].text, texts[0].attributes["data-level"]) if texts else ("", None)


@pytest.mark.parametrize("level", ["info", "warning", "error", "success", "debug"])
@pytest.mark.parametrize("state", ["STARTED", "FINISHED_OK"])
def test_the_text_keeps_its_own_level_at_the_end(state: str, level: str) -> None:
    view = View(state=state, status_text="3 rows left out", status_level=level)
    assert status(view) == ("3 rows left out", level)


@pytest.mark.parametrize("state", ["FINISHED_ERROR", "CANCELLED", "INTERRUPTED", "NOT_STARTED"])
def test_what_went_on_before_it_stopped_is_not_told(state: str) -> None:
    assert status(View(state=state, status_text="Loading")) == ("", None)


@pytest.mark.parametrize("text", ["", "Loading the file"])
def test_while_it_waits_the_status_does_not_say_that_it_loads(text: str) -> None:
    view = View(state="STARTED", status_text=text, stage_states={"Load": "retrying"})
    assert status(view) == ("Waiting to try “Load” again", "warning")
    other = View(state="STARTED", status_text="My own words", stage_states={"Load": "retrying"})
    assert status(other) == ("My own words", "info")
    hostile = View(state="STARTED", stage_states={HOSTILE: "retrying"})
    assert "<script>" in status(hostile)[0], "as text"


def test_the_state_tells_its_times_to_the_second(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    times: dict[str, Any] = {
        "created_on": MARCH,
        "started_on": MARCH + timedelta(seconds=2),
        "finished_on": MARCH + timedelta(hours=1),
    }
    badge = shown(Region.STATUS, View(state="FINISHED_OK"), **times).one(class_="liveop-badge")
    assert badge.attributes["title"].split("\n") == [
        "Created 2026-03-05 08:08:09 CET",
        "Started 2026-03-05 08:08:11 CET",
        "Ended 2026-03-05 09:08:09 CET",
    ]
    waiting = shown(Region.STATUS, View(), created_on=MARCH).one(class_="liveop-badge")
    assert waiting.attributes["title"] == "Created 2026-03-05 08:08:09 CET"
    naive = shown(Region.STATUS, View(), created_on=MARCH.replace(tzinfo=None))
    assert "07:08:09" in naive.one(class_="liveop-badge").attributes["title"]
