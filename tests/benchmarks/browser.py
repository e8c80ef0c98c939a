"""What pages cost the reader's browser, measured in Chromium, with a real server.

Twenty operations on one page say something ten times a second, and so they do on a bare page that
hears the same frames. A page with a long log takes turns with one with a short log. What counts is
the best round, and of tasks their processor time: the server and the browser share the processors.
"""

import os
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import BrowserContext, Page

from liveops.models import LiveOperation
from tests.benchmarks import rows
from tests.benchmarks.measured import Measured
from tests.benchmarks.serving.board import HZ
from tests.benchmarks.serving.chromium import LONG_TASK, Watched, chromium, held, watching
from tests.benchmarks.serving.site import DAPHNE, ROOT, Served, command_of
from tests.engines.servers import free_port
from tests.testapp.models import Scripted

OPERATIONS = 20
FEW_LINES, MANY_LINES = 1_000, 1_000_000
MOST_SHOWN = 5_000
_ROUNDS, _LOADS, _PAGES = 2, 4, 6
_SETTINGS = "tests.benchmarks.serving.board_settings"

_LOADED = """() => {
  const [load] = performance.getEntriesByType("navigation");
  return load.domContentLoadedEventEnd - load.startTime;
}"""
_SCROLL = """() => new Promise((done) => {
  const log = document.querySelector("#op-log");
  const step = log.scrollHeight / 60;
  let [n, by] = [0, -step];
  const turn = () => {
    log.scrollTop += by;
    n += 1;
    if (n === 60) by = step;
    if (n < 120) requestAnimationFrame(turn);
    else done();
  };
  requestAnimationFrame(turn);
})"""


def measure() -> Iterator[Measured]:
    """Measure a page of many operations, and one with a long log."""
    user = User.objects.create_user("reader", is_superuser=True)
    client = Client()
    client.force_login(user)
    logs = []
    for number in (FEW_LINES, MANY_LINES):
        logs.append(rows.operation(owner=user))
        rows.give_lines(logs[-1], number)
    # All of them beforehand: under the browser's event loop Django refuses to query.
    crowds = [[_operation() for _ in range(OPERATIONS)] for _ in range(2 * _ROUNDS)]
    with (
        tempfile.TemporaryDirectory() as folder,
        _served(Path(folder)) as url,
        chromium() as context,
    ):
        value = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": value, "url": url}])
        yield from _busy(context, url, crowds)
        yield from _long(context, url, logs)


def _operation() -> str:
    return str(Scripted.objects.create().pk)


def _busy(context: BrowserContext, url: str, crowds: list[list[str]]) -> Iterator[Measured]:
    ours, bare, heaps = [], [], []
    for crowd, another in zip(crowds[::2], crowds[1::2], strict=True):
        heap, seen = _followed(context, url, "/board/", crowd)
        ours.append(seen)
        heaps.append(heap)
        bare.append(_followed(context, url, "/bare/", another)[1])
    name = f"{OPERATIONS} operations at {HZ} Hz"
    # One more than there were: a ratio needs a limit that is not 0.
    tasks = min(seen.long_tasks for seen in ours)
    # And no count that is the same in each run: it follows from times, which are looked at twice.
    yield Measured("browser", f"{name}, tasks of 50 ms + 1", tasks + 1, "", "limit", 1, 1.0)
    longest = min(seen.tasks[-1] for seen in ours)
    yield Measured("browser", f"{name}, longest task", longest, "ms", "limit", LONG_TASK, 1.0)
    busy, base = (min(sum(seen.tasks) for seen in each) for each in (ours, bare))
    yield Measured("browser", f"{name}, processor", busy, "ms", "bare page", base, 3.0)
    longest, base = (min(seen.gaps[-1] for seen in each) for each in (ours, bare))
    yield Measured("browser", f"{name}, longest frame", longest, "ms", "bare page", base, 2.0)
    after, before = min(heaps, key=lambda pair: pair[0] / pair[1])
    yield Measured("browser", f"{name}, heap", after, "MB", "at the start", before, 1.5)


