"""The import of airports in a real browser: watched, reloaded, doubled, cancelled, failing."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from liveops.stages import StageState
from tests.acceptance.conftest import Site

STAGES = ["Load", "Validate", "Save", "Report"]
BAR = "#op-progress :not([data-whole]) > progress"
"""Of the stage that runs."""

HEADER = "icao,iata,name,city,subd,country,elevation,lat,lon,tz,lid\n"
ROW = '"{n:04}","","Airport {n}","City","State","DE",100,{lat},13.5,"Europe/Berlin",""\n'


@pytest.fixture
def small(tmp_path: Path) -> Callable[[int], Path]:
    """Return a function that writes a file of so many airports; each tenth has no latitude."""

    def write(rows: int) -> Path:
        path = tmp_path / "small.csv"
        body = (ROW.format(n=n, lat="?" if n % 10 == 0 else 52.5) for n in range(1, rows + 1))
        path.write_text(HEADER + "".join(body), encoding="utf-8")
        return path

    return write


def start(page: Page, *, speed: int = 0, source: Path | None = None) -> str:
    """Start an import from the form; return the operation's id once its live page is there."""
    page.goto("/import/")
    page.fill("input[name=rows_per_second]", str(speed))
    if source is not None:
        page.set_input_files("input[name=source]", str(source))
    page.click("main button[type=submit]")
    page.wait_for_url(re.compile(r"/live/[0-9a-f-]{36}/$"))
    return page.url.rstrip("/").rsplit("/", 1)[-1]


def mark(page: Page) -> None:
    """Set something on the window that a navigation would take away."""
    page.evaluate("window.stillHere = true")


def assert_never_navigated(page: Page) -> None:
    assert page.evaluate("window.stillHere") is True
    assert page.evaluate("performance.getEntriesByType('navigation').length") == 1


def expect_state(page: Page, state: str, pk: str | None = None) -> None:
    container = page.locator(f"#op-{pk}" if pk else "[data-liveop]")
    expect(container).to_have_attribute("data-liveop-state", state)


def expect_percent(page: Page, least: int) -> None:
    """Wait until the bar of the stage shows at least so many percent (a multiple of ten)."""
    wanted = re.compile(rf"^([{least // 10}-9]\d|100)(\.|$)")
    expect(page.locator(BAR)).to_have_attribute("value", wanted)


def lines(page: Page) -> list[str]:
    found = page.locator("#op-log li[data-n]")
    numbers: list[str] = found.evaluate_all("all => all.map(e => e.dataset.n)")
    return numbers


def test_the_public_list_from_the_form_to_the_picture(page: Page, site: Site) -> None:
    start(page)
    mark(page)
    page.evaluate(
        """() => {
            window.seen = {bars: new Set(), steps: [], lines: 0};
            new MutationObserver(() => {
                const bar = document.querySelector("#op-progress progress");
                if (bar && bar.value) seen.bars.add(bar.value);
                const steps = [...document.querySelectorAll("#op-stages li")]
                    .map(e => e.dataset.state).join();
                if (steps && seen.steps.at(-1) !== steps) seen.steps.push(steps);
                seen.lines = Math.max(
                    seen.lines, document.querySelectorAll("#op-log li[data-n]").length);
            }).observe(document.body, {subtree: true, childList: true, attributes: true});
        }"""
    )
    expect_state(page, "FINISHED_OK")
    assert_never_navigated(page)
    seen = page.evaluate("({...seen, bars: [...seen.bars]})")
    assert len(seen["bars"]) >= 3, "the bar moved"
    assert seen["lines"] >= 1, "the log grew"
    assert seen["steps"][-1] == ",".join([StageState.DONE.value] * 4)
    walked = [steps.split(",") for steps in seen["steps"]]
    order = {"pending": 0, "active": 1, "done": 2}
    for before, after in pairwise(walked):
        assert all(order[a] <= order[b] for a, b in zip(before, after, strict=True)), seen["steps"]
    assert any("active" in steps for steps in seen["steps"])
    expect(page.locator("#op-result")).to_contain_text("28,")
    expect(page.locator("#op-result svg.air-map")).to_be_visible()
    assert page.locator("#op-result svg path").count() >= 4


LOOK = """() => ({
    percent: document.querySelector("#op-progress :not([data-whole]) > progress").value,
    whole: document.querySelector("#op-progress [data-whole] > progress").value,
    status: document.querySelector("#op-status").innerText,
    stage: document.querySelector("#op-stages [data-state=active] .liveop-step-name")?.innerText,
    lines: [...document.querySelectorAll("#op-log li[data-n]")].map(e => e.dataset.n),
})"""


def test_a_reload_in_mid_run_shows_the_same_and_goes_on(
    page: Page, small: Callable[[int], Path]
) -> None:
    """Validate logs what it rejects; Save holds SQLite's write lock, so nothing can be saved."""
    start(page, speed=180, source=small(1200))
    for stage in ("Validate", "Save"):
        expect(page.locator("#op-stages li[data-state=active]")).to_contain_text(stage)
        expect_percent(page, 20)
        before = page.evaluate(LOOK)
        page.goto(page.url, wait_until="commit")
        page.wait_for_selector("#op-controls button")
        after = page.evaluate(LOOK)
        assert after["percent"] >= before["percent"] >= 20, "as rendered, before any frame"
        assert after["whole"] >= before["whole"] > 0
        assert after["status"] == before["status"]
        assert stage in before["stage"]
        assert after["stage"] == before["stage"]
        assert after["lines"][: len(before["lines"])] == before["lines"]
        assert len(before["lines"]) > 20
    mark(page)
    expect_state(page, "FINISHED_OK")
    assert_never_navigated(page)
    numbers = [int(number) for number in lines(page)]
    assert numbers == list(range(1, len(numbers) + 1)), "no line twice, none missing"
    assert len(numbers) > 120


def test_cancel_while_the_run_holds_the_lock_of_the_database(
    page: Page, small: Callable[[int], Path]
) -> None:
    stage = "Save"
    pk = start(page, speed=700, source=small(5000))
    mark(page)
    expect(page.locator("#op-stages li[data-state=active]")).to_contain_text(stage)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel").click()
    expect_state(page, "CANCELLED")
    assert_never_navigated(page)
    expect(page.locator("#op-stages li[data-state=cancelled]")).to_contain_text(stage)
    expect(page.locator("#op-status")).to_contain_text("Cancelled")
    assert page.locator(".liveop-connection").inner_text() == ""
    expect(page.get_by_role("button", name="Start again")).to_be_visible()
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"/live/{pk}/")
    expect(page.locator("#op-stages li[data-state=cancelled]")).to_contain_text(stage)
    assert sockets == [], "the page of a finished operation opens no socket"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("column", HEADER.replace("lat,", "").encode(), "lat"),
        (
            "encoding",
            (HEADER + ROW.format(n=10, lat=1)).encode() + b"\xe9\xff,bad\n",
            "line 3, column 1",
        ),
        ("rows", HEADER.encode(), "no rows"),
        ("rubbish", b"\x8f\x00rubbish" * 100_000, "line 1, column 1"),
    ],
)
def test_a_failing_file_says_where(
    page: Page, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    path = tmp_path / f"{name}.csv"
    path.write_bytes(content)
    start(page, source=path)
    expect_state(page, "FINISHED_ERROR")
    expect(page.locator("#op-result")).to_contain_text(re.compile(re.escape(sentence), re.I))
    expect(page.locator("#op-stages li[data-state=failed]")).to_be_visible()
