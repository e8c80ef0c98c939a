"""The same operation in a terminal, and as plain lines in a pipe."""

import datetime as dt
import io
import re
from typing import Any

import pytest
from hypothesis import given

from liveops.progress.text import clean
from liveops.progress.update import ALL_REGIONS, Finished, Region, StageChange, Update
from liveops.progress.view import Line, View
from liveops.sinks.text import TextSink
from tests.testapp.models import Scripted
from tests.unit.helpers import Clock, hostile_text, update

ESCAPE = "\x1b"
NOW = dt.datetime(2026, 5, 4, tzinfo=dt.UTC)
HOSTILE = "\x1b[31mred\x07 <b>&amp;[/b] [bold]x[/bold] :smile: \x9b2J"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


class Screen:
    """A text sink, its stream and its clock."""

    def __init__(self, stream: io.StringIO | None = None) -> None:
        self.stream = stream or io.StringIO()
        self.clock = Clock()
        self.sink = TextSink(self.stream, clock=self.clock)

    def show(self, *updates: Update) -> str:
        """Emit updates; return what was written for them."""
        before = len(self.stream.getvalue())
        for one in updates:
            self.sink.emit(one)
        return self.stream.getvalue()[before:]


def log(*texts: str, level: str = "info", skipped: int = 0) -> Update:
    lines = [Line(n, NOW, level, "", text) for n, text in enumerate(texts, start=1)]
    return update(lines=lines, skipped=skipped, regions=frozenset({Region.LOG}))


def status(text: str, level: str = "info", **more: Any) -> Update:
    view = View(state="STARTED", status_text=text, status_level=level)
    return update(view=view, regions=frozenset({Region.STATUS}), **more)


def progress(percent: float | None = None, **values: Any) -> Update:
    view = View(state="STARTED", percent=percent, **values)
    return update(view=view, regions=frozenset({Region.PROGRESS}))


def stage(name: str, index: int | None, state: str, seconds: float | None = None) -> Update:
    return update(stage=StageChange(name, index, state, seconds), regions={Region.STAGES})


def end(state: str, result: Any = None, error: str = "") -> Update:
    finished = Finished(state, None, result, error, "")
    return update(view=View(state=state), regions=ALL_REGIONS, finished=finished)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what this machine says of its terminal."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "160")


@pytest.mark.parametrize(
    ("name", "index", "header"),
    [
        ("Load", 0, "=== [1/3] Load ==="),
        ("Save", 2, "=== [3/3] Save ==="),
        ("Warm up", None, "=== Warm up ==="),
        ("[bold]x[/bold]", None, "=== [bold]x[/bold] ==="),
        ("a\x1b[2J\nb", None, "=== a␛[2J␊b ==="),
        ("x" * 300, None, f"=== {'x' * 300} ==="),
    ],
)
def test_a_stage_begins_with_its_header(name: str, index: int | None, header: str) -> None:
    assert Scripted.stages == ["Load", "Validate", "Save"]
    assert Screen().show(stage(name, index, "active")) == header + "\n"


@pytest.mark.parametrize("state", ["failed", "cancelled", "interrupted"])
def test_a_stage_that_does_not_succeed_says_how_long_it_took(state: str) -> None:
    shown = Screen().show(stage("Load", 0, state, 62.0), stage("Else\x1b", None, state, 0.2))
    assert shown == f"--- Load: {state} after 1:02 ---\n--- Else␛: {state} after 0.2 s ---\n"
    assert Screen().show(stage("Load", 0, "done", 62.0)) == "", "success needs no words"


@pytest.mark.parametrize("states", [("skipped", "active"), ("active", "skipped"), ("skipped",)])
def test_each_passage_of_a_stage_has_one_header(states: tuple[str, ...]) -> None:
    passage = [stage("Load", 0, state) for state in states]
    passage.append(stage("Load", 0, "done" if states[-1] == "active" else "skipped", 1.0))
    screen = Screen()
    for _ in range(2):
        assert screen.show(*passage) == "=== [1/3] Load ===\n"


