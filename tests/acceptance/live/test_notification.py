"""Word for those who look elsewhere, and for those who cannot look."""

import re

from playwright.sync_api import Page, expect

from tests.acceptance.live.conftest import (
    Starter,
    expect_live,
    expect_stage,
    expect_state,
    wait_for_line,
)

# A browser whose user has not decided yet, and whose page may be put into the background.
FAKES = """
window.shown = [];
window.Notification = class {
    static permission = "default";
    static async requestPermission() {
        window.asked = (window.asked ?? 0) + 1;
        return (this.permission = "granted");
    }
    constructor(title) { window.shown.push(title); }
    close() {}
};
window.isAway = false;
Object.defineProperty(Document.prototype, "hidden", {get: () => window.isAway});
Object.defineProperty(
    Document.prototype, "visibilityState", {get: () => (window.isAway ? "hidden" : "visible")});
window.goAway = isAway => {
    window.isAway = isAway;
    document.dispatchEvent(new Event("visibilitychange"));
};
"""


def test_the_end_is_notified_to_whoever_asked_and_looks_elsewhere(
    page: Page, start: Starter
) -> None:
    page.add_init_script(FAKES)
    plan = [["wait", "go"]]
    unasked = start("Voyage", plan)
    page.goto(unasked.url)
    expect_live(page)
    assert page.evaluate("window.asked") is None, "nobody is asked before a click"
    page.evaluate("goAway(true)")
    unasked.go("go")
    expect_state(page, "FINISHED_OK")
    expect(page).to_have_title(f"✓ Voyage {unasked.pk[:8]}")
    assert page.evaluate("shown") == []

    wanted = start("Voyage", [["wait", "go"], ["fail", "The rows do not fit."]])
    page.goto(wanted.url)
    expect_live(page)
    switch = page.get_by_role("button", name="Notify me")
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("window.asked") == 1
    page.evaluate("goAway(true)")
    wanted.go("go")
    expect_state(page, "FINISHED_ERROR")
    expect(page).to_have_title(f"✗ Voyage {wanted.pk[:8]}")
    assert page.evaluate("shown") == ["Voyage: Failed"]
    expect(switch).to_be_hidden()

    looked_at = start("Voyage", plan)
    page.goto(looked_at.url)
    expect_live(page)
    page.evaluate("Notification.permission = 'granted'; goAway(false)")
    looked_at.go("go")
    expect_state(page, "FINISHED_OK")
    assert page.evaluate("shown") == [], "no notification for who is looking"


HEAR = """() => {
    window.heard = [];
    const regions = "[aria-live]:not([aria-live=off]), [role=alert],"
        + "[role=status]:not([aria-live=off])";
    new MutationObserver(changes => {
        for (const { target } of changes) {
            const element = target.nodeType === 1 ? target : target.parentElement;
            const region = element?.closest(regions);
            const text = region?.textContent.trim();
            if (text && heard.at(-1) !== text) heard.push(text);
        }
    }).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


def test_who_listens_hears_one_sentence_a_stage_and_the_end(page: Page, start: Starter) -> None:
    running = start(
        "Voyage",
        [
            ["wait", "go"],
            [
                "stage",
                "Load",
                [["track", "Reading", 500, {"100": "a"}], ["log", "l {}", "info", 50]],
            ],
            ["stage", "Validate", [["status", "one"], ["wait", "b"], ["status", "two"]]],
            ["stage", "Save", [["wait", "c"]]],
        ],
    )
    page.goto(running.url)
    expect_live(page)
    page.evaluate(HEAR)
    for step, stage in (("go", "Load"), ("a", "Validate"), ("b", "Save")):
        running.go(step)
        expect_stage(page, stage, "active")
    running.go("c")
    expect_state(page, "FINISHED_OK")
    assert page.evaluate("heard") == [
        "Stage 1 of 3: Load",
        "Stage 2 of 3: Validate",
        "Stage 3 of 3: Save",
        "Voyage: Succeeded",
    ]


def test_a_page_says_nothing_when_it_is_opened(page: Page, start: Starter) -> None:
    running = start("Voyage", [["stage", "Load", [["log", "begun"], ["wait", "go"]]]])
    wait_for_line(running)
    page.goto(running.url)
    expect_live(page)
    expect_stage(page, "Load", "active")
    for region in page.locator("[aria-live]:not([aria-live=off])").all():
        expect(region).to_have_text(re.compile(r"^\s*$"))
    running.go("go")
    expect_state(page, "FINISHED_OK")
