"""The stepper: states, headings and attempts, in words, well-formed, escaped, and kept."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.template import Context, Template
from django.utils.translation import gettext_lazy

from liveops import registry, rendering, snapshot
from liveops.progress import Progress
from liveops.progress.update import Region, Update
from liveops.progress.view import View
from liveops.stages import RetryStage
from tests.integration.helpers import run_scripted
from tests.integration.markup import HOSTILE, Element, fragments, parse
from tests.testapp.models import Flaky, Scripted


def steps(view: View, **operation: Any) -> list[Element]:
    """Return the steps that are shown of something with such ``stages`` and other attributes."""
    shown: Any = SimpleNamespace(**{"stages": ["Load"], "finished_on": None, **operation})
    html = rendering.region_html(Region.STAGES, shown, view)
    return parse(html).one("ol", class_="liveop-steps").all("li")


def step(state: str, attempts: Any, **operation: Any) -> Element:
    """Return the one step of an operation that has one, in a state and with such attempts."""
    states = {"Load": state} if state != "pending" else {}
    view = View(state="STARTED", stage_states=states, stage_attempts=attempts)
    return steps(view, **operation)[0]


def words(shown: Element) -> str:
    return shown.one(class_="liveop-step-state liveop-note").text.strip()


def headings(found: list[Element]) -> list[str]:
    """Return the heading of each step, nothing where none is shown."""
    inside = [shown.all(class_="liveop-step-heading liveop-note") for shown in found]
    return ["".join(heading.text for heading in each) for each in inside]


@pytest.mark.parametrize(
    ("state", "attempt", "expected"),
    [
        ("pending", None, "pending"),
        ("active", None, "running"),
        ("active", [2, 4], "running, attempt 2 of 4"),
        ("retrying", [1, 4], "retrying, attempt 1 of 4 failed"),
        ("retrying", None, "retrying"),
        ("done", None, "done"),
        ("done", [3, 4], "done, attempt 3 of 4"),
        ("failed", None, "failed"),
        ("failed", [4, 4], "failed, attempt 4 of 4"),
        ("cancelled", None, "cancelled"),
        ("cancelled", [2, 4], "cancelled, attempt 2 of 4"),
        ("interrupted", None, "interrupted"),
        ("interrupted", [2, 4], "interrupted, attempt 2 of 4"),
        ("skipped", None, "skipped"),
    ],
)
def test_each_state_in_words(state: str, attempt: list[int] | None, expected: str) -> None:
    shown = step(state, {"Load": attempt} if attempt else {})
    assert words(shown) == expected
    assert shown.attributes["data-state"] == state
    assert shown.attributes.get("data-attempt") == (str(attempt[0]) if attempt else None)
    current = "step" if state in ("active", "retrying") else None
    assert shown.attributes.get("aria-current") == current
    icon = shown.one("span", class_="liveop-icon")
    assert icon.attributes["data-state"] == state, "its shape tells the state too"
    assert icon.attributes["aria-hidden"] == "true"
    assert icon.text == ""


@pytest.mark.parametrize("state", ["pending", "skipped"])
def test_a_stage_that_did_not_run_tells_of_no_attempt(state: str) -> None:
    """It was skipped at its second attempt, or the operation was started again."""
    shown = step(state, {"Load": [2, 4]})
    assert words(shown) == state
    assert "data-attempt" not in shown.attributes


@pytest.mark.parametrize(
    "attempts",
    [
        None,
        "Load",
        ["Load"],
        7,
        {"Load": None},
        {"Load": 2},
        {"Load": "24"},
        {"Load": ["2", "4"]},
        {"Load": [HOSTILE, HOSTILE]},
        {"Load": [2]},
        {"Load": [2, 4, 6]},
        {"Load": [0, 4]},
        {"Load": [-2, 4]},
        {"Load": [5, 4]},
        {"Load": [2.5, 4]},
        {"Load": [2, None]},
        {"Load": [1, 10**5000]},
        {"Load": {"number": 2, "most": 4}},
        {"Another": [2, 4], 3: [2, 4], None: [1, 2]},
    ],
    ids=range(19),
)
def test_attempts_that_make_no_sense_are_not_shown(attempts: Any) -> None:
    shown = step("active", attempts)
    assert words(shown) == "running"
    assert "data-attempt" not in shown.attributes


def test_numbers_are_written_as_the_reader_writes_them(settings: Any) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    shown = step("active", {"Load": [1200, 25_000]})
    assert words(shown) == "running, attempt 1,200 of 25,000"
    assert shown.attributes["data-attempt"] == "1200", "for scripts and style sheets"


def test_a_heading_is_shown_where_it_says_more_than_the_name() -> None:
    stages = ["build", "Ship it", "check", "rest", "plain"]
    given = {
        "build": "Building the image",
        "Ship it": " ship IT ",
        "check": "",
        "rest": gettext_lazy("Resting"),
        "elsewhere": "Not a stage of this list",
    }
    found = steps(View(), stages=stages, stage_headings=given)
    assert headings(found) == ["Building the image", "", "", "Resting", ""]


@pytest.mark.parametrize("given", [None, "a text", ["a list"], 3, {}, {"Load": None}])
def test_an_operation_may_have_something_else_of_this_name(given: Any) -> None:
    assert headings(steps(View(), stage_headings=given)) == [""]


def test_an_operation_need_not_know_of_headings() -> None:
    assert headings(steps(View())) == [""]


def test_hostile_names_and_headings_are_text() -> None:
    view = View(
        state="STARTED",
        stage_states={HOSTILE: "retrying", "Save": HOSTILE},
        stage_attempts={HOSTILE: [1, 4]},
    )
    heading = f"And again: {HOSTILE}"
    first, second = steps(view, stages=[HOSTILE, "Save"], stage_headings={HOSTILE: heading})
    assert first.one("a", class_="liveop-step-name").text == HOSTILE
    assert first.attributes["data-stage"] == HOSTILE
    assert headings([first]) == [heading]
    assert words(first) == "retrying, attempt 1 of 4 failed"
    assert second.attributes["data-state"] == HOSTILE
    assert words(second) == "", "a state that there is not has no word"
    tags = {element.tag for shown in (first, second) for element in shown.walk()}
    assert tags == {"a", "bdi", "div", "span"}


@pytest.mark.django_db
def test_a_frame_and_the_container_show_the_headings_of_stage_methods() -> None:
    operation = Flaky.objects.create()
    expected = [operation.stage_headings[name] for name in ("Build", "Migrate", "Notify")]
    view = View(state="STARTED", stage_states={"Notify": "skipped"})
    update = Update(operation=operation, seq=1, view=view, regions=frozenset({Region.STAGES}))
    frame = fragments(rendering.fragments(update), operation.pk)["op-stages"]
    assert headings(frame.all("li")) == [*expected, ""], "the last one only repeats the name"
    assert [words(shown) for shown in frame.all("li")].count("skipped") == 1
    template = Template("{% load liveops %}{% live_operation op %}")
    page = parse(template.render(Context({"op": operation})))
    assert headings(page.one("div", id="op-stages").all("li")) == [*expected, ""]


class _Opener:
    """A sink that opens the page anew with each frame that shows the stages."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        self.opened: list[tuple[str, str]] = []
        self._patch = patch

    def emit(self, update: Update) -> None:
        """Note what the frame shows, and what one who comes now is shown."""
        if Region.STAGES not in update.regions:
            return
        shown = rendering.region_html(Region.STAGES, update.operation, update.view)
        self.seen.append(shown)
        self.opened.append((shown, self._snapshot(update)))
        with self._patch.context() as patch:
            patch.setattr(registry, "find", lambda pk: None)  # as in any other process
            self.opened.append((shown, self._snapshot(update)))

    def close(self) -> None:
        """Do nothing."""

    def _snapshot(self, update: Update) -> str:
        found = snapshot.find(update.operation.pk)
        assert found is not None
        taken = snapshot.take(found)
        return rendering.region_html(Region.STAGES, taken.operation, taken.view)


@pytest.mark.django_db(transaction=True)
def test_who_comes_in_mid_retry_sees_what_the_others_see(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(op: Scripted, p: Progress) -> None:
        for attempt in p.attempts("Load", retry_attempts=3):
            with attempt:
                if attempt.number < 3:
                    raise RetryStage("not yet")

    opener = _Opener(monkeypatch)
    operation, _ = run_scripted(body, sinks=[opener])
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert len(opener.opened) == 2 * len(opener.seen)
    for shown, opened in opener.opened:
        assert opened == shown
    walk = [words(parse(html).all("li")[0]) for html in opener.seen]
    assert list(dict.fromkeys(walk)) == [
        "pending",
        "running",
        "retrying, attempt 1 of 4 failed",
        "running, attempt 2 of 4",
        "retrying, attempt 2 of 4 failed",
        "running, attempt 3 of 4",
        "done, attempt 3 of 4",
    ]
