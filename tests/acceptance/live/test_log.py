"""The log as readers use it: grouped, searched, linked to, and far too long."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.live.conftest import Started, Starter, expect_live, expect_state, keep

LONG = 8_000

NUMBERS = "[...document.querySelectorAll('#op-log li[data-n]')].map(e => Number(e.dataset.n))"
IS_SEEN = """e => {
    const [line, region] = [e, e.closest("#op-log")].map(one => one.getBoundingClientRect());
    return line.height > 0 && line.top >= region.top - 1 && line.bottom <= region.bottom + 1;
}"""
AT_END = """() => {
    const region = document.querySelector("#op-log");
    return region.scrollHeight - region.scrollTop - region.clientHeight <= 8;
}"""


@pytest.fixture
def failed(start: Starter) -> Started:
    """An operation that failed in its second stage, with a log of 122 lines."""
    return start(
        "Voyage",
        [
            ["stage", "Load", [["log", "row {}", "info", 50], ["log", "odd needle", "debug"]]],
            [
                "stage",
                "Validate",
                [
                    ["log", "checked {}", "info", 68],
                    ["log", "a Needle is missing", "warning"],
                    ["log", "nothing fits", "error"],
                    ["log", "but this does", "success"],
                    ["fail", "The rows do not fit."],
                ],
            ],
        ],
    )


def test_reading_the_log_of_a_failure(page: Page, failed: Started) -> None:
    page.goto(failed.url)
    expect_state(page, "FINISHED_ERROR")
    page.reload()
    load, validate = (
        page.locator(f'#op-log details[data-stage="{name}"]') for name in ("Load", "Validate")
    )
    expect(validate).to_have_attribute("open", "")
    expect(load).not_to_have_attribute("open", "")
    for level, word in (("warning", "Warning"), ("error", "Error")):
        expect(validate.locator(f'li[data-level="{level}"]').first).to_contain_text(word)
    keep(page, "failed-light")

    # Searching opens the group of what is found, and goes round.
    search = page.get_by_role("searchbox", name="Search the log")
    search.fill("needle")
    search.press("Enter")
    expect(page.locator(".liveop-log-matches")).to_have_text("1 of 2")
    expect(load).to_have_attribute("open", "")
    expect(page.locator("#op-log li[data-match] mark").first).to_have_text("needle")
    assert page.locator("#op-log li[data-match=current]").evaluate(IS_SEEN)
    search.press("Enter")
    expect(page.locator(".liveop-log-matches")).to_have_text("2 of 2")
    expect(page.locator("#op-log li[data-match=current]")).to_contain_text("Needle is missing")
    page.get_by_role("button", name="Next match").click()
    expect(page.locator(".liveop-log-matches")).to_have_text("1 of 2")
    search.press("Escape")
    expect(page.locator("#op-log mark")).to_have_count(0)
    search.fill("nowhere")
    search.press("Enter")
    expect(page.locator(".liveop-log-matches")).to_have_text("Nothing found")

    # A stage of the stepper leads to its lines.
    page.locator('#op-stages li[data-stage="Load"] a').click()
    expect(load.locator("summary")).to_be_focused()


def test_times_links_and_download(page: Page, failed: Started, tmp_path: Path) -> None:
    page.goto(failed.url)
    expect_state(page, "FINISHED_ERROR")
    times = page.get_by_role("button", name="Times")
    line = page.locator("#op-log li[data-n]").last
    expect(times).to_have_attribute("aria-pressed", "false")
    expect(line.locator("time")).to_be_hidden()
    times.click()
    expect(line.locator("time")).to_be_visible()
    page.reload()
    expect(times).to_have_attribute("aria-pressed", "true")
    expect(line.locator("time")).to_be_visible()
    times.click()

    page.goto(f"{failed.url}#L12")
    twelfth = page.locator('#op-log li[data-n="12"]')
    expect(twelfth).to_have_attribute("data-marked", "")
    page.wait_for_function(f"() => ({IS_SEEN})(document.querySelector('#op-log [data-n=\"12\"]'))")
    page.locator('#op-log li[data-n="13"] > a').click()
    expect(page).to_have_url(re.compile(r"#L13$"))
    expect(page.locator("#op-log li[data-marked]")).to_have_count(1)
    page.goto("about:blank")
    page.goto(f"{failed.url}#L5-L9")
    expect(page.locator("#op-log li[data-marked]")).to_have_count(5)

    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download").click()
    assert re.fullmatch(r"[\w-]+-[0-9a-f]{8}\.txt", downloading.value.suggested_filename)
    downloading.value.save_as(tmp_path / "log.txt")
    lines = (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == int(page.locator("#op-log li[data-n]").last.get_attribute("data-n") or 0)
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z +INFO +\[Load\] row 1$", lines[0])


def test_the_tail_is_followed_until_the_reader_scrolls_up(page: Page, start: Starter) -> None:
    running = start(
        "Voyage",
        [
            ["stage", "Load", [["log", "early {}", "info", 200], ["wait", "more"]]],
            ["stage", "Validate", [["log", "later {}", "info", 100], ["wait", "most"]]],
            ["stage", "Save", [["log", "last {}", "info", 50], ["wait", "end"]]],
        ],
    )
    page.goto(running.url)
    expect(page.locator('#op-log li[data-n="200"]')).to_be_attached()
    page.wait_for_function(AT_END)
    running.go("more")
    expect(page.locator('#op-log li[data-n="300"]')).to_be_attached()
    page.wait_for_function(AT_END)
    page.locator("#op-log").hover()
    page.mouse.wheel(0, -900)
    page.wait_for_function(f"() => !({AT_END})()")
    jump = page.get_by_role("button", name="Jump to the end")
    expect(jump).to_be_visible()
    top = page.locator("#op-log").evaluate("e => e.scrollTop")
    running.go("most")
    expect(page.locator('#op-log li[data-n="350"]')).to_be_attached()
    assert page.locator("#op-log").evaluate("e => e.scrollTop") == top
    jump.click()
    page.wait_for_function(AT_END)
    expect(jump).to_be_hidden()


def test_a_log_out_of_sight_is_at_its_end_when_the_reader_comes_there(
    page: Page, start: Starter
) -> None:
    """The browser lays out none of what is far below, so its end is looked for later."""
    plan = ["stage", "Load", [["log", "early {}", "info", 60], ["wait", "more"]]]
    more = ["stage", "Save", [["log", "later {}", "info", 90], ["wait", "end"]]]
    several = [start("Voyage", [plan, more]) for _ in range(6)]
    page.goto("/board/?" + "&".join(f"op={one.pk}" for one in several))
    last = page.locator(f"#op-{several[-1].pk}")
    expect(last.locator('#op-log li[data-n="60"]')).to_be_attached()
    several[-1].go("more")
    expect(last.locator('#op-log li[data-n="150"]')).to_be_attached()
    log = last.locator("#op-log")
    laid_out = "e => e.checkVisibility({contentVisibilityAuto: true})"
    assert not log.evaluate(laid_out)
    log.evaluate("e => e.scrollIntoView()")
    region = log.element_handle()
    page.wait_for_function(
        f"e => ({laid_out})(e) && e.scrollTop > 0"
        " && e.scrollHeight - e.scrollTop - e.clientHeight <= 8",
        arg=region,
    )


def wait_for_line(page: Page, number: int) -> None:
    """Wait until a line is on the page; `expect` takes its time where there are thousands."""
    page.wait_for_function(
        "number => document.querySelector(`#op-log li[data-n='${number}']`)", arg=number
    )


def test_a_flood_leaves_the_page_bounded_and_usable(page: Page, start: Starter) -> None:
    running = start(
        "Voyage", [["wait", "go"], ["flood", "line {} of the flood", LONG], ["wait", "end"]]
    )
    page.goto(running.url)
    expect_live(page)
    page.evaluate(
        """() => {
            window.most = 0;
            const look = () => {
                most = Math.max(most, document.querySelectorAll("#op-log li[data-n]").length);
            };
            new MutationObserver(look).observe(
                document.querySelector("#op-log"), {subtree: true, childList: true});
        }"""
    )
    running.go("go")
    # While the lines come in, the page does what it is asked.
    page.get_by_role("button", name="Times").click()
    expect(page.get_by_role("button", name="Times")).to_have_attribute("aria-pressed", "true")
    wait_for_line(page, LONG)
    page.wait_for_function(AT_END)
    assert 0 < page.evaluate("most") <= page.evaluate("liveops.maxLines") * 1.2
    assert len(page.evaluate(NUMBERS)) <= page.evaluate("liveops.maxLines")

    # What is not on the page is fetched when the reader asks for it.
    page.reload()
    wait_for_line(page, LONG)
    shown = page.evaluate(NUMBERS)
    page.get_by_role("button", name=re.compile(r"^Show earlier lines \(\d")).click()
    wait_for_line(page, shown[0] - 1)
    numbers = page.evaluate(NUMBERS)
    assert numbers[0] >= shown[0] - 1_000
    assert all(after == before + 1 for before, after in pairwise(numbers))
    page.goto("about:blank")
    page.goto(f"{running.url}#L77")
    expect(page.locator('#op-log li[data-n="77"]')).to_have_attribute("data-marked", "")
    search = page.get_by_role("searchbox", name="Search the log")
    search.fill("line 6789 ")
    search.press("Enter")
    expect(page.locator("#op-log li[data-match=current]")).to_have_attribute("data-n", "6789")
    page.get_by_role("button", name=re.compile(r"Jump to the end|new line")).click()
    wait_for_line(page, LONG)
    page.wait_for_function(AT_END)
