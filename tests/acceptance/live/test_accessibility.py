"""Everybody can use the pages: axe finds nothing, and a keyboard is enough."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import ROOT
from tests.acceptance.live.conftest import (
    Started,
    Starter,
    confirming,
    expect_live,
    expect_stage,
    expect_state,
    go,
)

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
TARGET = "target-size"  # not among axe's default rules
CONTRAST = "color-contrast"
# What passed is not handed over: it is a hundred times what did not.
LOOK = "options => axe.run(document, options).then(found => found.violations)"


@cache
def axe() -> str:
    """Return the script that checks a page."""
    if not AXE.exists():
        pytest.fail("axe-core is not on this machine: `make test` or `npm ci` brings it.")
    return Path(AXE).read_text(encoding="utf-8")


def assert_accessible(page: Page, what: str) -> None:
    """Let axe look at a page, in light and in dark."""
    rules: dict[str, dict[str, Any]] = {
        "light": {"rules": {TARGET: {"enabled": True}}},
        "dark": {"runOnly": [CONTRAST]},  # what else axe looks at, no scheme changes
    }
    for scheme, options in rules.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        if page.evaluate("typeof axe") == "undefined":
            page.evaluate(axe())
        options["resultTypes"] = ["violations"]
        found = page.evaluate(LOOK, options)
        told = [
            f"{issue['id']}: {node['html'][:150]} {node['failureSummary']}"
            for issue in found
            for node in issue["nodes"]
        ]
        assert told == [], f"{what}, {scheme}:\n" + "\n".join(told)


@pytest.fixture
def steps(start: Starter) -> Started:
    """An operation in the middle of things."""
    return start(
        "Voyage",
        [
            ["stage", "Load", [["log", "row {}", "info", 60], ["log", "odd", "debug"]]],
            [
                "stage",
                "Validate",
                [
                    ["status", "Looking closely", "warning"],
                    ["log", "a row is odd", "warning"],
                    ["log", "a row is wrong", "error"],
                    ["track", "Validating", 10, {"4": "go"}],
                ],
            ],
            ["stage", "Save", [["fail", "The table is in use.", "mended"]]],
            ["result", {"rows": 60}],
        ],
    )


def test_axe_finds_nothing_on_the_pages_of_an_operation(
    page: Page, steps: Started, start: Starter
) -> None:
    page.goto(steps.url)
    expect_stage(page, "Validate", "active")
    expect_live(page)
    expect(page.locator('#op-log li[data-level="error"]')).to_be_attached()
    assert_accessible(page, "running")
    search = page.get_by_role("searchbox", name="Search the log")
    search.fill("odd")
    search.press("Enter")
    page.get_by_role("button", name="Times").click()
    expect(page.locator("#op-log mark").first).to_be_visible()
    assert_accessible(page, "searched, with times")
    page.get_by_role("button", name="Times").click()
    steps.go("go")
    expect_state(page, "FINISHED_ERROR")
    assert_accessible(page, "failed")
    steps.go("mended")
    with confirming(page):
        page.get_by_role("button", name="Start again").click()
        expect_state(page, "FINISHED_OK")
    assert_accessible(page, "finished")

    key = start.key()
    chained = start(
        "Departure",
        [["wait", "go"], ["chain", "Flight", {"key": key, "plan": [["wait", "go"]]}]],
    )
    page.goto(chained.url)
    expect_live(page)
    chained.go("go")
    expect(page.get_by_role("heading", level=1)).to_have_text("Flight")
    expect_live(page)
    assert_accessible(page, "chained")
    go(chained.site, key, "go")
    expect_state(page, "FINISHED_OK")


def test_axe_finds_nothing_on_list_and_forms(page: Page, steps: Started) -> None:
    page.goto("/live/")
    expect(page.locator(f"#liveops-row-{steps.pk}")).to_contain_text("Running")
    assert_accessible(page, "list")
    page.goto("/live/?q=nowhere")
    assert_accessible(page, "empty list")
    page.goto("/plan/")
    page.get_by_role("textbox", name="Plan").fill("no list")
    page.get_by_role("button", name="Start").click()
    assert_accessible(page, "form with an error")


def test_retries_are_accessible(page: Page, start: Starter) -> None:
    running = start("Release", {"Migrate": [["retry", "Locked.", 1], ["wait", "go"]]})
    page.goto(running.url)
    expect(page.locator("#op-stages")).to_contain_text("attempt 2 of 4")
    assert_accessible(page, "second attempt")
    with confirming(page):
        page.get_by_role("button", name="Cancel").click()
        expect_state(page, "CANCELLED")
    assert_accessible(page, "cancelled")


FOCUSED = """() => {
    const e = document.activeElement;
    const outline = getComputedStyle(e).outlineStyle !== "none";
    const shadow = getComputedStyle(e).boxShadow !== "none";
    const label = e.getAttribute("aria-label") || e.labels?.[0]?.textContent.trim();
    const name = label || e.textContent.trim() || e.id;
    return [e.tagName.toLowerCase(), name, outline || shadow];
}"""


def tab_through(page: Page, most: int = 80) -> list[tuple[str, str]]:
    """Press Tab from the beginning of the page to its end; return what had the focus."""
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    seen: list[tuple[str, str]] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        tag, name, is_shown = page.evaluate(FOCUSED)
        if tag == "body" or (seen and (tag, name) == seen[0]):
            break
        assert is_shown, f"nothing shows that {tag} {name!r} has the focus"
        seen.append((tag, name))
    return seen


def tab_to(page: Page, name: str, most: int = 80) -> None:
    """Press Tab until the control with a name has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED)[1].startswith(name):
            return
    pytest.fail(f"{name!r} cannot be reached")


def test_a_keyboard_is_enough(page: Page, steps: Started) -> None:
    """Started from the form, searched, opened, cancelled: without a mouse."""
    page.goto("/plan/")
    tab_to(page, "Plan")
    page.keyboard.press("Control+A")
    page.keyboard.type('[["stage", "Load", [["log", "needle"]]], ["wait", "never"]]')
    tab_to(page, "Start")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/live/[0-9a-f-]{36}/$"))
    expect_live(page)
    expect(page.locator("#op-log")).to_contain_text("needle")
    names = [name for _, name in tab_through(page)]
    for control in ("Notify me", "Cancel", "Search the log", "Times", "Download", "Log"):
        assert control in names, names
    assert not [name for name in names if re.fullmatch(r"\d+", name)], "line numbers are too many"

    page.evaluate("document.activeElement.blur()")
    tab_to(page, "Search the log")
    page.keyboard.type("needle")
    page.keyboard.press("Enter")
    expect(page.locator(".liveop-log-matches")).to_have_text("1 of 1")
    group = page.locator('#op-log details[data-stage="Load"]')
    page.evaluate("document.querySelector('#op-log').focus()")
    tab_to(page, "Load")
    page.keyboard.press("Enter")
    expect(group).not_to_have_attribute("open", "")
    page.keyboard.press("Space")
    expect(group).to_have_attribute("open", "")
    page.evaluate("document.activeElement.blur()")
    tab_to(page, "Cancel")
    with confirming(page) as asked:
        page.keyboard.press("Enter")
        expect_state(page, "CANCELLED")
    assert len(asked) == 1
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement !== document.body"), "the focus got lost"
