"""Every page under ``default-src 'self'``: one table, and what is pushed to them."""

import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

from tests.acceptance.conftest import Site, watch_for_requests
from tests.acceptance.live.conftest import (
    Starter,
    expect_live,
    expect_stage,
    expect_state,
    post,
    stored,
)

ADMIN = "/admin/liveops/liveoperation"
LISTEN = (
    "window.breaches = []; document.addEventListener('securitypolicyviolation', e =>"
    " breaches.push(e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample))"
)
PAGES = {
    "list": "/live/",
    "list, searched": "/live/?q=sea",
    "list, one state": "/live/?state=FINISHED_ERROR",
    "list, nothing found": "/live/?q=nowhere",
    "form": "/plan/",
    "several on one page": "/board/?op={FINISHED_OK}&op={FINISHED_ERROR}",
    "succeeded": "/live/{FINISHED_OK}/",
    "failed": "/live/{FINISHED_ERROR}/",
    "cancelled": "/live/{CANCELLED}/",
    "interrupted": "/live/{INTERRUPTED}/",
    "traceback": "/live/{FINISHED_ERROR}/traceback/",
    "admin": "/admin/",
    "admin's list": f"{ADMIN}/",
    "admin's list, filtered": f"{ADMIN}/?state=FINISHED_OK",
    "record, succeeded": f"{ADMIN}/{{FINISHED_OK}}/change/",
    "record, failed": f"{ADMIN}/{{FINISHED_ERROR}}/change/",
    "deletion": f"{ADMIN}/{{FINISHED_OK}}/delete/",
    "refusal of a request without sense": "/live/{FINISHED_OK}/log/?before=x",
}
"""Addresses, with the state of the operation that is meant."""


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that notes what its policy forbids; that an answer is a refusal is no trouble here."""
    page = context.new_page()
    page.add_init_script(LISTEN)
    told: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            told.append(message.text)

    page.on("console", note)
    yield page
    assert told == []


def opened(page: Page, address: str, *, status: int = 200) -> None:
    """Open a page; check its policy, and that nothing on it goes against that."""
    response = page.goto(address)
    assert response is not None
    assert response.status == status, address
    policy = response.headers["content-security-policy"]
    assert "default-src 'self';" in f"{policy};", address
    assert "unsafe" not in policy, address
    assert "script-src" not in policy, "no exception from the default"
    assert "style-src" not in policy, "likewise"
    assert_kept(page, address)


def assert_kept(page: Page, what: str) -> None:
    """Check that nothing on the page went against its policy, now that scripts have run."""
    page.wait_for_load_state("load")
    assert page.evaluate("breaches") == [], what
    if page.evaluate("document.contentType") != "text/html":
        return  # what shows plain text is the browser's own
    inline = "document.querySelectorAll('[style], style, script:not([src])').length"
    assert page.evaluate(inline) == 0, what


@pytest.fixture
def ended(site: Site) -> dict[str, str]:
    """Return the ids of operations that ended, one in each way there is."""
    found = {}
    for state in ("FINISHED_OK", "FINISHED_ERROR", "CANCELLED", "INTERRUPTED"):
        past = {"owner": "demo", "model": "Voyage", "state": state, "count": 1, "text": "At sea"}
        post(site, "/past/", past)
        query = "SELECT id FROM liveops_liveoperation WHERE state = ? ORDER BY created_on DESC"
        found[state] = str(uuid.UUID(stored(site, query, state)[0][0]))
    return found


@pytest.mark.promise("strict-policy-on-every-page")
def test_every_page_keeps_to_the_policy(page: Page, start: Starter, ended: dict[str, str]) -> None:
    waits = [["stage", "Load", [["fail", "The table is in use."]]]]
    failing = start("Voyage", waits)
    page.goto(failing.url)
    expect_state(page, "FINISHED_ERROR")
    ended["FINISHED_ERROR"] = failing.pk  # one with a traceback
    for what, address in PAGES.items():
        expected = 400 if what.startswith("refusal") else 200
        opened(page, address.format(**ended), status=expected)
    page.goto("/plan/")
    page.get_by_role("textbox", name="Plan").fill("no JSON")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Enter a valid JSON.")).to_be_visible()
    assert_kept(page, "form with an error")


@pytest.mark.promise("strict-policy-for-what-is-pushed")
def test_what_is_pushed_keeps_to_the_policy(page: Page, start: Starter) -> None:
    following = {"key": start.key(), "plan": [["stage", "Climb", [["fail", "No wind."]]]]}
    told = [["status", "Under way", "warning"], ["log", "boarding", "error", 3]]
    running = start(
        "Departure",
        [
            ["stage", "Board", [*told, ["track", "Boarding", 10, {"5": "go"}]]],
            ["chain", "Flight", following],
        ],
    )
    record = page.context.new_page()
    record.add_init_script(LISTEN)
    opened(record, f"{ADMIN}/{running.pk}/change/")
    opened(page, running.url)
    for watched in (page, record):
        expect_live(watched)
        expect_stage(watched, "Board", "active")
    search = page.get_by_role("searchbox", name="Search the log")
    search.fill("boarding")
    search.press("Enter")
    expect(page.locator("#op-log mark").first).to_have_text("boarding")
    assert_kept(page, "search in the log")
    running.go("go")
    expect(page.get_by_role("heading", level=1)).to_have_text("Flight")
    expect_state(page, "FINISHED_ERROR")
    assert_kept(page, "a chain that was followed")
    assert_kept(record, "a record that was pushed to")
    record.close()


@pytest.mark.promise("browsers-ask-here-alone")
@pytest.mark.parametrize(
    ("url", "is_outside"),
    [
        ("http://127.0.0.1:8000/live/", False),
        ("http://localhost/", False),
        ("data:image/png;base64,AA", False),
        ("blob:http://127.0.0.1:8000/1", False),
        ("https://cdn.example.org/x.js", True),
        ("http://10.0.0.1/", True),
    ],
)
def test_a_request_to_another_machine_is_noticed(url: str, is_outside: bool) -> None:
    """The fixture of the browser, which all these tests share, fails the file for any of them."""
    listeners: list[Callable[[Any], None]] = []
    context = SimpleNamespace(on=lambda event, listener: listeners.append(listener))
    browser: Any = SimpleNamespace(new_context=lambda **options: context)
    outside = watch_for_requests(browser)
    browser.new_context(base_url="http://127.0.0.1:8000")
    (listener,) = listeners
    listener(SimpleNamespace(url=url, frame=SimpleNamespace(url="http://127.0.0.1:8000/")))
    assert bool(outside) == is_outside
