"""A headless Chromium, and what is read from a page of it."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import BrowserContext, Page, sync_playwright

from scripts import ensure_parts

_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
LONG_TASK = 50.0
_WATCH = """() => {
  const watched = window.watched = { gaps: [], isOver: false };
  let last = null;
  const turn = (now) => {
    if (last !== null) watched.gaps.push(now - last);
    last = now;
    if (!watched.isOver) requestAnimationFrame(turn);
  };
  requestAnimationFrame(turn);
}"""
_STOP = """() => new Promise((done) => {
  watched.isOver = true;
  requestAnimationFrame(() => requestAnimationFrame(() => done(watched.gaps)));
})"""


@dataclass(frozen=True)
class Watched:
    """What was seen of a page while it was watched, in milliseconds.

    Attributes:
        tasks: the processor time of each task of its main thread, the shortest first. It is what
            the reader waits for on a machine that has nothing else to do.
        gaps: the times from one animation frame to the next, the shortest first.
    """

    tasks: tuple[float, ...]
    gaps: tuple[float, ...]

    @property
    def long_tasks(self) -> int:
        """How many tasks took more than 50 ms."""
        return sum(task > LONG_TASK for task in self.tasks)


@contextmanager
def chromium() -> Iterator[BrowserContext]:
    """Start a browser; give a context, in which pages are opened."""
    program = ensure_parts.find_chromium(os.environ)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        context = browser.new_context(viewport={"width": 1100, "height": 900})
        context.set_default_timeout(30_000)
        try:
            yield context
        finally:
            browser.close()


@contextmanager
def watching(page: Page) -> Iterator[list[Watched]]:
    """Watch a page until the block ends; the list has what was seen then."""
    seen: list[Watched] = []
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=["toplevel"])
    page.evaluate(_WATCH)
    yield seen
    gaps = page.evaluate(_STOP)
    seen.append(Watched(tasks_of(json.loads(browser.stop_tracing())), tuple(sorted(gaps))))


def tasks_of(trace: dict[str, Any]) -> tuple[float, ...]:
    """Return the milliseconds of processor time of each task of the page that was busiest.

    Args:
        trace: as Chromium writes it: events, those of threads' names among them.
    """
    times: dict[tuple[int, int], list[float]] = defaultdict(list)
    pages = set()
    for event in trace["traceEvents"]:
        thread = event["pid"], event["tid"]
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain":
            pages.add(thread)
        elif event["name"].endswith("RunTask") and "tdur" in event:
            times[thread].append(event["tdur"] / 1000)
    return tuple(sorted(max((times[thread] for thread in pages), key=sum)))


def held(page: Page) -> tuple[float, int]:
    """Return the megabytes of a page's JavaScript heap, garbage apart, and its number of nodes."""
    session = page.context.new_cdp_session(page)
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    heap: dict[str, Any] = session.send("Runtime.getHeapUsage")
    nodes: int = session.send("Memory.getDOMCounters")["nodes"]
    session.detach()
    return heap["usedSize"] / 1e6, nodes
