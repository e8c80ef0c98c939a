"""What a page says of time: how long stages took and will take, while they go on."""

import re

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Site
from tests.acceptance.live.conftest import (
    Starter,
    expect_live,
    expect_stage,
    expect_state,
    post,
)

OVERALL = "#op-progress [data-whole]"

# Everything that is ever said of time, and where the overall bar ever stood.
RECORD = """() => {
    window.said = new Set();
    window.overall = [];
    const look = () => {
        for (const e of document.querySelectorAll("#op-progress li, .liveop-step-time"))
            said.add(e.textContent.trim());
        const bar = document.querySelector("#op-progress [data-whole] progress");
        if (bar) overall.push(bar.position);
    };
    look();
    new MutationObserver(look).observe(
        document.body, {subtree: true, childList: true, characterData: true});
}"""


def test_bar_clocks_and_estimates(page: Page, start: Starter, site: Site) -> None:
    history = {"Load": 1, "Validate": 8, "Save": 1}
    fields = {"owner": "demo", "state": "FINISHED_OK", "text": ""}
    post(site, "/past/", {"model": "Measured", "count": 3, "stages": history, **fields})
    running = start(
        "Measured",
        [
            ["stage", "Load", [["wait", "load"]]],
            ["stage", "Validate", [["track", "Validating", 100, {"50": "half"}]]],
            ["stage", "Save", [["wait", "save"]]],
        ],
    )
    page.goto(running.url)
    expect_live(page)
    page.evaluate(RECORD)
    expect_stage(page, "Load", "active")
    # A stage that has not begun says how long it takes as a rule.
    usual = page.locator('#op-stages li[data-stage="Validate"] .liveop-step-time')
    expect(usual).to_have_text("~8 s")
    clock = page.locator('#op-stages li[data-stage="Load"] [data-liveop-since]')
    before = clock.inner_text()
    expect(clock).not_to_have_text(before)  # it goes on although nothing is pushed
    running.go("load")
    expect_stage(page, "Validate", "active")
    expect(page.locator('#op-stages li[data-stage="Load"] .liveop-step-time')).to_have_text(
        re.compile(r"^\d+(\.\d)? s$|^\d+:\d\d$")
    )
    # One of ten parts of the time is over, and half of the next eight.
    expect(page.locator(f"{OVERALL} .liveop-percent")).to_have_text(re.compile(r"^50\s?%$"))
    stage = page.locator("#op-progress .liveop-progress-part:not([data-whole])")
    expect(stage).to_contain_text("Validating")
    expect(stage.locator(".liveop-percent")).to_have_text(re.compile(r"^50\s?%$"))
    expect(page.locator(OVERALL)).to_contain_text("elapsed")
    running.go("half")
    # The last stage takes longer than ever before: no estimate is better than a wrong one.
    expect_stage(page, "Save", "active")
    expect(page.locator(f"{OVERALL} .liveop-percent")).to_have_text(re.compile(r"^9\d\s?%$"))
    page.wait_for_function(
        f"""() => {{
            const left = document.querySelector("{OVERALL} [data-liveop-until]");
            return !left || left.textContent.trim() === "–";
        }}"""
    )
    running.go("save")
    expect_state(page, "FINISHED_OK")
    expect(page.locator("#op-progress")).to_contain_text("Took")
    expect(page.locator("#op-progress progress")).to_have_count(1)
    assert page.locator("#op-progress progress").get_attribute("value") in {"100", "100.00"}
    said, overall = page.evaluate("[[...said], overall]")
    assert not [text for text in said if re.search(r"-\d|NaN|undefined|null", text)], said
    assert overall == sorted(overall), "the overall bar never goes back"


def test_a_stage_says_its_attempts(page: Page, start: Starter) -> None:
    running = start(
        "Release",
        {"Migrate": [["log", "trying"], ["retry", "The database is locked.", 2], ["wait", "go"]]},
    )
    page.goto(running.url)
    migrate = page.locator('#op-stages li[data-stage="Migrate"]')
    expect(migrate).to_contain_text("attempt 3 of 4")
    running.go("go")
    expect(migrate).to_contain_text("done, attempt 3 of 4")
    expect(page.locator("#op-log")).to_contain_text("Attempt 2 failed: The database is locked.")
