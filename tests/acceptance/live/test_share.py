"""A share link in the browser: it opens the operation, and no server or other page learns of it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from tests.acceptance.conftest import Site, serve, watch_for_problems
from tests.acceptance.databases import migrated
from tests.acceptance.live.conftest import (
    DEADLINE_MS,
    MODULE,
    Started,
    Starter,
    confirming,
    count_sockets,
    expect_live,
    expect_state,
    post,
)

STRICT = {"DJANGO_SETTINGS_MODULE": "tests.acceptance.live_ops.strict_settings"}
Stranger = Callable[..., Page]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site with the package's own pages and a policy of nonces."""
    folder = migrated(tmp_path_factory.mktemp("shared"), MODULE).parent
    with serve(folder, **STRICT) as running:
        yield running


@pytest.fixture
def stranger(browser: Browser, site: Site) -> Iterator[Stranger]:
    """Return a function that opens a page for somebody without a login.

    Any trouble on it fails the test, unless it is `watched=False`: refusals are trouble, too.
    """
    contexts: list[BrowserContext] = []
    problems: list[list[str]] = []

    def open_page(*, watched: bool = True, **options: Any) -> Page:
        context = browser.new_context(base_url=site.url, reduced_motion="reduce", **options)
        context.set_default_timeout(DEADLINE_MS)
        contexts.append(context)
        page = context.new_page()
        if watched:
            problems.append(watch_for_problems(page))
        return page

    expect.set_options(timeout=DEADLINE_MS)
    yield open_page
    for context in contexts:
        context.close()
    assert [trouble for found in problems for trouble in found] == []


def shared(started: Started, **details: Any) -> str:
    """Return a share link of an operation."""
    link: str = post(started.site, "/share/", {"pk": started.pk, **details})["url"]
    return link


def revoke(started: Started) -> None:
    """Take back all share links of an operation."""
    post(started.site, "/share/", {"pk": started.pk, "revoke": True})


def collected(page: Page) -> list[Request]:
    """Return a list that fills with the requests of a page."""
    requests: list[Request] = []

    def collect(request: Request) -> None:
        requests.append(request)

    page.on("request", collect)
    return requests


@pytest.mark.promise("share-link-in-fragment")
def test_a_link_opens_the_live_page_and_leaves_no_trace_of_its_token(
    stranger: Stranger, start: Starter, site: Site
) -> None:
    running = start("Voyage", [["stage", "Load", [["log", "loading"], ["wait", "go"]]]])
    link = shared(running)
    token = link.partition("#")[2]
    page = stranger()
    requests, sockets = collected(page), count_sockets(page)
    page.goto(link)
    expect_live(page)
    assert page.url == site.url + running.url
    assert page.evaluate("history.length") <= 2, "the page of the link is not in the history"
    expect(page.locator("#op-log")).to_contain_text("loading")
    expect(page.locator("#op-controls")).to_be_empty()
    expect(page.get_by_role("link", name="Operations")).to_have_count(0)
    expect(page.get_by_role("button", name="Log out")).to_have_count(0)
    expect(page.locator("body")).to_contain_text("Shared with you")

    search = page.get_by_role("searchbox", name="Search the log")
    search.fill("loading")
    search.press("Enter")
    expect(page.locator("#op-log mark")).to_have_text("loading")
    with page.expect_download() as file:
        page.get_by_role("link", name="Download").click()
    assert "loading" in file.value.path().read_text()
    page.reload()
    expect_live(page)

    assert token not in " ".join(request.url for request in requests)
    assert token not in " ".join(socket.url for socket in sockets)
    assert token not in " ".join(str(r.all_headers().get("referer")) for r in requests)
    carried = [r for r in requests if r.method == "POST" and token[:20] in (r.post_data or "")]
    assert [r.url for r in carried] == [site.url + link.partition("#")[0]]
    assert token not in site.log

    running.go("go")
    expect_state(page, "FINISHED_OK")


@pytest.mark.promise("share-revoked-live")
def test_a_page_ends_when_its_link_is_revoked(stranger: Stranger, start: Starter) -> None:
    running = start("Voyage", [["wait", "go"]])
    link = shared(running)
    page = stranger(watched=False)
    page.goto(link)
    expect_live(page)
    revoke(running)
    expect(page.locator("[data-liveop]")).to_have_attribute("data-liveop-refused", "not_found")
    expect(page.locator(".liveop-connection")).to_contain_text("not yours")
    again = stranger(watched=False)
    again.goto(link)
    expect(again.get_by_role("alert")).to_contain_text("This link is not good")
    expect(again.get_by_role("textbox", name="Link")).to_be_visible()
    assert "#" not in again.url


def test_a_link_with_control_steers_and_says_so(stranger: Stranger, start: Starter) -> None:
    running = start("Voyage", [["wait", "go"]])
    page = stranger()
    page.goto(shared(running, control=True))
    expect_live(page)
    with confirming(page):
        page.get_by_role("button", name="Cancel").click()
        expect_state(page, "CANCELLED")
    expect(page.locator("#op-result")).to_contain_text("by a link that demo shared")
    with confirming(page):
        page.get_by_role("button", name="Start again").click()
        expect_live(page)
    running.go("go")
    expect_state(page, "FINISHED_OK")


def test_without_scripts_the_link_is_pasted(stranger: Stranger, start: Starter) -> None:
    running = start("Voyage", [["wait", "go"]])
    link = shared(running)
    page = stranger(watched=False, java_script_enabled=False)
    page.goto(link)
    page.get_by_role("textbox", name="Link").fill(link)
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Voyage")
    assert page.url == f"{running.site.url}{running.url}", "nothing is left behind the #"
