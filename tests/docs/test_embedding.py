"""What docs/how-to/embedding.md says works does, in Chromium, under ``default-src 'self'``."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.acceptance.conftest import ROOT, Site, serve, watch_for_problems
from tests.acceptance.conftest import browser as browser  # noqa: PLC0414  (a fixture)
from tests.acceptance.live.conftest import count_sockets
from tests.docs import embedding_site

pytestmark = pytest.mark.browser
DEADLINE_MS = 20_000
Start = Callable[[], str]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The site under Daphne."""
    expect.set_options(timeout=DEADLINE_MS)
    with tempfile.TemporaryDirectory(prefix="docs-") as path:
        folder = Path(path)
        embedding_site.build(folder)
        paths = f"{folder}:{ROOT}"
        more = {"DJANGO_SETTINGS_MODULE": "mysite", "PYTHONPATH": paths}
        with serve(folder, "asgi:application", "/up/", **more) as running:
            yield running


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """A browser context of nobody yet."""
    context = browser.new_context(base_url=site.url, reduced_motion="reduce")
    context.set_default_timeout(DEADLINE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails its test on a script error or a breach of the policy."""
    page = context.new_page()
    problems = watch_for_problems(page)
    yield page
    assert problems == []


@pytest.fixture
def start(context: BrowserContext) -> Start:
    """Return a function that logs in, starts a patrol, and returns its id."""
    return lambda: context.request.get("/start/").text()


def expect_moving(page: Page, pk: str) -> None:
    """Wait until an operation on the page is followed, and two of its rounds came one by one."""
    container = page.locator(f"#op-{pk}").first
    expect(container).to_have_attribute("data-liveop-connection", "live")
    log = container.locator("#op-log")
    last = container.locator("#op-log [data-n]").last
    expect(last).to_be_attached()
    seen = last.text_content() or ""
    expect(last).not_to_have_text(seen)
    expect(log).to_contain_text("all is quiet")


def cancel(page: Page, pk: str) -> None:
    """Press its button, and wait until it is cancelled, with the page still there."""
    page.evaluate("window.stillHere = true")
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator(f"#op-{pk}").first.get_by_role("button", name="Cancel").click()
    container = page.locator(f"#op-{pk}").first
    expect(container).to_have_attribute("data-liveop-state", "CANCELLED")
    assert page.evaluate("window.stillHere") is True


def bring(page: Page, pk: str) -> None:
    """Have htmx bring the fragment with an operation."""
    page.evaluate("url => htmx.ajax('GET', url, '#place')", f"/fragment/{pk}/")


def show(page: Page, pk: str) -> None:
    """Have the page's own script bring it."""
    page.evaluate("url => show(url, document.querySelector('#place'))", f"/fragment/{pk}/")


def test_several_share_a_socket(page: Page, start: Start) -> None:
    sockets = count_sockets(page)
    first, second = start(), start()
    page.goto("/panel/")
    expect_moving(page, first)
    expect_moving(page, second)
    assert len(sockets) == 1
    expect(page.locator(".liveops-badge")).to_contain_text("running")
    cancel(page, first)
    cancel(page, second)


def test_a_dialog_brings_one_and_is_emptied(page: Page, start: Start) -> None:
    pk = start()
    page.goto("/panel/")
    # Of a click, the second half may meet another element: the badge above may just become higher.
    page.locator(f"button[hx-get='/fragment/{pk}/']").press("Enter")
    dialog = page.locator("dialog")
    expect(dialog.locator(f"#op-{pk}")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_empty()
    expect_moving(page, pk)
    cancel(page, pk)


def test_what_htmx_brings_is_followed_and_let_go(page: Page, start: Start) -> None:
    pk = start()
    page.goto("/bare/?assets")
    with page.expect_websocket() as opened:
        bring(page, pk)
    expect_moving(page, pk)
    with opened.value.expect_event("close"):
        page.evaluate("htmx.ajax('GET', '/up/', '#place')")
    bring(page, pk)
    expect_moving(page, pk)
    cancel(page, pk)


def test_twice_the_same_htmx_does_no_harm(page: Page, start: Start) -> None:
    pk = start()
    page.goto("/bare/?assets&own=2")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Up").click()
    expect(page.locator("#place")).to_have_text("yes")
    show(page, pk)
    expect_moving(page, pk)
    cancel(page, pk)
    assert len([url for url in asked if url.endswith(("/up/", "/cancel/"))]) == 2, asked


def test_a_frame_in_a_page_with_htmx_4(page: Page, start: Start) -> None:
    pk = start()
    page.goto("/bare/?own=4")
    add = "url => { const f = document.createElement('iframe'); f.src = url; place.append(f); }"
    page.evaluate(add, f"/live/{pk}/")
    frame = page.frame_locator("iframe")
    last = frame.locator("#op-log [data-n]").last
    expect(last).to_be_attached()
    seen = last.text_content() or ""
    expect(last).not_to_have_text(seen)


def test_what_a_script_brings_is_followed_and_let_go(page: Page, start: Start) -> None:
    pk, other = start(), start()
    page.goto("/bare/?assets")
    show(page, pk)
    expect_moving(page, pk)
    cancel(page, pk)
    with page.expect_websocket() as opened:
        show(page, other)
    expect_moving(page, other)
    with opened.value.expect_event("close"):
        page.evaluate("place.replaceChildren(); liveops.init()")


def test_a_guest_watches_without_controls(page: Page, start: Start) -> None:
    pk = start()
    page.context.clear_cookies()
    page.goto("/guest/")
    expect_moving(page, pk)
    expect(page.locator("#op-controls button")).to_have_count(0)


def test_a_front_end_of_its_own(page: Page, start: Start) -> None:
    pk = start()
    page.goto("/bare/")
    page.evaluate("pk => { window.shown = []; follow(pk, x => shown.push(x)); }", pk)
    page.wait_for_function("() => shown.some(x => x.percent > 0)")
    cancelling = page.context.new_page()
    cancelling.goto("/panel/")
    cancel(cancelling, pk)
    page.wait_for_function("() => shown.at(-1).state === 'CANCELLED'")


LOOK = """sheet => new Promise(done => {
    const link = document.createElement('link');
    Object.assign(link, {rel: 'stylesheet', href: '/static/shop/' + sheet, onload: () => {
        const style = getComputedStyle(document.querySelector('.liveop'));
        const names = ['--liveop-accent', '--liveop-log-height', 'background-color'];
        done(names.map(name => style.getPropertyValue(name)));
    }});
    document.head.append(link);
})"""


def test_the_page_in_a_design_of_its_own(page: Page, start: Start) -> None:
    pk = start()
    page.goto(f"/live/{pk}/")
    expect_moving(page, pk)
    expect(page.locator("main p", has_text="Walks round the shop.")).to_be_visible()
    badge = page.locator("#op-status span.badge")
    expect(badge).to_have_attribute("data-state", "STARTED")
    assert page.evaluate(LOOK, "design.css")[0] == ""  # what there is no Bootstrap for is not set
    assert page.evaluate(LOOK, "utilities.css")[1] == "24rem"
    cancel(page, pk)
    expect(badge).to_have_attribute("data-state", "CANCELLED")
    assert page.title()


def test_dark_by_a_class(page: Page, start: Start) -> None:
    start()
    page.emulate_media(color_scheme="dark")
    page.goto("/guest/")
    light = page.evaluate(LOOK, "dark.css")[2]
    page.evaluate("document.documentElement.classList.add('dark')")
    dark = page.evaluate(LOOK, "dark.css")[2]
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(13, 17, 23)")
