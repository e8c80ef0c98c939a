"""The whole gallery in a browser: every example runs in light by its button, in dark by its form.

All of them are started at once, each in a tab of its own, and then looked at; beside them runs the
nightly one as cron would run it.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from airports.models import PUBLIC_LIST
from gallery.cards import CARDS
from tests.acceptance.conftest import (
    DEADLINE_MS,
    EXAMPLE,
    Site,
    environment,
    watch_for_problems,
)
from tests.acceptance.live.conftest import assert_never_navigated, expect_state, keep, mark
from tests.acceptance.live.test_accessibility import assert_accessible
from tests.acceptance.live.test_looks import assert_fits

WIDE: ViewportSize = {"width": 1100, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 800}
LIVE = re.compile(r"/live/[0-9a-f-]{36}/$")
# What a visitor would change to have it fast; the others are fast enough.
FAST: dict[str, dict[str, str]] = {
    "import": {"rows_per_second": "0"},
    "check-site": {"failures": "1", "dependencies_retry_delay": "0"},
    "chain": {"countries_per_second": "0"},
    "deliver": {"rows_per_second": "0"},
}


@dataclass
class Gallery:
    """All examples, started, each on a page of its own.

    Attributes:
        scheme: in which everything is shown.
        pages: by the name of the card.
        home: the start page, as it was before.
    """

    scheme: Literal["light", "dark"]
    pages: dict[str, Page]
    home: Page


@pytest.fixture(scope="module")
def night(site: Site) -> Iterator["subprocess.Popen[str]"]:
    """The nightly summary, as cron runs it: no owner, no terminal."""
    with subprocess.Popen(
        [sys.executable, str(EXAMPLE / "manage.py"), "run_liveop", "gallery.NightlySummary"],
        env=environment(site.folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process


@pytest.fixture(scope="module")
def night_output(night: "subprocess.Popen[str]") -> str:
    """What the nightly summary has printed when it has ended."""
    output = night.communicate(timeout=60)[0]
    assert night.returncode == 0, output
    return output


@pytest.fixture(scope="module", params=["light", "dark"])
def gallery(  # noqa: PLR0917
    request: pytest.FixtureRequest,
    browser: Browser,
    site: Site,
    login: Any,
    night: "subprocess.Popen[str]",
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gallery]:
    """Start everything; any trouble on any page fails the last test that looks at it."""
    context = browser.new_context(
        base_url=site.url,
        viewport=WIDE,
        storage_state=login,
        color_scheme=request.param,
        reduced_motion="reduce",
    )
    context.set_default_timeout(DEADLINE_MS)
    problems: list[list[str]] = []

    def new_page() -> Page:
        page = context.new_page()
        problems.append(watch_for_problems(page))
        return page

    few = tmp_path_factory.mktemp("few") / "few.csv"
    lines = PUBLIC_LIST.read_text(encoding="utf-8").splitlines(keepends=True)
    few.write_text("".join([lines[0], *lines[1::50]]), encoding="utf-8")

    pages = {}
    home = new_page()
    home.goto("/")
    for card in CARDS:
        pages[card.name] = page = new_page()
        if request.param == "light":
            page.goto("/")
            page.get_by_role("button", name=str(card.button)).click()
        else:
            options = home.get_by_role("link", name=f"Options: {card.title}")
            page.goto(options.get_attribute("href") or "")
            fill_in(page, card.name, few)
        page.wait_for_url(LIVE)
        mark(page)
    home.reload()
    yield Gallery(request.param, pages, home)
    context.close()
    assert [problem for found in problems for problem in found] == []


def fill_in(page: Page, name: str, few: Path) -> None:
    """Change the options of an example, and start it from its form."""
    for field, value in FAST.get(name, {}).items():
        page.fill(f"[name={field}]", value)
    if name == "import":
        page.set_input_files("input[name=source]", str(few))
    if name == "chain":
        page.get_by_label("Part of the world").select_option("Oceania")
    if name == "check-site":
        page.get_by_role("checkbox", name="Migrations").uncheck()
        page.get_by_role("checkbox", name="Static files").uncheck()
    page.locator("main form button").click()


def expect_stages(page: Page, *states: str) -> None:
    """Wait until the stages of the page are in these states."""
    steps = page.locator("#op-stages li")
    expect(steps).to_have_count(len(states))
    for number, state in enumerate(states):
        expect(steps.nth(number)).to_have_attribute("data-state", state)


def look(gallery: Gallery, name: str) -> None:
    """Check the page of an example on a phone and on a wide screen; keep a picture."""
    page = gallery.pages[name]
    for size in (PHONE, WIDE):
        page.set_viewport_size(size)
        assert_fits(page)
    keep(page, f"gallery-{name}-{gallery.scheme}")


def test_the_start_page_says_what_runs(gallery: Gallery) -> None:
    page = gallery.home
    expect(page.get_by_role("heading", level=2)).to_have_count(len(CARDS) + 1)
    expect(page.locator(".liveops-badge")).to_be_visible()
    last = page.get_by_role("region", name="Your last operations").get_by_role("listitem")
    expect(last).to_have_count(5)
    for size, where in ((WIDE, ""), (PHONE, "-phone")):
        page.set_viewport_size(size)
        assert_fits(page)
        keep(page, f"gallery-{gallery.scheme}{where}")


def test_the_chain_goes_on_before_my_eyes(gallery: Gallery) -> None:
    page = gallery.pages["chain"]
    expect(page.get_by_role("heading", level=1)).to_have_text("Report on the countries")
    expect_state(page, "FINISHED_OK")
    expect_stages(page, "done", "done")
    assert_never_navigated(page)
    expect(page.locator("#op-result table tbody tr")).to_have_count(
        5 if gallery.scheme == "light" else 1
    )
    expect(page.locator("#op-result")).to_contain_text(
        "China" if gallery.scheme == "light" else "Australia"
    )
    look(gallery, "chain")


def test_the_delivery_fails_and_goes_on_where_it_stopped(gallery: Gallery) -> None:
    page = gallery.pages["deliver"]
    expect_state(page, "FINISHED_ERROR")
    expect_stages(page, "done", "failed", "pending")
    expect(page.locator("#op-result")).to_contain_text("The warehouse does not answer.")
    look(gallery, "deliver")
    page.get_by_role("checkbox", name="The warehouse answers").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The warehouse answers again. Now press Resume.")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Resume").click()
    expect_state(page, "FINISHED_OK")
    expect_stages(page, "done", "done", "done")
    rows = page.get_by_role("table", name="Stages").get_by_role("row")
    expect(rows.nth(1)).to_have_text(re.compile(r"Pack.*\d+ airports packed.*kept", re.DOTALL))
    expect(rows.nth(2)).to_have_text(re.compile(r"Deliver.*in the last run", re.DOTALL))
    expect(page.get_by_role("button", name="Save")).to_be_hidden()


def test_many_links_are_followed_at_once(gallery: Gallery) -> None:
    page = gallery.pages["links"]
    expect_state(page, "FINISHED_OK")
    expect_stages(page, "done", "done", "done")
    assert_never_navigated(page)
    asked, broken = page.locator("#op-result dd").all_inner_texts()[:2]
    assert int(asked) > 30
    # All pages of the gallery are there; what the documentation leads to, its own tests see to.
    listed = page.locator("#op-result h3:has-text('nowhere') + ul code").all_inner_texts()
    assert len(listed) == int(broken)
    assert [path for path in listed if not path.startswith("/docs/")] == []
    look(gallery, "links")


def test_the_check_is_retried(gallery: Gallery) -> None:
    page = gallery.pages["check-site"]
    expect_state(page, "FINISHED_OK")
    left_out = "done" if gallery.scheme == "light" else "skipped"
    expect_stages(page, "done", left_out, left_out, "done")
    attempt = 3 if gallery.scheme == "light" else 2
    expect(page.locator("#op-stages li").last).to_contain_text(f"attempt {attempt} of 4")
    assert_never_navigated(page)
    look(gallery, "check-site")


def test_the_night_is_in_the_list_and_belongs_to_nobody(
    gallery: Gallery, night_output: str
) -> None:
    assert "=== [1/2] Tidy up ===" in night_output
    assert "Deleted 0 operations." in night_output
    page = gallery.pages["nightly"]
    expect_state(page, "FINISHED_OK")
    expect_stages(page, "done", "done")
    assert_never_navigated(page)
    look(gallery, "nightly")
    page.goto("/nightly/")
    expect(page.locator("main pre").first).to_contain_text("15 2 * * *")
    expect(page.get_by_role("listitem").filter(has_text="the system ·")).to_have_count(1)
    page.goto("/live/?type=gallery.NightlySummary")
    rows = page.locator("#liveops-rows li")
    own = rows.filter(has=page.locator(".liveops-owner[title]"))
    started_here = 1 if gallery.scheme == "light" else 2
    expect(own).to_have_count(started_here)
    expect(rows).to_have_count(started_here + 1)
    expect(rows.last).to_contain_text("Succeeded")


def test_the_import_ends_with_a_map(gallery: Gallery) -> None:
    page = gallery.pages["import"]
    expect_state(page, "FINISHED_OK")
    expect_stages(page, "done", "done", "done", "done")
    assert_never_navigated(page)
    expect(page.locator("#op-result svg.air-map")).to_be_visible()
    look(gallery, "import")


def test_texts_stand_out_and_headings_are_in_order(page: Page) -> None:
    """By axe, in light and in dark: the start page, a live page of its own, source and docs."""
    page.goto("/")
    assert_accessible(page, "start page")
    page.get_by_role("button", name="Start the delivery").click()
    expect_state(page, "FINISHED_ERROR")
    assert_accessible(page, "failed delivery")
    page.goto("/source/deliver/")
    assert_accessible(page, "source")
