"""The tutorial, played word for word with nothing but the wheel: terminal, files and browser."""

import ast
import re
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.acceptance.conftest import BROWSER_ARGUMENTS, DEADLINE_MS, ROOT
from tests.docs.pages import blocks
from tests.docs.tutorial import PAGES, Edit, Section, sections
from tests.docs.typing_along import ACTIVATE, PASSWORD, SERVE, Reader
from tests.packaging.building import build

pytestmark = pytest.mark.browser
OURS = {"daphne", "channels", "django_htmx", "liveops"}


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails its test on a script error."""
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(DEADLINE_MS)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Somebody with an empty folder, and the wheel of this tree."""
    links, folder = tmp_path / "wheel", tmp_path / "site"
    links.mkdir()
    folder.mkdir()
    build("wheel", links)
    reader = Reader(folder, links)
    yield reader
    reader.stop()


def test_the_tutorial_word_for_word(reader: Reader, page: Page) -> None:
    expect.set_options(timeout=DEADLINE_MS)
    looked = set()
    for section in [each for name in PAGES for each in sections(name)]:
        complaints = follow(section, reader)
        assert not complaints, "\n\n".join(complaints)
        if section.title in LOOKS:
            LOOKS[section.title](page, reader.url)
            page.goto("about:blank")  # it would miss the server when that starts anew
            looked.add(section.title)
    assert looked == set(LOOKS)


def follow(section: Section, reader: Reader) -> list[str]:
    """Do what a section says, in its order; return what its commands printed otherwise."""
    complaints = []
    for is_file, steps in groupby(section.steps, lambda step: isinstance(step, Edit)):
        together = list(steps)
        edits = [step for step in together if isinstance(step, Edit)]
        if is_file:
            with reader.editing([edit.path for edit in edits]):
                for edit in edits:
                    edit.apply(reader.folder)
        complaints += [reader.type(step) for step in together if not isinstance(step, Edit)]
    return [each for each in complaints if each is not None]


def start(page: Page, url: str) -> None:
    """Start a stocktaking by its form; the live page that follows stays from then on."""
    page.goto(f"{url}/stocktaking/")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile(r"/live/[0-9a-f-]{36}/$"))
    page.evaluate("window.stillHere = true")


def expect_state(page: Page, state: str) -> None:
    expect(page.locator("[data-liveop]")).to_have_attribute("data-liveop-state", state)


def expect_stage(page: Page, name: str, state: str) -> None:
    stage = page.locator(f"#op-stages li[data-stage='{name}'][data-state={state}]")
    expect(stage).to_be_visible()


def look_at_the_page(page: Page, url: str) -> None:
    """Log in, watch it, start it again, reload it in the middle, and cancel it."""
    page.goto(f"{url}/stocktaking/")
    page.fill("input[name=username]", "ada")
    page.fill("input[name=password]", PASSWORD)
    page.click("input[type=submit]")
    page.wait_for_url(f"{url}/stocktaking/")
    start(page, url)
    expect_stage(page, "Count", "active")
    expect(page.locator("#op-progress")).to_contain_text("Walking")
    expect_stage(page, "Order", "active")
    expect_state(page, "FINISHED_OK")
    expect(page.locator("#op-result")).to_contain_text("12")
    assert page.evaluate("window.stillHere") is True
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Start again").click()
    expect_stage(page, "Count", "active")  # the log of the run before has the same words
    expect(page.locator("#op-log")).to_contain_text("Aisle 1")
    page.reload()
    expect(page.locator("#op-log")).to_contain_text("Aisle 1")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel").click()
    expect_state(page, "CANCELLED")


def look_at_the_list(page: Page, url: str) -> None:
    """Find the one from the terminal in the list, and its page."""
    page.goto(f"{url}/live/")
    expect(page.get_by_role("link", name="stocktaking")).to_have_count(2)
    page.get_by_role("link", name="stocktaking").first.click()
    expect_state(page, "FINISHED_OK")
    expect(page.locator("#op-result")).to_contain_text("6")


