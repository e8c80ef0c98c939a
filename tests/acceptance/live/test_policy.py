"""The strictest policy: nothing but what carries the nonce of the response."""

import re
from collections.abc import Iterator

import django
import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Site, serve
from tests.acceptance.databases import migrated
from tests.acceptance.live.conftest import (
    MODULE,
    Starter,
    confirming,
    expect_live,
    expect_stage,
    expect_state,
)

STRICT = {"DJANGO_SETTINGS_MODULE": "tests.acceptance.live_ops.strict_settings"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site with the package's own pages and a policy of nonces."""
    folder = migrated(tmp_path_factory.mktemp("strict"), MODULE).parent
    with serve(folder, **STRICT) as running:
        yield running


def opened(page: Page, address: str) -> None:
    """Open a page; check that its policy is as strict as it is meant to be."""
    response = page.goto(address)
    assert response is not None
    policy = response.headers["content-security-policy"]
    for kind in ("script-src", "style-src"):
        assert re.search(rf"{kind} 'nonce-[^' ]+'(;|$)", policy), policy
    assert "unsafe" not in policy


def test_everything_works_under_a_policy_of_nonces(page: Page, start: Starter) -> None:
    """Any breach fails the test, by the page fixture."""
    second = {"key": start.key(), "plan": [["stage", "Climb", [["fail", "No wind."]]]]}
    first = start(
        "Departure",
        [
            ["stage", "Board", [["log", "boarding"], ["track", "Boarding", 10, {"5": "go"}]]],
            ["chain", "Flight", second],
        ],
    )
    opened(page, first.url)
    expect_live(page)
    expect_stage(page, "Board", "active")
    search = page.get_by_role("searchbox", name="Search the log")
    search.fill("boarding")
    search.press("Enter")
    expect(page.locator("#op-log mark")).to_have_text("boarding")
    first.go("go")
    expect(page.get_by_role("heading", level=1)).to_have_text("Flight")
    expect_state(page, "FINISHED_ERROR")
    styles = "() => [...document.styleSheets].filter(sheet => sheet.cssRules.length).length"
    assert page.evaluate(styles) >= 1, "the style sheet was applied"
    with confirming(page):
        page.get_by_role("button", name="Start again").click()
        expect(page.locator("#op-result")).to_contain_text("Started again by demo")
    opened(page, "/live/")
    expect(page.locator("#liveops-rows")).to_contain_text("Departure")
    opened(page, "/plan/")
    page.get_by_role("textbox", name="Plan").fill('[["wait", "never"]]')
    page.get_by_role("button", name="Start").click()
    expect_live(page)
    with confirming(page):
        page.get_by_role("button", name="Cancel").click()
        expect_state(page, "CANCELLED")


def test_the_admin_under_the_policy(page: Page, start: Starter) -> None:
    """Django's own admin pages carry nonces since Django 6.1; before, only ours are asked for."""
    running = start("Voyage", [["stage", "Load", [["wait", "go"]]]])
    if django.VERSION >= (6, 1):
        opened(page, f"/admin/liveops/liveoperation/{running.pk}/change/")
        expect_live(page)
        expect_stage(page, "Load", "active")
    else:
        opened(page, running.url)
        expect_live(page)
    running.go("go")
    expect_state(page, "FINISHED_OK")
