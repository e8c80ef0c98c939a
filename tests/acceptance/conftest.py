"""The example project, served for real by Daphne, and a browser."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from tests.acceptance.databases import migrated
from tests.engines.forking import ForkedProcess
from tests.engines.programs import start_python

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "example_project"
DEADLINE_MS = 30_000

BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # Whatever has another name or number than the test's servers is not found.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
HERE = {"127.0.0.1", "localhost"}


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a process of the example project with its data in a folder."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "example.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(EXAMPLE)]),
        "PYTHONUNBUFFERED": "1",
        "EXAMPLE_DB": str(folder / "db.sqlite3"),
        "EXAMPLE_MEDIA": str(folder / "media"),
        **more,
    }


def manage(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` of the example project to its end."""
    return subprocess.run(
        [sys.executable, str(EXAMPLE / "manage.py"), *arguments],
        env=environment(folder),
        text=True,
        capture_output=True,
        timeout=120,
        check=options.pop("check", True),
        **options,
    )


@dataclass
class Site:
    """A running example project; its process may be killed and started anew at the same address.

    Between the two, connections wait in the queue of the socket, which belongs to the test.
    """

    url: str
    folder: Path
    start: Callable[[], ForkedProcess]
    probe: str
    process: ForkedProcess

    @property
    def log(self) -> str:
        """What the server printed so far."""
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """Let the server's process die without a word."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def start_again(self) -> None:
        """Start another process at the same address, and wait until it answers."""
        self.process = self.start()
        _wait_until_up(self)


@contextmanager
def serve(
    folder: Path, application: str = "example.asgi:application", probe: str = "/login/", **more: str
) -> Iterator[Site]:
    """Serve an application by Daphne until the block ends; its port is one that is free now."""
    with socket.socket() as listener, (folder / "server.log").open("ab") as log:
        # The socket is opened here and handed over: no other process can take its port meanwhile.
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)

        def start() -> ForkedProcess:
            return start_python(
                ["-m", "daphne", "--fd", str(listener.fileno()), application],
                environment(folder, **more),
                log,
                folder=folder,
                descriptors=[listener.fileno()],
            )

        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        site = Site(url, folder, start, probe, start())
        try:
            _wait_until_up(site)
            yield site
        finally:
            if site.process.poll() is None:
                site.process.send_signal(signal.SIGTERM)
            site.process.wait(30)


def _wait_until_up(site: Site) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(site.url + site.probe, timeout=60):
                return
        except OSError:
            if site.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"The server did not come up:\n{site.log}")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a migrated database and the demo login."""
    path = tmp_path_factory.mktemp("example")
    migrated(path, "example.settings")
    return path


@pytest.fixture(scope="session")
def site(folder: Path) -> Iterator[Site]:
    """The example project under Daphne."""
    with serve(folder) as running:
        yield running


@pytest.fixture(scope="module")  # its event loop must not run on under the tests of other files
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
        outside = watch_for_requests(browser)
        yield browser
        browser.close()
    assert outside == [], "a page of this file asked for something on another machine"


def watch_for_requests(browser: Browser) -> list[str]:
    """Return a list that fills with the addresses, not of this machine, that any page asks for."""
    outside: list[str] = []
    make = browser.new_context

    def note(request: Request) -> None:
        address = urlsplit(request.url)
        if address.netloc and address.hostname not in HERE:
            outside.append(f"{request.url} (of {request.frame.url})")

    def new_context(**options: Any) -> BrowserContext:
        context = make(**options)
        context.on("request", note)
        return context

    browser.new_context = new_context  # type: ignore[method-assign]
    return outside


@pytest.fixture(scope="module")
def login(browser: Browser, site: Site) -> Any:
    """Log in as the demo user by the login page, once; return the cookies."""
    expect.set_options(timeout=DEADLINE_MS)
    context = browser.new_context(base_url=site.url)
    page = context.new_page()
    page.goto("/login/")
    page.fill("input[name=username]", "demo")
    page.fill("input[name=password]", "demo")
    page.click("main button[type=submit]")
    page.wait_for_url(f"{site.url}/", timeout=DEADLINE_MS)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def context(browser: Browser, site: Site, login: Any) -> Iterator[BrowserContext]:
    """A browser context that is logged in as the demo user."""
    context = browser.new_context(
        base_url=site.url,
        viewport={"width": 1100, "height": 900},
        storage_state=login,
        # Without a graphics processor each turn of a spinner is painted by what the tests need.
        reduced_motion="reduce",
    )
    context.set_default_timeout(DEADLINE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails its test on any script error or breach of the content security policy."""
    page = context.new_page()
    problems = watch_for_problems(page)
    yield page
    assert problems == []


def watch_for_problems(page: Page) -> list[str]:
    """Return a list that fills with a page's script errors and breaches of its policy."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    page.on(
        "console",
        lambda message: problems.append(message.text) if message.type == "error" else None,
    )
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', e =>"
        " console.error('policy violation: ' + e.violatedDirective + ' ' + e.blockedURI))"
    )
    return problems
