"""The way between server and page breaks, or never was: the page says so, and heals by itself."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.acceptance.live.conftest import (
    Starter,
    assert_never_navigated,
    count_sockets,
    expect_stage,
    expect_state,
    go,
    mark,
)

Visitor = Callable[..., Page]
INDICATOR = "[data-liveop] .liveop-connection"


def test_several_operations_share_the_socket(page: Page, start: Starter) -> None:
    running = [start("Voyage", [["wait", "go"], ["result", {"n": n}]]) for n in range(3)]
    sockets = count_sockets(page)
    page.goto("/board/?" + "&".join(f"op={one.pk}" for one in running))
    mark(page)
    for one in running:
        live = page.locator(f"#op-{one.pk}")
        expect(live).to_have_attribute("data-liveop-connection", "live")
    for n, one in enumerate(running):
        one.go("go")
        expect_state(page, "FINISHED_OK", one.pk)
        expect(page.locator(f"#op-{one.pk} #op-result")).to_contain_text(str(n))
    assert_never_navigated(page)
    assert len(sockets) == 1


BLOCK_SOCKETS = """window.WebSocket = class extends EventTarget {
    constructor() {
        super();
        setTimeout(() => {
            const closing = new CloseEvent("close", {code: 1006});
            this.onerror?.(new Event("error"));
            this.onclose?.(closing);
            this.dispatchEvent(closing);
        });
    }
    close() {}
    send() {}
};"""


def test_without_sockets_the_page_fetches_and_stops_in_the_end(page: Page, start: Starter) -> None:
    """It does so across a chain, too."""
    second = start.key()
    flight = {"key": second, "plan": [["stage", "Climb", [["log", "up"], ["wait", "go"]]]]}
    first = start("Departure", [["log", "boarding"], ["wait", "go"], ["chain", "Flight", flight]])
    page.add_init_script(BLOCK_SOCKETS)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/snapshot/" in one.url else None)
    page.goto(first.url)
    mark(page)
    expect(page.locator(INDICATOR)).to_have_text("Updated every 2 seconds")
    first.go("go")
    expect(page.get_by_role("heading", level=1)).to_have_text("Flight")
    expect(page.locator(INDICATOR)).to_have_text("Updated every 2 seconds")
    expect_stage(page, "Climb", "active")
    go(first.site, second, "go")
    expect_state(page, "FINISHED_OK")
    expect(page.locator("#op-log")).to_contain_text("up")
    expect(page.locator(INDICATOR)).to_be_empty()
    assert_never_navigated(page)
    asked.clear()
    page.clock.install()  # and with it other clocks, by which this page has never navigated
    page.clock.run_for(20_000)
    assert asked == [], "nothing is asked for after the end"


def test_without_javascript_the_page_is_complete(visitor: Visitor, start: Starter) -> None:
    running = start(
        "Voyage",
        [
            ["stage", "Load", [["log", "row {}", "info", 30]]],
            ["stage", "Validate", [["log", "checking"], ["wait", "go"]]],
            ["result", {"count": 30}],
        ],
    )
    page = visitor("demo", java_script_enabled=False)
    page.goto(running.url)
    expect(page.locator('#op-stages li[data-stage="Validate"]')).to_contain_text("running")
    expect(page.locator('#op-log li[data-n="30"]')).to_be_visible()
    running.go("go")
    expect(page.locator("#op-result")).to_contain_text("30")  # it refreshes itself
    page.get_by_role("button", name="Start again").click()
    page.wait_for_url(f"**{running.url}")
    expect(page.locator("#op-status")).to_contain_text("Succeeded")
    page.goto("/live/")
    expect(page.locator(f"#liveops-row-{running.pk}")).to_contain_text("Succeeded")
    page.goto("/plan/")
    page.get_by_role("textbox", name="Plan").fill('[["wait", "never"]]')
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#op-status")).to_contain_text("Running")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#op-status")).to_contain_text("Cancelled")
