"""The result and the controls: own templates, what goes wrong in them, and who is offered what."""

import logging
from typing import Any

import pytest
from django.template import TemplateSyntaxError

from liveops import rendering
from liveops.progress.text import clean
from liveops.progress.update import Finished, Region
from liveops.progress.view import View
from liveops.states import FINAL_STATES, State
from tests.integration.conftest import Templates
from tests.integration.markup import HOSTILE, parse
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db


def region(name: Region, view: View, operation: Scripted, **more: Any) -> Any:
    return parse(rendering.region_html(name, operation, view, **more))


@pytest.mark.parametrize("state", FINAL_STATES)
def test_the_end_says_what_happened_but_never_the_traceback(state: State) -> None:
    operation = Scripted.objects.create(
        traceback="secret", result_context={"count": 3} if state == State.FINISHED_OK else None
    )
    result = region(Region.RESULT, View(state=state, error_text=""), operation)
    assert "secret" not in result.text
    assert result.text.strip()
    assert ("count" in result.text) == (state == State.FINISHED_OK)
    assert (str(operation.pk) in result.text) == (state == State.FINISHED_ERROR)


def test_what_the_operation_has_not_promised_is_not_shown_as_its_result() -> None:
    operation = Scripted.objects.create(result_context={"half": 1})
    assert "half" not in region(Region.RESULT, View(state="FINISHED_ERROR"), operation).text
    assert "half" not in region(Region.RESULT, View(state="STARTED"), operation).text


def result_of(operation: Scripted, **context: Any) -> Any:
    finished = Finished("FINISHED_OK", None, context, "", "")
    return region(Region.RESULT, View(state="FINISHED_OK"), operation, finished=finished)


def test_without_a_template_of_its_own_the_values_are_shown_and_nothing_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    result = result_of(Scripted.objects.create(), count=28_000, name="x")
    assert [e.text for e in result.all("dt")] == ["count", "name"]
    assert caplog.records == [], "it is no mistake to have none"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("{% extends 'missing.html' %}", "missing.html"),
        ("{% include 'missing.html' %}", "missing.html"),
        ("{{ op.explode }}", "ZeroDivisionError"),
    ],
)
def test_a_template_that_fails_is_logged_and_the_values_are_shown(
    source: str,
    error: str,
    templates: Templates,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Scripted, "explode", lambda op: 1 / 0, raising=False)
    templates({"testapp/scripted_result.html": source})
    assert [e.text for e in result_of(Scripted.objects.create(), count=3).all("dd")] == ["3"]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "testapp/scripted_result.html" in record.getMessage()
    assert error in caplog.text


def test_a_template_with_a_mistake_in_it_is_logged_and_the_values_are_shown(
    templates: Templates, caplog: pytest.LogCaptureFixture
) -> None:
    templates({"testapp/scripted_result.html": "{% nonsense %}"})
    assert [e.text for e in result_of(Scripted.objects.create(), count=3).all("dd")] == ["3"]
    assert TemplateSyntaxError.__name__ in caplog.text


def test_a_named_template_that_does_not_exist_is_a_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "result_template_name", "shop/gone.html")
    assert [e.text for e in result_of(Scripted.objects.create(), count=3).all("dd")] == ["3"]
    (record,) = caplog.records
    assert (record.levelno, "shop/gone.html" in record.getMessage()) == (logging.WARNING, True)


def test_the_own_template_gets_the_result_and_the_operation(templates: Templates) -> None:
    templates({"testapp/scripted_result.html": "<p>{{ count }} {{ op.note }} {{ object.pk }}</p>"})
    operation = Scripted.objects.create(note="hi")
    result = result_of(operation, count=3)
    assert result.one("p").text == f"3 hi {operation.pk}"
    assert result.all("dl") == []


def test_hostile_results_are_text(templates: Templates) -> None:
    operation = Scripted.objects.create(note=HOSTILE)
    result = result_of(operation, **{HOSTILE: HOSTILE, "list": [HOSTILE]})
    assert [entry.text for entry in result.all("dt")] == [clean(HOSTILE), "list"]
    assert [entry.text for entry in result.all("dd")] == [clean(HOSTILE)] * 2
    templates({"testapp/scripted_result.html": "<p>{{ op.note }}|{{ answer }}</p>"})
    assert result_of(operation, answer=HOSTILE).one("p").text == f"{HOSTILE}|{HOSTILE}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (["rye", "oat", 3], "rye, oat, 3"),
        ([], "[]"),
        ([["rye", 1], ["oat", None]], '[["rye", 1], ["oat", null]]'),
        ({"größe": True}, '{"größe": true}'),
        (True, "True"),
    ],
)
def test_values_without_a_template_are_for_people(value: Any, shown: str) -> None:
    result = result_of(Scripted.objects.create(), value=value)
    assert [entry.text for entry in result.all("dd")] == [shown]


@pytest.mark.parametrize(
    ("text", "is_link"),
    [
        ("https://example.com/prices?a=1&b=2", True),
        ("http://127.0.0.1:8000/", True),
        ("see https://example.com/", False),
        ("https://example.com/ <b>", False),
        ("javascript:alert(1)//https://example.com/", False),
        ('https://example.com/"onclick="alert(1)', False),
        ("https://example.com/\u202e", False),
    ],
)
def test_an_address_without_a_template_is_a_link(text: str, *, is_link: bool) -> None:
    entry = result_of(Scripted.objects.create(), address=text).one("dd")
    links = entry.all("a")
    assert entry.text == clean(text)
    assert [link.attributes for link in links] == (
        [{"href": text, "rel": "noopener noreferrer"}] if is_link else []
    )


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("can_debug", [True, False])
@pytest.mark.parametrize("can_control", [True, False])
def test_the_controls_offer_what_the_state_and_the_watcher_allow(
    state: State, can_control: bool, can_debug: bool
) -> None:
    operation = Scripted.objects.create()
    html = rendering.controls_html(
        operation.pk,
        state,
        can_control=can_control,
        can_debug=can_debug,
        cancel_requested=False,
        csrf_token="token",
    )
    controls = parse(html)
    forms = [form.attributes["action"].rsplit("/", 2)[-2] for form in controls.all("form")]
    assert forms == ([] if not can_control else ["restart" if state.is_final else "cancel"])
    for form in controls.all("form"):
        assert form.attributes["method"] == "post"
        assert form.attributes["hx-post"] == form.attributes["action"]
        assert form.one("input").attributes["value"] == "token"
    links = [link.attributes["href"] for link in controls.all("a")]
    debuggable = can_debug and state == State.FINISHED_ERROR
    assert links == ([f"/live/{operation.pk}/traceback/"] if debuggable else [])


def test_a_cancel_that_was_asked_for_cannot_be_asked_for_again() -> None:
    html = rendering.controls_html(
        Scripted.objects.create().pk,
        State.STARTED,
        can_control=True,
        can_debug=False,
        cancel_requested=True,
    )
    assert parse(html).all("form") == []
    assert "disabled" in parse(html).one("button").attributes
