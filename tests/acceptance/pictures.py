"""`python -m tests.acceptance.pictures`: draw the pictures of the README anew, from the gallery.

    docs/images/gallery.png        the start page
    docs/images/running.png        an import of airports, in the middle
    docs/images/running-dark.png   the same in the dark
    docs/images/failed.png         a delivery that stopped, in the dark

The variable ``CHROMIUM`` names the browser.
"""

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Literal

import airportsdata
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.acceptance.conftest import BROWSER_ARGUMENTS, ROOT, Site, manage, serve

PICTURES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1100, 560


def visit(browser: Browser, site: Site, scheme: Literal["light", "dark"]) -> Page:
    """Return a page of the start page, logged in as the demo user."""
    context = browser.new_context(
        base_url=site.url,
        color_scheme=scheme,
        viewport={"width": WIDTH, "height": HEIGHT},
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto("/login/")
    page.fill("input[name=username]", "demo")
    page.fill("input[name=password]", "demo")
    page.click("main button[type=submit]")
    page.wait_for_url(f"{site.url}/")
    return page


def with_mistakes(folder: Path) -> Path:
    """Return the public list of airports in a file in which a row is wrong now and then."""
    lines = (
        Path(airportsdata.__file__)
        .with_name("airports.csv")
        .read_text(encoding="utf-8")
        .splitlines(keepends=True)
    )
    for number in range(700, len(lines), 1300):
        fields = lines[number].split(",")
        wrong = [*fields[:-4], "?", *fields[-3:]] if number % 200 else fields[:3]
        lines[number] = ",".join(wrong).rstrip() + "\n"
    path = folder / "airports.csv"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def draw(page: Page, name: str) -> None:
    """Store the whole page as a picture of the documentation."""
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


def draw_import(page: Page, folder: Path, name: str) -> None:
    """Start an import; store a picture of it from the middle, and wait until it has ended."""
    page.goto("/import/")
    page.set_input_files("input[name=source]", with_mistakes(folder))
    page.get_by_role("button", name="Start the import").click()
    label = page.locator("#op-progress").get_by_text("Validating")
    expect(label).to_be_visible(timeout=60_000)
    bar = page.locator("#op-progress :not([data-whole]) > progress")
    # Far enough for a forecast, not so far that it is over while the picture is taken.
    expect(bar).to_have_attribute("value", re.compile(r"^[5-7]\d(\.|$)"), timeout=60_000)
    draw(page, name)
    ended = page.locator("[data-liveop][data-liveop-state=FINISHED_OK]")
    expect(ended).to_be_visible(timeout=60_000)


def main(chromium: str) -> None:
    """Serve the gallery from an empty database, and draw."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        manage(folder, "migrate", "--verbosity", "0")
        manage(folder, "seed_demo")
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
        with serve(folder) as site:
            page = visit(browser, site, "light")
            draw(page, "gallery")
            draw_import(page, folder, "running")
            page = visit(browser, site, "dark")
            draw_import(page, folder, "running-dark")
            page.goto("/")
            page.get_by_role("button", name="Start the delivery").click()
            expect(page.locator("#op-result")).to_contain_text("What went wrong", timeout=60_000)
            expect(page.locator(".liveops-badge")).to_contain_text("failed", timeout=60_000)
            draw(page, "failed")
        browser.close()


if __name__ == "__main__":
    main(os.environ.get("CHROMIUM") or sys.exit("Set CHROMIUM to the path of a Chromium."))
