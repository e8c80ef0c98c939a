"""The list of operations and the badge in the header, while things happen."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Site
from tests.acceptance.live.conftest import (
    Starter,
    assert_never_navigated,
    count_sockets,
    mark,
    post,
)

Visitor = Callable[..., Page]


def test_filter_search_and_pages(visitor: Visitor, site: Site) -> None:
    past = {"owner": "librarian", "model": "Voyage"}
    post(site, "/past/", {**past, "state": "FINISHED_OK", "count": 30, "text": "Copied {}"})
    post(site, "/past/", {**past, "state": "FINISHED_ERROR", "count": 4, "text": "Broke {}"})
    post(site, "/past/", {**past, "state": "CANCELLED", "count": 1, "text": "Left {}"})
    page = visitor("librarian")
    page.goto("/live/")
    rows = page.locator("#liveops-rows li")
    expect(rows).to_have_count(25)
    page.get_by_role("link", name="Older").click()
    expect(rows).to_have_count(10)
    page.get_by_role("navigation", name="States").get_by_role("link", name="Failed").click()
    expect(page).to_have_url(re.compile("state=FINISHED_ERROR"))
    expect(rows).to_have_count(4)
    page.get_by_role("searchbox", name="Search").fill("broke 2")
    page.get_by_role("button", name="Search").click()
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile("state=FINISHED_ERROR"))
    page.get_by_role("searchbox", name="Search").fill("nowhere")
    page.keyboard.press("Enter")
    expect(page.locator("#liveops-rows")).to_contain_text("No operation matches.")
    page.get_by_role("link", name="Show all operations").click()
    expect(rows).to_have_count(25)


def test_rows_and_badge_change_before_my_eyes(visitor: Visitor, start: Starter, site: Site) -> None:
    page = visitor("harbour", viewport={"width": 1100, "height": 900})
    sockets = count_sockets(page)
    first = start(
        "Voyage",
        [["stage", "Load", [["status", "Under way"], ["percent", 40], ["wait", "go"]]]],
        owner="harbour",
    )
    page.goto("/live/")
    mark(page)
    row = page.locator(f"#liveops-row-{first.pk}")
    expect(row).to_contain_text("Running")
    expect(row).to_contain_text("Under way")
    badge = page.locator("#liveops-badge")
    expect(badge).to_contain_text("1 running")
    clock = row.locator("[data-liveop-since]")
    before = clock.inner_text()
    expect(clock).not_to_have_text(before)
    # Whoever is about to press Enter on a link keeps it, whatever is pushed.
    row.get_by_role("link", name="Voyage").focus()

    second = start("Voyage", [["wait", "go"], ["fail", "No wind."]], owner="harbour")
    expect(page.locator(f"#liveops-row-{second.pk}")).to_contain_text("Running")
    expect(badge).to_contain_text("2 running")
    expect(page.locator("#liveops-rows li")).to_have_count(2)
    first.go("go")
    expect(row).to_contain_text("Succeeded")
    expect(row.get_by_role("link", name="Voyage")).to_be_focused()
    second.go("go")
    expect(page.locator(f"#liveops-row-{second.pk}")).to_contain_text("Failed")
    expect(page.locator(f"#liveops-row-{second.pk}")).to_contain_text("No wind.")
    expect(badge).to_contain_text("1 failed")
    expect(badge).not_to_contain_text("running")
    assert_never_navigated(page)
    assert len(sockets) == 1


def test_a_chain_in_the_list(visitor: Visitor, start: Starter) -> None:
    following = {"key": start.key(), "plan": []}
    first = start("Departure", [["chain", "Flight", following]], owner="pilot")
    page = visitor("pilot")
    page.goto("/live/")
    row = page.locator(f"#liveops-row-{first.pk}")
    expect(row).to_contain_text("Flight")
    row.get_by_role("link", name="Departure").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Departure")
    page.get_by_role("link", name="Went on with Flight").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Flight")
