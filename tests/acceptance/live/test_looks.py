"""How the pages look: light and dark, on a phone, from right to left, unmoved."""

import contextlib
from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.acceptance.conftest import Site
from tests.acceptance.live.conftest import (
    Started,
    Starter,
    database,
    expect_live,
    expect_stage,
    expect_state,
    keep,
    post,
)

Visitor = Callable[..., Page]
WIDE: ViewportSize = {"width": 1100, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 740}
SMALL: ViewportSize = {"width": 390, "height": 844}
LANGUAGES = ("ar", "de", "es", "fr", "ja", "pl", "pt", "uk", "zh-hans")

Scheme = Literal["light", "dark"]
Picture = tuple[str, Scheme, ViewportSize]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

LONG_NAME = "An operation that somebody gave a name without an end " + "Donaudampfschiff" * 6


PLAN: list[Any] = [
    [
        "stage",
        "Load",
        [
            ["log", "reading /srv/incoming/airports.csv"],
            ["log", "row {} of the file", "info", 30],
            ["log", "saved nothing yet", "debug"],
        ],
    ],
    [
        "stage",
        "Validate",
        [
            ["status", "Checking the rows of the file one by one"],
            ["log", "line 12: no latitude", "warning"],
            ["log", "line 14: " + "no_spaces_anywhere_" * 12, "warning"],
            ["track", "Validating", 200, {"90": "go"}],
        ],
    ],
    ["stage", "Save", [["fail", "The table is in use by somebody else.", "mended"]]],
    ["result", {"count": 30, "a_key_without_an_end": "value" * 60}],
]


@pytest.fixture
def running(start: Starter) -> Started:
    """An operation that shows everything there is to see."""
    return start("Voyage", PLAN)


def assert_fits(page: Page) -> None:
    """Check that nothing makes the page scroll sideways."""
    width, seen = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    wide = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter(
            e => e.getBoundingClientRect().right > innerWidth + 1
                || e.getBoundingClientRect().left < -1)
            .map(e => e.outerHTML.slice(0, 90)).slice(0, 5)"""
    )
    assert width <= seen, wide


def test_an_operation_in_every_light_and_width(page: Page, running: Started) -> None:
    page.goto(running.url)
    expect_stage(page, "Validate", "active")
    expect_live(page)
    pictures: list[Picture] = [
        ("running-light", "light", WIDE),
        ("running-dark", "dark", WIDE),
        ("running-phone", "light", PHONE),
        ("running-phone-dark", "dark", PHONE),
    ]
    for name, scheme, size in pictures:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        assert_fits(page)
        keep(page, name)
    running.go("go")
    expect_state(page, "FINISHED_ERROR")
    page.reload()
    assert_fits(page)
    keep(page, "failed-phone")
    page.set_viewport_size(WIDE)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        keep(page, f"failed-{scheme}")
    running.go("mended")
    page.emulate_media(color_scheme="light")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Start again").click()
    expect_state(page, "FINISHED_OK")
    keep(page, "finished")
    page.set_viewport_size(PHONE)
    assert_fits(page)


def test_nothing_moves_for_those_who_want_that(page: Page, running: Started) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(running.url)
    expect_stage(page, "Validate", "active")
    moving = "() => document.getAnimations().filter(a => a.playState === 'running').length"
    assert page.evaluate(moving) == 0
    page.emulate_media(reduced_motion="no-preference")
    page.wait_for_function(f"() => ({moving})() > 0")


def test_the_list_in_every_light_and_width(visitor: Visitor, start: Starter, site: Site) -> None:
    for state in ("FINISHED_OK", "FINISHED_ERROR", "CANCELLED", "INTERRUPTED"):
        fields = {"owner": "painter", "model": "Voyage", "state": state, "text": LONG_NAME}
        post(site, "/past/", {**fields, "count": 2})
    start("Voyage", [["status", "On the way"], ["percent", 30], ["wait", "go"]], owner="painter")
    page = visitor("painter")
    page.goto("/live/")
    expect(page.locator("#liveops-rows li").first).to_contain_text("Running")
    pictures: list[Picture] = [
        ("list-light", "light", WIDE),
        ("list-dark", "dark", WIDE),
        ("list-phone", "light", PHONE),
    ]
    for name, scheme, size in pictures:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        assert_fits(page)
        keep(page, name)


def test_from_right_to_left(visitor: Visitor, start: Starter) -> None:
    page = visitor("demo", locale="ar")
    running = start("Voyage", PLAN, language="ar")
    page.goto(running.url)
    for part in ("html", ".liveop"):
        expect(page.locator(part)).to_have_attribute("dir", "rtl")
    expect_stage(page, "Validate", "active")
    expect_live(page)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width, size in (("", WIDE), ("-phone", SMALL)):
            page.set_viewport_size(size)
            assert_fits(page)
            keep(page, f"running-ar-{scheme}{width}")
    page.set_viewport_size(WIDE)
    icon, name, panel = (
        page.locator(part).bounding_box()
        for part in (".liveop-steps .liveop-icon >> nth=0", ".liveop-step-name >> nth=0", "#op-log")
    )
    assert icon is not None
    assert name is not None
    assert panel is not None
    assert icon["x"] > name["x"], "the icon stands at the beginning of the line"
    assert icon["x"] > panel["x"] + panel["width"], "the stepper comes before the log"
    running.go("go")
    expect_state(page, "FINISHED_ERROR")
    keep(page, "failed-ar-light")


def test_in_every_language_on_a_phone(visitor: Visitor, site: Site, running: Started) -> None:
    """Words are longer in one language, and cannot be broken in another."""
    page = visitor("demo", viewport=SMALL)
    for language in LANGUAGES:
        page.context.set_extra_http_headers({"Accept-Language": language})
        speak(site, language)
        page.goto(running.url)
        for part in ("html", ".liveop"):
            expect(page.locator(part)).to_have_attribute("lang", language)
        expect_stage(page, "Validate", "active")
        assert_fits(page)
        keep(page, f"running-phone-{language}")
        page.goto("/live/")
        assert_fits(page)
        keep(page, f"list-phone-{language}")


def speak(site: Site, language: str) -> None:
    """Have all operations in another language, as if their creators had asked for it."""
    with contextlib.closing(database(site)) as connection, connection:
        connection.execute("UPDATE liveops_liveoperation SET language = ?", [language])


def test_the_admin(page: Page, running: Started) -> None:
    """Also under the example's policy, which allows nothing inline."""
    page.goto(running.url)
    expect_stage(page, "Validate", "active")  # the admin's list stays as it was when it was made
    page.goto(f"/admin/liveops/liveoperation/?q={running.pk}")
    expect(page.locator("#result_list")).to_contain_text("Running")
    page.set_viewport_size({**WIDE, "width": 1200})
    width, seen = page.locator(".results").evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert width <= seen, "all columns are seen beside the menu and the filters"
    keep(page, "admin-list")
    page.goto(f"/admin/liveops/liveoperation/{running.pk}/change/")
    expect_live(page)
    expect_stage(page, "Validate", "active")
    step = page.locator(".liveop-steps > li").first
    expect(step).to_have_css("padding", "4px 8px")
    expect(step).to_have_css("font-size", "15px")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        keep(page, f"admin-{scheme}")
    running.go("go")
    expect_state(page, "FINISHED_ERROR")
    expect(page.get_by_role("button", name="Start again")).to_be_visible()
