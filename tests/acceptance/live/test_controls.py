"""Steering an operation from its page: each control where it makes sense, and who used it."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.acceptance.live.conftest import (
    Starter,
    assert_never_navigated,
    confirming,
    expect_live,
    expect_stage,
    expect_state,
    mark,
)

Visitor = Callable[..., Page]
RELEASE = {
    "Build": [["log", "built"]],
    "Migrate": [["log", "migrating"], ["fail", "The table is in use.", "mended"]],
    "Publish": [["wait", "publish"]],
}


def test_resume_goes_on_from_the_stage_that_failed(page: Page, start: Starter) -> None:
    running = start("Release", RELEASE)
    page.goto(running.url)
    mark(page)
    expect_state(page, "FINISHED_ERROR")
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_have_attribute("title", re.compile("Migrate"))
    expect(page.locator("#op-log")).to_contain_text("built")
    running.go("mended")
    resume.click()
    expect_stage(page, "Publish", "active")
    expect(page.locator("#op-result")).to_contain_text("Resumed by demo")
    for name in ("Build", "Migrate"):
        expect_stage(page, name, "done")
    lines = page.locator("#op-log li[data-n] .liveop-text")
    expect(lines.filter(has_text=re.compile(r"^built$"))).to_have_count(1)
    expect(lines.filter(has_text=re.compile(r"^migrating$"))).to_have_count(2)

    with confirming(page) as asked:
        page.get_by_role("button", name="Cancel").click()
        expect_state(page, "CANCELLED")
    assert len(asked) == 1
    expect(page.locator("#op-result")).to_contain_text("Cancelled by demo")
    with confirming(page) as asked:
        page.get_by_role("button", name="Start again").click()
        expect_stage(page, "Publish", "active")
    assert "log" in asked[0]
    expect(page.locator("#op-result")).to_contain_text("Started again by demo")
    expect(lines.filter(has_text=re.compile(r"^built$"))).to_have_count(1)
    running.go("publish")
    expect_state(page, "FINISHED_OK")
    expect(page.get_by_role("button", name="Resume")).to_have_count(0)
    expect(page.get_by_role("button", name="Start again")).to_be_visible()
    assert_never_navigated(page)


def test_saying_no_to_the_question_cancels_nothing(page: Page, start: Starter) -> None:
    running = start("Voyage", [["wait", "go"]])
    page.goto(running.url)
    expect_live(page)
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Cancel").click()
    running.go("go")
    expect_state(page, "FINISHED_OK")


def test_a_page_that_is_behind_is_told_that_the_state_has_moved_on(
    page: Page, context, start: Starter
) -> None:
    """The second tab hears of nothing: no frame reaches it, and no snapshot."""
    running = start("Voyage", [["wait", "go"]])
    behind = context.new_page()
    behind.route_web_socket("**/ws/liveops/", lambda _: None)
    behind.route("**/snapshot/", lambda route: route.abort())
    behind.goto(running.url)
    page.goto(running.url)
    expect_live(page)
    with confirming(page):
        page.get_by_role("button", name="Cancel").click()
        expect_state(page, "CANCELLED")
    with confirming(behind), behind.expect_response("**/cancel/") as refused:
        behind.get_by_role("button", name="Cancel").click()
    assert refused.value.status == 409
    expect(behind.locator(".liveop-connection")).to_have_text(refused.value.text())
    behind.close()


def test_who_may_only_watch_gets_no_controls(visitor: Visitor, start: Starter) -> None:
    running = start("Voyage", [["wait", "go"]], owner="owner")
    page = visitor("owner")
    page.goto(running.url)
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    watcher = visitor("watcher")
    watcher.goto(f"/board/?op={running.pk}")  # a page with a token for whoever is shown it
    expect_live(watcher)
    expect(watcher.locator("#op-controls")).to_be_empty()
    running.go("go")
    expect_state(watcher, "FINISHED_OK")
    expect(watcher.locator("#op-controls")).to_be_empty()
