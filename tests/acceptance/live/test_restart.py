"""The server is killed while an operation runs, and started again: the page heals by itself."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import EXAMPLE, Site, environment, serve
from tests.acceptance.databases import migrated
from tests.acceptance.live.conftest import (
    DEADLINE_MS,
    MODULE,
    SETTINGS,
    assert_never_navigated,
    database,
    expect_live,
    expect_stage,
    expect_state,
    go,
    mark,
    stored,
    wait_until,
)

HEALED_MS = 5_000  # after the server is up again
INDICATOR = "[data-liveop] .liveop-connection"

# No line twice and none missing is only shown by a list of all that are there.
LINES = """() => [...document.querySelectorAll("#op-log li[data-n]")].map(
    e => [Number(e.dataset.n), e.querySelector(".liveop-text").lastChild.textContent.trim()])"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site under a Daphne that may be killed."""
    folder = migrated(tmp_path_factory.mktemp("killed"), MODULE).parent
    with serve(folder, **SETTINGS) as running:
        yield running


@contextmanager
def ending(site: Site, key: str) -> Iterator[None]:
    """Let an operation take all its steps at the end of the block."""
    try:
        yield
    finally:
        go(site, key, "everything")


def test_killed_and_started_again_in_mid_run(page: Page, site: Site) -> None:
    plan = [
        [
            "stage",
            "Load",
            [
                ["log", "first {}", "info", 150],
                ["wait", "one"],
                ["log", "second {}", "warning", 40],
            ],
        ],
        ["stage", "Validate", [["status", "Halfway"], ["track", "Going", 10, {"5": "two"}]]],
        ["stage", "Save", [["log", "third {}", "info", 30]]],
        ["result", {"saved": 11}],
    ]
    key = "killed"
    command = [sys.executable, str(EXAMPLE / "manage.py"), "run_liveop", "live_ops.Voyage"]
    fields = ["--set", f"key={key}", "--set", f"plan={json.dumps(plan)}"]
    with (
        (site.folder / "run.log").open("wb") as output,
        subprocess.Popen(
            [*command, "--owner", "demo", *fields],
            env=environment(site.folder, **SETTINGS),
            stdout=output,
        ) as run,
        ending(site, key),  # a run that waits would keep a test that failed from its end
    ):
        query = "SELECT id FROM liveops_liveoperation"
        wait_until(lambda: len(stored(site, query)) == 1, "the run did not begin")
        pk = uuid.UUID(stored(site, query)[0][0])
        page.goto(f"/live/{pk}/")
        expect_live(page)
        mark(page)
        expect(page.locator('#op-log li[data-n="150"]')).to_be_attached()
        site.kill()
        expect(page.locator(INDICATOR)).to_have_text("Connection lost, trying again…")
        go(site, key, "one")
        waits = "SELECT seq FROM liveops_liveprogress WHERE done = 5"
        wait_until(lambda: bool(stored(site, waits)), "the run did not go on by itself")
        site.start_again()
        expect(page.locator(INDICATOR)).to_have_text("Live", timeout=HEALED_MS)
        expect.set_options(timeout=HEALED_MS)
        expect_stage(page, "Load", "done")
        expect_stage(page, "Validate", "active")
        expect(page.locator("#op-status")).to_contain_text("Halfway")
        expect(page.locator("#op-progress")).to_contain_text("50")
        expect(page.locator('#op-log li[data-n="190"]')).to_be_attached()
        expect(page.get_by_role("button", name="Cancel")).to_be_visible()
        expect.set_options(timeout=DEADLINE_MS)
        go(site, key, "two")
        expect_state(page, "FINISHED_OK")
        assert run.wait(60) == 0
    expect(page.locator("#op-result")).to_contain_text("11")
    with closing(database(site)) as connection:
        told = connection.execute("SELECT seq, text FROM liveops_logline ORDER BY seq")
        assert page.evaluate(LINES) == [list(row) for row in told]
    assert_never_navigated(page)