@given(hostile_text.map(lambda text: clean(text).replace("\t", "")))
def test_a_log_line_in_a_pipe_is_the_line_and_nothing_else(text: str) -> None:
    screen = Screen(io.StringIO(newline=""))
    assert screen.show(log(text)) == text + "\n"


def test_lines_keep_their_order_their_markup_and_their_length() -> None:
    lines = ["first", "", "[bold]not markup[/bold] [/]", ":smile: 12 'x'", "y" * 9000]
    assert Screen().show(log(*lines)).split("\n") == [*lines, ""]


@pytest.mark.parametrize("level", ["debug", "info", "success", "warning", "error"])
def test_the_level_is_told_in_words_where_there_is_no_colour(level: str) -> None:
    prefix = "" if level in ("info", "success") else f"{level}: "
    assert Screen().show(log("text", level=level)) == f"{prefix}text\n"
    assert Screen().show(status("text", level=level)) == f"{prefix}text\n"


def test_lines_that_came_too_fast_are_counted() -> None:
    shown = Screen().show(log("last", skipped=12_345))
    assert shown == "debug: … 12,345 lines came too fast to be shown\nlast\n"


def test_the_status_is_printed_when_it_changes() -> None:
    screen = Screen()
    assert screen.show(status("one"), status("one"), status("two")) == "one\ntwo\n"
    assert screen.show(status("")) == ""
    assert screen.show(status("two")) == "two\n"
    other = update(view=View(state="STARTED", status_text="three"))
    assert screen.show(other) == "", "not a change of the status"


def test_log_lines_come_before_the_stage_that_changed_after_them() -> None:
    both = update(
        lines=[Line(1, NOW, "info", "", "of the stage before")],
        stage=StageChange("Save", 2, "active"),
    )
    assert Screen().show(both) == "of the stage before\n=== [3/3] Save ===\n"


def test_a_pipe_gets_a_line_for_every_tenth_of_the_way() -> None:
    screen = Screen()
    shown = screen.show(*[progress(n / 10) for n in range(1001)]).splitlines()
    assert shown == [f"  {n} %" for n in range(10, 101, 10)]


def test_a_pipe_gets_a_line_now_and_then_when_progress_is_slow() -> None:
    screen = Screen()
    slow = {"total": 10**9, "unit": "row", "label": "Reading", "rate": 5.0}
    assert screen.show(progress(0.0, done=50, **slow)) == ""
    screen.clock.advance(9.9)
    assert screen.show(progress(0.0, done=99, **slow)) == ""
    screen.clock.advance(0.1)
    line = "  Reading: 0 % (100 / 1,000,000,000 rows, 5.0 rows/s, ETA –)\n"
    assert screen.show(progress(0.0, done=100, **slow)) == line
    assert screen.show(progress(0.0, done=101, **slow)) == ""


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (
            {"percent": 40.0, "done": 40, "total": 100, "unit": "row", "rate": 4.0},
            "40 % (40 / 100 rows, 4.0 rows/s, ETA 0:15)",
        ),
        ({"done": 7, "unit": "row", "label": "Reading"}, "Reading: 7 rows"),
        ({"done": 7, "unit": "row", "rate": 2.0}, "7 rows, 2.0 rows/s"),
        ({"percent": 55.5}, "55 %"),
        ({"percent": 50.0, "label": HOSTILE}, f"{clean(HOSTILE)}: 50 %"),
    ],
)
def test_what_a_progress_line_says(values: dict[str, Any], line: str) -> None:
    screen = Screen()
    screen.clock.advance(10.0)
    assert screen.show(progress(**values)) == f"  {line}\n"


def test_a_bar_without_any_number_prints_no_empty_lines() -> None:
    screen = Screen()
    screen.clock.advance(10.0)
    assert screen.show(progress(None)) == ""


def test_the_bar_begins_anew_with_each_stage() -> None:
    screen = Screen()
    screen.show(progress(95.0), stage("Save", 2, "active"))
    assert screen.show(progress(5.0), progress(10.0)) == "  10 %\n"