def look_at_the_retry(page: Page, url: str) -> None:
    """See the attempts."""
    start(page, url)
    expect_stage(page, "Order", "retrying")
    expect(page.locator("#op-stages li[data-stage=Order]")).to_contain_text("attempt 2 of 4")
    expect_state(page, "FINISHED_OK")
    assert page.evaluate("window.stillHere") is True


def look_at_the_chain(page: Page, url: str) -> None:
    """See the second operation take the place of the first one, with its address and title."""
    start(page, url)
    first = page.url
    expect_stage(page, "Count", "active")
    expect_stage(page, "Unload", "active")
    expect_state(page, "FINISHED_OK")
    expect(page.locator("#op-status")).to_contain_text("All is in its place")
    assert page.evaluate("window.stillHere") is True
    assert page.url != first
    assert "delivery" in page.title().lower()


LOOKS: dict[str, Callable[[Page, str], None]] = {
    "On the page": look_at_the_page,
    "In the terminal": look_at_the_list,
    "Try again what fails at times": look_at_the_retry,
    "Go on with another operation": look_at_the_chain,
}


def test_every_block_of_the_tutorial_is_played() -> None:
    for name in PAGES:
        fences = re.findall(r"^ *```(\w+)$", (ROOT / "docs" / name).read_text("utf-8"), re.M)
        played = [len(blocks(name, language)) for language in ("console", "python")]
        assert len(fences) == sum(played), "A block of another kind is not played."
        for section in sections(name):
            lines = [step.line for step in section.steps if not isinstance(step, Edit)]
            assert lines.count(SERVE) <= 1
            assert lines.count(ACTIVATE) <= 1


def test_the_page_about_installing_starts_as_the_tutorial_does() -> None:
    page = blocks("how-to/install.md", "python")
    edits = {
        (edit.path, edit.where): edit.text
        for section in sections(PAGES[0])
        for edit in section.steps
        if isinstance(edit, Edit)
    }
    assert edits["mysite/asgi.py", ""] in page
    settings = "".join(text for (path, _), text in edits.items() if path == "mysite/settings.py")
    [theirs] = [text for text in page if text.startswith("INSTALLED_APPS")]
    [options] = [text for text in page if text.startswith("DATABASES")]
    ours, shown = assigned(settings), assigned(theirs + options)
    apps = ours.pop("INSTALLED_APPS")
    assert [app for app in apps if app in OURS] == [
        app for app in shown.pop("INSTALLED_APPS") if app in OURS
    ]
    assert ours == shown


def assigned(text: str) -> dict[str, list[str] | str]:
    """Return what a settings file assigns, by the source of the target."""
    found: dict[str, list[str] | str] = {}
    for node in ast.parse(text).body:
        assert isinstance(node, ast.Assign), ast.unparse(node)
        value = ast.literal_eval(node.value)
        found[ast.unparse(node.targets[0])] = value
    return found


@pytest.mark.parametrize("where", ["somewhere", "in place of Nothing"])
def test_an_edit_that_is_not_understood_is_refused(where: str) -> None:
    with pytest.raises(ValueError, match=r"somewhere\?|no Nothing"):
        Edit("shop/models.py", where, "x = 1\n").written("y = 2\n")


def test_an_edit_changes_its_part_alone() -> None:
    before = "a = 1\n\n\nclass B:\n    c = 1\n    d = 2\n\n\ne = 3\n"
    part = "in place of the last line of B"
    assert Edit("x.py", part, "    d = 4\n").written(before) == before.replace("d = 2", "d = 4")
    assert Edit("x.py", "in place of a", "a = 5\n").written(before) == before.replace("1", "5", 1)
    assert Edit("x.py", "at the end", "f = 6\n").written(before) == f"{before}\n\nf = 6\n"