def _followed(
    context: BrowserContext, url: str, path: str, crowd: list[str]
) -> tuple[tuple[float, float], Watched]:
    """Watch a page while its operations run; give its heap then and before, and what was seen."""
    asked = urlencode({"op": crowd}, doseq=True)
    page = context.new_page()
    page.goto(f"{url}{path}?{asked}")
    _until(page, "[data-liveop-connection=live]", OPERATIONS)
    before, _ = held(page)
    with watching(page) as seen:
        with urllib.request.urlopen(f"{url}/begin/?{asked}", timeout=30) as answer:
            assert answer.status == 200
        _until(page, "[data-liveop-connection='']", OPERATIONS)
    after, _ = held(page)
    page.close()
    return (after, before), seen[0]


def _until(page: Page, selector: str, number: int) -> None:
    page.wait_for_function(
        "([selector, number]) => document.querySelectorAll(selector).length === number",
        arg=[selector, number],
        polling=200,
    )


def _long(context: BrowserContext, url: str, logs: Sequence[LiveOperation]) -> Iterator[Measured]:
    ready: list[list[float]] = [[], []]
    shown: list[list[float]] = [[], []]
    for _ in range(_LOADS):
        for n, operation in enumerate(logs):
            page = _opened(context, url, operation)
            ready[n].append(page.evaluate(_LOADED))
            shown[n].append(page.evaluate("performance.getEntriesByName('shown')[0].startTime"))
            page.close()
    name, against = "page with a million log lines", "page with a thousand"
    for what, times in (("ready", ready), ("first line", shown)):
        few, many = (min(each) for each in times)
        yield Measured("browser", f"{name}, {what}", many, "ms", against, few, 1.5)
    heaps, nodes, gaps = [], [], []
    for operation in logs:
        page = _opened(context, url, operation)
        heap, number = held(page)
        heaps.append(heap)
        nodes.append(number)
        gaps.append(min(_scrolled(page) for _ in range(_ROUNDS)))
        if operation is logs[-1]:
            most = _read_back(page)
        page.close()
    yield Measured("browser", f"{name}, heap", heaps[1], "MB", against, heaps[0], 1.2)
    yield Measured("browser", f"{name}, nodes", nodes[1], "", against, nodes[0], 1.2)
    yield Measured("browser", f"{name}, scrolling", gaps[1], "ms", against, gaps[0], 1.5)
    yield Measured(
        *("browser", f"{name}, read back", most, "lines", "limit", MOST_SHOWN, 1.0), is_count=True
    )


def _opened(context: BrowserContext, url: str, operation: LiveOperation) -> Page:
    page = context.new_page()
    page.add_init_script(
        """const look = () => document.querySelector("#op-log [data-n]")
          ? performance.mark("shown") : requestAnimationFrame(look);
        requestAnimationFrame(look);"""
    )
    page.goto(url + operation.get_absolute_url())
    page.wait_for_function("performance.getEntriesByName('shown').length")
    return page


def _scrolled(page: Page) -> float:
    """Return the time of a usual slow frame while a log is scrolled to its start and back."""
    with watching(page) as seen:
        page.evaluate(_SCROLL)
    gaps = seen[0].gaps
    return gaps[int(len(gaps) * 0.95)]


def _read_back(page: Page) -> int:
    """Go back in a log until some pages of it were fetched; return the most lines on the page."""
    most = 0
    for _ in range(_PAGES):
        first = page.evaluate("Number(document.querySelector('#op-log [data-n]').dataset.n)")
        page.locator(".liveop-log-edge:not([data-later]) button").click()
        page.wait_for_function(
            "n => Number(document.querySelector('#op-log [data-n]').dataset.n) < n", arg=first
        )
        most = max(most, page.evaluate("document.querySelectorAll('#op-log [data-n]').length"))
    return most


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    port = free_port()
    variables = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": _SETTINGS,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "example_project")]),
    }
    server = Served(command_of(DAPHNE, port), variables, port, folder / "server.log")
    try:
        server.wait()
        yield f"http://{server.host}"
    finally:
        server.stop()
