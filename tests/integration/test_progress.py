"""What user code may call, with good input and with bad: each has a documented answer."""

import logging
import math
import re
import threading
from decimal import Decimal
from typing import Any

import pytest

from liveops import rendering
from liveops.models import LogLine
from liveops.progress import Progress
from liveops.progress.update import Region
from tests.integration.helpers import run_scripted
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = "\x00\x1b[31m<script>alert('x')</script>\u202e\ud800\x07 & \"q\""


def failed_with(operation: Scripted) -> str:
    assert operation.get_state() == "FINISHED_ERROR"
    return operation.live_progress.error_text


def test_the_first_change_is_shown_at_once_and_the_last_is_never_lost() -> None:
    def body(op: Scripted, p: Progress) -> None:
        for number in range(1000):
            p.percent(number / 10)
            p.status(f"step {number}")

    operation, recorder = run_scripted(body)
    shown = [u.view.percent for u in recorder.updates if Region.PROGRESS in u.regions]
    assert shown[0] is None
    assert shown[1] == 0.0
    assert shown[-1] == 99.9
    assert len(recorder.updates) < 20, "the rest is coalesced"
    assert operation.live_progress.percent == 99.9
    assert operation.live_progress.status_text == "step 999"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_percent_refuses_what_is_not_finite(value: float) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with pytest.raises(ValueError, match="finite number from 0 to 100"):
            p.percent(value)

    assert run_scripted(body)[0].get_state() == "FINISHED_OK"


@pytest.mark.parametrize("value", ["a lot", object(), [1], 10**400])
def test_percent_refuses_what_is_no_number(value: Any) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with pytest.raises(ValueError, match="number from 0 to 100"):
            p.percent(value)

    assert run_scripted(body)[0].get_state() == "FINISHED_OK"


@pytest.mark.parametrize(("given", "shown"), [(250, 100.0), (-3, 0.0), (Decimal("12.5"), 12.5)])
def test_percent_outside_its_bounds_is_moved_to_the_nearer_one_with_a_warning(
    given: Any, shown: float, caplog: pytest.LogCaptureFixture
) -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.percent(given)
        p.percent(given)

    with caplog.at_level(logging.WARNING, "liveops"):
        operation, _ = run_scripted(body)
    assert operation.live_progress.percent == shown
    warnings = [r for r in caplog.records if "outside 0 to 100" in r.message]
    assert len(warnings) == (0 if 0 <= given <= 100 else 1)


def test_an_unknown_level_is_refused_with_the_known_ones() -> None:
    def body(op: Scripted, p: Progress) -> None:
        for call in (p.status, p.log):
            with pytest.raises(ValueError, match="debug, info, success, warning, error"):
                call("text", level="loud")

    assert run_scripted(body)[0].get_state() == "FINISHED_OK"


def test_hostile_text_is_made_harmless_everywhere() -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.status(HOSTILE)
        p.log(HOSTILE)
        for _ in p.track([1], label=HOSTILE, unit=HOSTILE):
            p._run.throttle.hurry()
        p.result({"text": HOSTILE.replace("\x00", "").replace("\ud800", ""), "<b>": 1})

    operation, recorder = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    for update in recorder.updates:
        html = rendering.fragments(update)
        assert "<script" not in html
        assert "<b>" not in html
        assert "\x00" not in html
        assert "\x1b" not in html
        html.encode("utf-8")
    assert "\u241b[31m<script>" in LogLine.objects.get().text
    assert "alert" in operation.live_progress.status_text


def test_a_line_of_a_megabyte_is_cut_and_says_so() -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.log("x" * 1_048_576)
        p.log("next")

    run_scripted(body)
    first, second = LogLine.objects.all()
    assert first.text.startswith("x" * 8_192 + "… [")
    assert "cut at 8,192" in first.text
    assert len(first.text) < 8_300
    assert (second.seq, second.text) == (2, "next")


def test_a_text_of_several_lines_becomes_several_lines() -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.log("one\ntwo\r\nthree\n")
        p.log("")
        p.log(4)

    run_scripted(body)
    assert [line.text for line in LogLine.objects.all()] == ["one", "two", "three", "", "4"]


def test_the_log_keeps_the_last_lines_up_to_its_bound(settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": "eager", "LOG_LINES": 100}

    def body(op: Scripted, p: Progress) -> None:
        for number in range(1, 1001):
            p.log(str(number))
            if number % 7 == 0:
                p._run.flush()

    run_scripted(body)
    kept = list(LogLine.objects.values_list("seq", "text"))
    assert kept[-1] == (1000, "1000")
    assert 100 <= len(kept) <= 110
    assert [int(text) for _, text in kept] == [seq for seq, _ in kept]


def test_result_twice_keeps_the_last_and_says_so() -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.result({"count": 1, "gone": True})
        p.result({"count": 2}, more="yes")

    operation, _ = run_scripted(body)
    assert operation.result_context == {"count": 2, "more": "yes"}
    assert "earlier result is replaced" in LogLine.objects.get(level="warning").text


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({"a": {"b": [1, object()]}}, r"result\['a'\]\['b'\]\[1\] is of type object"),
        ({"a": math.nan}, r"result\['a'\] is nan"),
        ({"a": {(1, 2): 3}}, r"result\['a'\] has the key \(1, 2\)"),
        ({"a": "x\x00y"}, r"result\['a'\] holds a NUL character"),
        ([1, 2], "takes a dict"),
    ],
)
def test_a_result_that_json_cannot_take_fails_and_names_its_key(bad: Any, path: str) -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.result(bad)

    operation, _ = run_scripted(body)
    error = failed_with(operation)
    assert re.search(path, error), error


def test_error_fails_with_its_sentence_and_keeps_the_first_one() -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.error("The file has no rows.")
        p.error("And another thing.")
        p.result({"partial": 1})

    operation, _ = run_scripted(body)
    assert failed_with(operation) == "The file has no rows."
    assert operation.result_context == {"partial": 1}


def test_swaps_are_scoped_and_kept_for_pages_opened_later() -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.html("chart", "<i>one</i>")
        p.html("chart", "<i>two</i>")
        p.html(".row", "<li>x</li>", mode="beforeend")
        for bad in ("#a, body", "body{}", "", "#x:hover", "<b>"):
            with pytest.raises(ValueError, match="take an id"):
                p.html(bad, "x")
        with pytest.raises(ValueError, match="knows the modes"):
            p.html("chart", "x", mode="delete")

    operation, recorder = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.live_progress.swaps == {"#chart": "<i>two</i>"}
    html = "".join(rendering.fragments(u) for u in recorder.updates)
    assert f'hx-swap-oob="innerHTML:#op-{operation.pk} #chart"' in html
    assert f'hx-swap-oob="beforeend:#op-{operation.pk} .row"' in html


def test_records_of_python_s_logging_are_copied_from_this_run_only() -> None:
    source = logging.getLogger("tests.source")

    def elsewhere() -> None:
        source.warning("from another run")

    def body(op: Scripted, p: Progress) -> None:
        with p.capture_logging("tests.source", level=logging.DEBUG):
            source.debug("small %s", "thing")
            source.error("big\nthing")
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
        source.error("after")

    run_scripted(body)
    lines = list(LogLine.objects.values_list("level", "text"))
    assert lines == [("debug", "small thing"), ("error", "big"), ("error", "thing")]
    assert source.level == logging.NOTSET
    assert source.handlers == []
