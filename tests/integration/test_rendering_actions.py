"""What a page says of those who steered an operation, and which stage a resume goes on with."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import translation

from liveops import control, rendering, snapshot
from liveops.models import LiveOperation
from liveops.progress.text import clean
from liveops.progress.update import Region
from liveops.progress.view import ControlAction, View
from liveops.states import RESUMABLE_STATES, State
from tests.integration.edge import person
from tests.integration.markup import HOSTILE, Element, fragments, parse
from tests.integration.resuming import Voyage
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2026, 11, 22, 10, 31, tzinfo=UTC)
WHEN = "Nov. 22, 2026, 10:31 a.m."


def shown(region: Region, state: str, *actions: ControlAction, **values: Any) -> Element:
    """Return a region of an operation that was steered so."""
    view = View(state=state, actions=actions, **values)
    return parse(rendering.region_html(region, Scripted(), view))


def lines(result: Element) -> list[str]:
    """Return the list of those who steered the operation."""
    return [item.text for item in result.all("li")]


def test_without_records_there_is_no_list() -> None:
    result = shown(Region.RESULT, "STARTED")
    assert result.all("ul") == []
    assert "".join(result.text.split()) == ""


@pytest.mark.parametrize(
    ("action", "by", "text"),
    [
        ("resume", "demo", "Resumed by demo"),
        ("resume", "", "Resumed"),
        ("restart", "demo", "Started again by demo"),
        ("restart", "", "Started again"),
        ("go_on", "", "Went on by itself after an interruption"),
        ("cancel", "demo", "Asked to cancel by demo"),
        ("cancel", "", "Asked to cancel"),
    ],
)
def test_a_line_says_what_was_done_by_whom_and_when(action: str, by: str, text: str) -> None:
    result = shown(Region.RESULT, "STARTED", ControlAction(action, by, AT))
    assert lines(result) == [f"{text} · {WHEN}"]
    assert result.one("time").attributes["datetime"] == "2026-11-22T10:31:00+00:00"
    assert result.one("ul").attributes["aria-label"]


def test_the_outcome_says_who_cancelled_and_the_list_does_not_repeat_it() -> None:
    actions = [ControlAction(name, "demo", AT) for name in ("cancel", "resume", "cancel")]
    result = shown(Region.RESULT, "CANCELLED", *actions)
    told = [paragraph.text for paragraph in result.all("p")]
    assert told == [f"Cancelled by demo · {WHEN}", "The log tells how far it came."]
    assert lines(result) == [f"Cancelled by demo · {WHEN}", f"Resumed by demo · {WHEN}"]


def test_a_cancel_without_a_record_is_still_told() -> None:
    result = shown(Region.RESULT, "CANCELLED", ControlAction("resume", "demo", AT))
    assert "somebody asked it to" in result.one("p").text
    assert lines(result) == [f"Resumed by demo · {WHEN}"]


def test_a_cancel_that_came_too_late_is_not_called_one() -> None:
    result = shown(Region.RESULT, "FINISHED_OK", ControlAction("cancel", "demo", AT))
    assert lines(result) == [f"Asked to cancel by demo · {WHEN}"]


@pytest.mark.parametrize(
    ("by", "text"), [("demo", "Cancelling… (asked by demo)"), ("", "Cancelling…")]
)
def test_the_status_says_who_asked_until_it_has_stopped(by: str, text: str) -> None:
    action = ControlAction("cancel", by, AT)
    status = shown(Region.STATUS, "STARTED", action, cancel_requested=True)
    assert text in status.text
    earlier = ControlAction("resume", "somebody else", AT)
    status = shown(Region.STATUS, "STARTED", earlier, cancel_requested=True)
    assert "somebody else" not in status.text
    status = shown(Region.STATUS, "STARTED", action, status_text="At work")
    assert "At work" in status.text


@pytest.mark.parametrize("state", ["STARTED", "CANCELLED", "FINISHED_ERROR"])
@pytest.mark.parametrize("name", ["cancel", "resume", "restart"])
def test_hostile_names_are_text(name: str, state: str) -> None:
    action = ControlAction(name, HOSTILE, AT)
    for region in (Region.RESULT, Region.STATUS):
        html = shown(region, state, action, action, cancel_requested=True)
        assert html.all("script") == html.all("img") == []
        if region is Region.RESULT or (state, name) == ("STARTED", "cancel"):
            assert clean(HOSTILE) in html.text


def test_a_hostile_stage_is_text_in_the_title_of_the_button() -> None:
    html = rendering.controls_html(
        Scripted.objects.create().pk,
        State.FINISHED_ERROR,
        can_control=True,
        can_debug=False,
        cancel_requested=False,
        resumes_with=HOSTILE,
    )
    button = next(b for b in parse(html).all("button") if b.text == "Resume")
    assert button.attributes["title"] == f"Goes on with “{HOSTILE}”"
    assert parse(html).all("script") == []


def with_stage(states: dict[str, str], state: str = "FINISHED_ERROR", **fields: Any) -> str | None:
    """Return the stage that a voyage would be resumed with."""
    return rendering.resumes_with(Voyage(**fields), View(state=state, stage_states=states))


def test_a_resume_goes_on_with_the_first_stage_that_is_not_done() -> None:
    assert with_stage({}) == "Pack"
    assert with_stage({"Pack": "done", "Sail": "failed"}) == "Sail"
    assert with_stage({"Pack": "failed", "Sail": "done"}) == "Pack"
    assert with_stage(dict.fromkeys(Voyage.stages, "done")) == ""
    assert with_stage({}, stages_to_run=["Unpack"]) == "Unpack"
    for state in State:
        assert (with_stage({}, state) is not None) == (state in RESUMABLE_STATES)
    assert rendering.resumes_with(Scripted(), View(state="CANCELLED")) is None
    base = LiveOperation(operation_type="testapp.Voyage")
    assert rendering.resumes_with(base, View(state="CANCELLED")) == "Pack"
    gone = LiveOperation(operation_type="gone.Away")
    assert rendering.resumes_with(gone, View(state="CANCELLED")) is None


def test_with_every_stage_done_the_button_says_so() -> None:
    html = rendering.controls_html(
        Scripted.objects.create().pk,
        State.FINISHED_ERROR,
        can_control=True,
        can_debug=False,
        cancel_requested=False,
        resumes_with=with_stage(dict.fromkeys(Voyage.stages, "done")),
    )
    titles = [b.attributes["title"] for b in parse(html).all("button") if b.text == "Resume"]
    assert titles == ["All stages are done already"]


def test_the_words_are_in_the_language_of_the_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "liveops.rendering.controls._", lambda text: f"{translation.get_language()}: {text}"
    )
    operation = Scripted.objects.create(language="pl")
    control.cancel(operation, person("demo"))
    fresh = snapshot.find(operation.pk)
    assert fresh is not None
    with translation.override("pl"):
        html = snapshot.take(fresh).fragments()
    told = fragments(html, operation.pk)["op-result"].all("p")[0].text
    assert told.startswith("pl: Cancelled by demo")
