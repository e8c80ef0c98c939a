"""The check of the site as people use it: started from its form, and in a terminal."""

import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import manage

WATCH = """() => {
    window.seen = [];
    new MutationObserver(() => {
        const states = [...document.querySelectorAll("#op-stages li")].map(e => e.dataset.state);
        if (states.length && seen.at(-1) !== states.join()) seen.push(states.join());
    }).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""


def test_a_stage_is_retried_twice_and_another_left_out_before_my_eyes(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Options: A check of this site").click()
    page.fill("input[name=failures]", "2")
    page.fill("input[name=dependencies_retry_delay]", "0.5")
    page.get_by_role("checkbox", name="Static files").uncheck()
    page.get_by_role("button", name="Start the check").click()
    page.wait_for_url(re.compile(r"/live/[0-9a-f-]{36}/$"))
    page.evaluate(WATCH)
    expect(page.locator("[data-liveop]")).to_have_attribute("data-liveop-state", "FINISHED_OK")

    last = [states.rsplit(",", 1)[1] for states in page.evaluate("window.seen")]
    assert [state for state in last if state == "retrying"] == ["retrying"] * 2
    assert page.evaluate("window.seen").pop() == "done,done,skipped,done"
    retried = page.locator("#op-stages li").last
    expect(retried).to_contain_text("Checking that the installed packages fit together")
    expect(retried).to_contain_text("attempt 3 of 4")

    log = page.locator("#op-log")
    for command in ("manage.py check --deploy", "manage.py migrate --check", "-m pip check"):
        expect(log).to_contain_text(command)
    expect(log).to_contain_text("security.W018")
    expect(log).to_contain_text("Attempt 2 failed: it was asked to fail.")
    expect(log).not_to_contain_text("collectstatic")

    rows = page.get_by_role("table", name="Checks").get_by_role("row")
    expect(rows).to_have_text(
        [
            re.compile(r"Check\s+Found"),
            re.compile(r"Settings\s+\d+ warnings"),
            re.compile(r"Migrations\s+all are applied"),
            re.compile(r"Static files\s+left out"),
            re.compile(r"Dependencies\s+all fit together"),
        ]
    )


def test_the_terminal_runs_one_stage_from_any_folder(folder: Path, tmp_path: Path) -> None:
    arguments = ["--stage", "migrations", "--dependencies-retry-attempts", "2"]
    done = manage(folder, "run_liveop", "sitecheck.CheckSite", *arguments, cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("===")] == [
        "=== [1/4] Settings ===",
        "=== [2/4] Migrations ===",
        "=== [3/4] Static files ===",
        "=== [4/4] Dependencies ===",
    ]
    assert "  No planned migration operations." in lines
    assert "Migrations     all are applied" in lines
    assert re.search(r"sitecheck\.CheckSite --stage migrations --dependencies-retry-", done.stdout)
    assert re.search(r"^ +\S+ \S+manage\.py migrate --check --plan  \(", done.stdout, re.MULTILINE)
    assert re.search(r"^ +Settings \(skipped\) ", done.stdout, re.MULTILINE)
    assert done.stderr == ""


def test_the_terminal_says_with_its_status_that_a_check_failed(folder: Path) -> None:
    arguments = ["--stage", "Dependencies", "--set", "failures=2", "--dry-run"]
    limits = ["--dependencies-retry-attempts", "1", "--dependencies-retry-delay", "0"]
    with pytest.raises(subprocess.CalledProcessError) as failed:
        manage(folder, "run_liveop", "sitecheck.CheckSite", *arguments, *limits)
    assert failed.value.returncode == 1
    output = failed.value.stdout
    assert "failed after 2 attempts: it was asked to fail" in output
    assert "Dependencies (failed, 2 attempts)" in output
    assert "none: this was a dry run" in output