def test_a_result_is_printed_as_keys_and_values() -> None:
    shown = Screen().show(end("FINISHED_OK", {"count": 28_000, HOSTILE: HOSTILE, "n\nl": None}))
    assert shown == f"count=28000\n{clean(HOSTILE)}={clean(HOSTILE)}\nn␊l=None\n"


@pytest.mark.parametrize("result", [None, {}])
def test_a_success_without_a_result_prints_nothing(result: Any) -> None:
    assert Screen().show(end("FINISHED_OK", result)) == ""


def test_a_result_template_of_the_class_is_used(settings: Any) -> None:
    template = (
        "\nRead {{ count }} of {{ op.stages|length }}\n\n{% if object %}{{ bad }}{% endif %}\n"
    )
    loader = ("django.template.loaders.locmem.Loader", {"testapp/scripted_result.txt": template})
    backend = "django.template.backends.django.DjangoTemplates"
    settings.TEMPLATES = [{"BACKEND": backend, "OPTIONS": {"loaders": [loader]}}]
    shown = Screen().show(end("FINISHED_OK", {"count": 5, "bad": "a\x1bb"}))
    assert shown == "Read 5 of 3\n\na␛b\n"


@pytest.mark.parametrize(
    ("state", "error", "line"),
    [
        ("FINISHED_ERROR", "Line 7: no.", "Failed: Line 7: no."),
        ("FINISHED_ERROR", HOSTILE, f"Failed: {clean(HOSTILE)}"),
        ("CANCELLED", "", "Cancelled."),
        ("INTERRUPTED", "", "Interrupted."),
    ],
)
def test_how_it_ended(state: str, error: str, line: str) -> None:
    assert Screen().show(end(state, {"partial": 1}, error)) == f"{line}\n"


def everything() -> list[Update]:
    return [
        stage("Load", 0, "active"),
        progress(30.0),
        log(clean(HOSTILE), level="warning"),
        progress(60.0, label=HOSTILE, done=6, total=10, unit="[/row]"),
        end("FINISHED_OK", {"count": 3}),
    ]


def test_a_pipe_gets_no_escape_codes() -> None:
    screen = Screen()
    screen.show(*everything())
    screen.sink.close()
    assert ESCAPE not in screen.stream.getvalue()
    assert "\r" not in screen.stream.getvalue()


def without_codes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_a_terminal_gets_a_bar_below_the_lines_and_it_goes_at_the_end() -> None:
    screen = Screen(Terminal())
    screen.show(*everything())
    screen.sink.close()
    raw = screen.stream.getvalue()
    assert ESCAPE in raw
    shown = without_codes(raw)
    assert "=== [1/3] Load ===" in shown
    assert f"{clean(HOSTILE)}\n" in shown
    assert "warning: " not in shown, "there are colours for that"
    assert f" {clean(HOSTILE)} ━" in shown, "a label is no markup"
    assert "60 % (6 / 10 [/row]s)" in shown
    assert shown.rstrip().endswith("count=3")
    assert raw.count(f"{ESCAPE}[?25l") == raw.count(f"{ESCAPE}[?25h") == 1, "the cursor is back"


def test_closing_takes_the_bar_away_whatever_happened() -> None:
    screen = Screen(Terminal())
    screen.show(progress(30.0))
    screen.sink.close()
    screen.sink.close()
    assert screen.stream.getvalue().count(f"{ESCAPE}[?25h") == 1


@pytest.mark.parametrize(
    ("name", "value", "stream"),
    [
        ("TERM", "dumb", Terminal),
        ("TTY_INTERACTIVE", "0", Terminal),
        ("TTY_COMPATIBLE", "0", Terminal),
        ("FORCE_COLOR", "1", io.StringIO),
    ],
)
def test_what_cannot_redraw_gets_lines_instead_of_a_bar(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, stream: type[io.StringIO]
) -> None:
    monkeypatch.setenv(name, value)
    screen = Screen(stream())
    shown = screen.show(progress(30.0), progress(60.0))
    assert shown == "  30 %\n  60 %\n"
