"""Stages that are retried and skipped, watched in a real browser while it happens."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import DEADLINE_MS, Site, serve
from tests.acceptance.databases import migrated

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.acceptance.stage_ops_settings"}

Release = Callable[..., None]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The example project with the test operations under Daphne."""
    folder = tmp_path_factory.mktemp("stages")
    migrated(folder, SETTINGS["DJANGO_SETTINGS_MODULE"])
    with serve(folder, **SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def login() -> Any:
    """Nobody is logged in yet: the page that starts the operation sees to that."""
    expect.set_options(timeout=DEADLINE_MS)


@pytest.fixture
def release(page: Page, tmp_path: Path) -> Release:
    """Start an operation and open its page; return a function that lets it take a step."""

    def let_go(step: str, reason: str = "") -> None:
        written = tmp_path / f"{step}.new"
        written.write_text(reason, encoding="utf-8")
        written.rename(tmp_path / step)

    page.goto(f"/flaky/?folder={tmp_path}")
    page.wait_for_url(re.compile(r"/live/[0-9a-f-]{36}/$"))
    return let_go


def expect_stage(page: Page, name: str, words: str) -> None:
    """Wait until a stage says so, in the words that are seen or heard."""
    step = page.locator("#op-stages li").filter(has=page.get_by_text(name, exact=True))
    expect(step.locator(".liveop-step-state")).to_have_text(words)


RECORD = """() => {
    window.seen = [];
    const look = () => {
        const steps = [...document.querySelectorAll("#op-stages li")];
        const now = JSON.stringify(steps.map(e => [
            e.dataset.state,
            e.querySelector(".liveop-step-state").textContent.trim(),
            e.getAttribute("aria-current"),
        ]));
        if (steps.length && seen.at(-1) !== now) seen.push(now);
    };
    look();
    new MutationObserver(look).observe(document.body, {subtree: true, childList: true});
}"""


def recorded(page: Page) -> list[list[tuple[str, str, bool]]]:
    """Return what each stage went through: states, words, and whether it was the current one."""
    moments = page.evaluate("seen.map(JSON.parse)")
    walks: list[list[tuple[str, str, bool]]] = []
    for stage in zip(*moments, strict=True):
        walk: list[tuple[str, str, bool]] = []
        for state, words, current in stage:
            step = (state, words, current == "step")
            walk += [step] if step not in walk[-1:] else []
        walks.append(walk)
    return walks


def log_lines(page: Page) -> list[str]:
    return page.locator("#op-log li[data-n] .liveop-text").all_inner_texts()


def test_two_retries_and_a_skip_are_seen_live(page: Page, release: Release) -> None:
    expect_stage(page, "Build", "running")
    page.evaluate(RECORD)
    release("build")
    expect_stage(page, "Migrate", "running")
    for number, reason in enumerate(["The database is locked.", "The disk is full."], start=1):
        log = page.locator("#op-log")
        expect(log).to_contain_text(f"Try number {number}.")
        release(f"migrate-{number}", reason)
        expect_stage(page, "Migrate", f"retrying, attempt {number} of 4 failed")
        expect(log).to_contain_text(f"Attempt {number} failed: {reason}")
        release(f"retry-{number}")
        expect_stage(page, "Migrate", f"running, attempt {number + 1} of 4")
    release("migrate-3")
    expect_stage(page, "Migrate", "done, attempt 3 of 4")
    expect_stage(page, "Notify", "skipped")
    expect_stage(page, "Publish", "running")
    release("publish")
    expect(page.locator("[data-liveop]")).to_have_attribute("data-liveop-state", "FINISHED_OK")

    build, migrate, notify, publish = recorded(page)
    assert build == [("active", "running", True), ("done", "done", False)]
    assert migrate == [
        ("pending", "pending", False),
        ("active", "running", True),
        ("retrying", "retrying, attempt 1 of 4 failed", True),
        ("active", "running, attempt 2 of 4", True),
        ("retrying", "retrying, attempt 2 of 4 failed", True),
        ("active", "running, attempt 3 of 4", True),
        ("done", "done, attempt 3 of 4", False),
    ]
    assert notify == [("pending", "pending", False), ("skipped", "skipped", False)]
    assert publish == [
        ("pending", "pending", False),
        ("active", "running", True),
        ("done", "done", False),
    ]
    lines = log_lines(page)
    told = [line for line in lines if re.search(r"Try number|Attempt \d", line)]
    assert [re.findall(r"Try number \d|Attempt \d failed", line) for line in told] == [
        ["Try number 1"],
        ["Attempt 1 failed"],
        ["Try number 2"],
        ["Attempt 2 failed"],
        ["Try number 3"],
    ]
    assert any("Skipped" in line for line in lines)
    assert "Everybody knows." not in lines, "the body of the skipped stage"
    assert page.evaluate("performance.getEntriesByType('navigation').length") == 1


STEPS = """() => [...document.querySelectorAll("#op-stages li")].map(e => ({
    state: e.dataset.state, attempt: e.dataset.attempt, current: e.getAttribute("aria-current"),
    texts: [...e.querySelectorAll(".liveop-step > *")]
        .map(part => part.querySelector("time") ? "a clock" : part.innerText),
}))"""


def test_a_reload_in_mid_retry_shows_the_same_and_goes_on(page: Page, release: Release) -> None:
    release("build")
    release("migrate-1", "The database is locked.")
    expect_stage(page, "Migrate", "retrying, attempt 1 of 4 failed")
    before = page.evaluate(STEPS)
    # Without its script the page stays as it was rendered: no snapshot comes.
    page.route("**/liveops.js", lambda route: route.fulfill(content_type="text/javascript"))
    page.reload()
    assert page.evaluate(STEPS) == before, "as rendered"
    page.unroute("**/liveops.js")
    page.reload()
    expect(page.locator("[data-liveop]")).to_have_attribute("data-liveop-connection", "live")
    assert page.evaluate(STEPS) == before, "after the snapshot"
    release("retry-1")
    expect_stage(page, "Migrate", "running, attempt 2 of 4")
    before = page.evaluate(STEPS)
    page.reload()
    assert page.evaluate(STEPS) == before
    release("migrate-2")
    expect_stage(page, "Migrate", "done, attempt 2 of 4")
    release("publish")
    expect(page.locator("[data-liveop]")).to_have_attribute("data-liveop-state", "FINISHED_OK")
    before = page.evaluate(STEPS)
    page.reload()
    assert page.evaluate(STEPS) == before


CONTRASTS = """() => {
    const channels = color => color.match(/[\\d.]+/g).map(Number);
    const light = color => channels(color).slice(0, 3).map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = e => {
        const color = getComputedStyle(e).backgroundColor;
        return (channels(color)[3] ?? 1) > 0 ? color : behind(e.parentElement);
    };
    const contrast = (one, other) => {
        const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    const tone = e => {
        const probe = e.appendChild(document.createElement("i"));
        probe.style.color = "var(--liveop-tone, var(--liveop-muted))";
        const color = getComputedStyle(probe).color;
        probe.remove();
        return color;
    };
    return [...document.querySelectorAll("#op-stages li")].map(e => ({
        texts: [...e.querySelectorAll(".liveop-step > *")].map(
            span => contrast(getComputedStyle(span).color, behind(span))),
        icon: contrast(tone(e), behind(e)),
    }));
}"""

LAYOUT = """() => [...document.querySelectorAll("#op-stages li")].map(e => {
    const spans = [...e.querySelectorAll(".liveop-step > *")];
    const parts = spans.map(span => span.getBoundingClientRect());
    const box = e.getBoundingClientRect();
    return {
        inside: parts.every(p => p.left >= box.left && p.right <= box.right + 0.5),
        shape: getComputedStyle(e.querySelector(".liveop-icon"), "::after").clipPath,
        arrow: getComputedStyle(e.querySelector(".liveop-icon"), "::before").content,
        turning: getComputedStyle(e.querySelector(".liveop-icon")).animationDuration,
    };
})"""


def test_the_stepper_is_legible_for_everybody(page: Page, release: Release) -> None:
    """In mid-retry and with a stage skipped; light and dark; wide and on a phone; unmoved."""
    page.emulate_media(reduced_motion="reduce")
    release("build")
    release("migrate-1", "The database is locked.")
    expect_stage(page, "Migrate", "retrying, attempt 1 of 4 failed")
    assert_legible(page)
    for step in ("retry-1", "migrate-2"):
        release(step)
    expect_stage(page, "Publish", "running")
    assert_legible(page)
    release("publish")


def assert_legible(page: Page) -> None:
    expect(page.get_by_role("list", name="Stages")).to_be_visible()
    expect(page.locator("#op-stages [aria-current=step]")).to_have_count(1)
    items = page.get_by_role("list", name="Stages").get_by_role("listitem")
    expect(items).to_have_count(4)
    for item in items.all():
        expect(item.locator(".liveop-icon")).to_have_attribute("aria-hidden", "true")
        expect(item.locator(".liveop-step-state")).not_to_be_empty()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for found in page.evaluate(CONTRASTS):
            assert min(found["texts"]) >= 4.5, (scheme, found)
            assert found["icon"] >= 3, (scheme, found)
    for width in (1100, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        layout = page.evaluate(LAYOUT)
        assert all(item["inside"] for item in layout), (width, layout)
        assert {item["turning"] for item in layout} == {"0s"}
        looks = {(item["shape"], item["arrow"]) for item in layout}
        states = page.evaluate(STEPS)
        assert len(looks) == len({item["state"] for item in states}), "each state has its own shape"
