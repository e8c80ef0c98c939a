"""The site whose operations do what a test tells them, and what a test needs to steer it."""

import contextlib
import json
import sqlite3
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, expect

from tests.acceptance.conftest import ROOT, Site, serve, watch_for_problems
from tests.acceptance.databases import migrated

MODULE = "tests.acceptance.live_ops.settings"
SETTINGS = {"DJANGO_SETTINGS_MODULE": MODULE}
DEADLINE_MS = 15_000
SCREENSHOTS = ROOT / "build" / "screenshots"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site under Daphne, one for all files of this folder."""
    folder = migrated(tmp_path_factory.mktemp("live"), MODULE).parent
    with serve(folder, **SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def login(browser: Browser, site: Site) -> Any:
    """Log in the demo user, who may see and do everything; return the cookies."""
    expect.set_options(timeout=DEADLINE_MS)
    return logged_in(browser, site, "demo")


def logged_in(browser: Browser, site: Site, name: str) -> Any:
    """Return the cookies of a user."""
    context = browser.new_context(base_url=site.url)
    context.request.get(f"/as/{name}/?next=/plan/")
    state = context.storage_state()
    context.close()
    return state


@dataclass(frozen=True)
class Started:
    """An operation that was started; its steps wait in a folder of its own."""

    site: Site
    pk: str
    url: str
    key: str

    def go(self, *steps: str) -> None:
        """Let it take steps that it waits for, now or later."""
        go(self.site, self.key, *steps)


def go(site: Site, key: str, *steps: str) -> None:
    """Let the operation with a key take steps that it waits for, now or later."""
    folder = site.folder / "steps" / key
    folder.mkdir(parents=True, exist_ok=True)
    for step in steps:
        (folder / step).touch()


def post(site: Site, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send JSON to the test site; return the answer's."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(site.url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


@dataclass
class Starter:
    """Starts operations; what still waits in the end is let go, whatever became of the test."""

    site: Site
    keys: list[str] = field(default_factory=list)

    def key(self) -> str:
        """Return a new name for the folder of an operation's steps."""
        self.keys.append(uuid.uuid4().hex)
        return self.keys[-1]

    def __call__(self, model: str, plan: Any, *, owner: str = "demo", **more: Any) -> Started:
        """Start an operation.

        Args:
            model: name of the class in the test site.
            plan: what it does.
            owner: name of its owner, who is created.
            more: further fields; with `people`, names of users to be created beside the owner.
        """
        key = self.key()
        body = {"model": model, "plan": plan, "key": key, "owner": owner, "language": "en", **more}
        answer = post(self.site, "/start/", body)
        return Started(self.site, answer["pk"], answer["url"], key)


def database(site: Site) -> sqlite3.Connection:
    """Return a connection to the site's database, to be closed."""
    return sqlite3.connect(site.folder / "db.sqlite3", timeout=20)


def stored(site: Site, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return what the site's database answers."""
    with contextlib.closing(database(site)) as connection:
        return connection.execute(query, values).fetchall()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait until something is the case that no page shows."""
    pause, deadline = threading.Event(), time.monotonic() + DEADLINE_MS / 1000
    while not condition():
        assert time.monotonic() < deadline, what
        pause.wait(0.02)


def wait_for_state(started: Started, state: str) -> None:
    """Wait until an operation is stored in a state."""
    query = "SELECT state FROM liveops_liveoperation WHERE id = ?"
    key = started.pk.replace("-", "")
    wait_until(lambda: stored(started.site, query, key) == [(state,)], f"it never was {state}")


def wait_for_line(started: Started) -> None:
    """Wait until an operation has stored a log line: what came before it, pages show from now."""
    query = "SELECT 1 FROM liveops_logline WHERE operation_id = ?"
    key = started.pk.replace("-", "")
    wait_until(lambda: bool(stored(started.site, query, key)), "it never logged anything")


@pytest.fixture
def start(site: Site) -> Iterator[Starter]:
    """Start operations of the test site."""
    starter = Starter(site)
    yield starter
    for key in starter.keys:
        go(site, key, "everything")


@pytest.fixture
def visitor(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page for a user; any trouble on it fails the test."""
    contexts: list[BrowserContext] = []
    problems: list[list[str]] = []

    def open_page(name: str = "demo", **options: Any) -> Page:
        state = logged_in(browser, site, name)
        options.setdefault("reduced_motion", "reduce")  # as for pages of the demo user
        context = browser.new_context(base_url=site.url, storage_state=state, **options)
        context.set_default_timeout(DEADLINE_MS)
        contexts.append(context)
        page = context.new_page()
        problems.append(watch_for_problems(page))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [trouble for found in problems for trouble in found] == []


def mark(page: Page) -> None:
    """Set something on the window that a navigation would take away."""
    page.evaluate("window.stillHere = true")


def assert_never_navigated(page: Page) -> None:
    """Check that the window is still the one that was marked."""
    assert page.evaluate("window.stillHere") is True
    assert page.evaluate("performance.getEntriesByType('navigation').length") == 1


def expect_state(page: Page, state: str, pk: str | None = None) -> None:
    """Wait until an operation, or the only one on the page, is in a state."""
    container = page.locator(f"#op-{pk}" if pk else "[data-liveop]")
    expect(container).to_have_attribute("data-liveop-state", state)


def expect_stage(page: Page, name: str, state: str) -> None:
    """Wait until a stage is in a state."""
    expect(page.locator(f'#op-stages li[data-stage="{name}"]')).to_have_attribute(
        "data-state", state
    )


def expect_live(page: Page) -> None:
    """Wait until the page has its snapshot and follows."""
    container = page.locator("[data-liveop]")
    expect(container.first).to_have_attribute("data-liveop-connection", "live")


@contextmanager
def confirming(page: Page) -> Iterator[list[str]]:
    """Say yes to what the page asks within the block; give the questions."""
    asked: list[str] = []

    def accept(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.accept()

    page.on("dialog", accept)
    yield asked
    page.remove_listener("dialog", accept)


def count_sockets(page: Page) -> list[WebSocket]:
    """Return a list that fills with the sockets that a page opens."""
    sockets: list[WebSocket] = []

    def count(socket: WebSocket) -> None:
        sockets.append(socket)

    page.on("websocket", count)
    return sockets


def keep(page: Page, name: str) -> None:
    """Keep a picture of the whole page among the artefacts of the build."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
