"""Run the whole suite: lint, the JavaScript tests, then pytest, whose summary ends the output."""

import os
import sys
from pathlib import Path

from scripts import ensure_parts, environment, lint

ROOT = environment.ROOT
TIMING = "mark.timing"
_WORKERS = 3


def timing_files(root: Path = ROOT) -> list[str]:
    """Return the files with tests that measure time, relative to `root`."""
    files = sorted((root / "tests").rglob("test_*.py"))
    return [str(path.relative_to(root)) for path in files if TIMING in path.read_text("utf-8")]


def main(arguments: list[str]) -> int:
    """Run every test, `arguments` going to pytest's last call; return 0 if all passed."""
    try:
        python = str(environment.ensure("dev"))
        chromium = ensure_parts.ensure_chromium()
        servers = ensure_parts.ensure_engines() | ensure_parts.ensure_proxies()
        is_clean = lint.lint(python, in_suite=True)
    except environment.CommandError as error:
        print(error, file=sys.stderr)
        return 1
    if not is_clean:
        return 1
    variables = environment.clean_environ() | {"CHROMIUM": chromium} | servers
    # Tests that measure time have the machine to themselves, and are named by their files: only to
    # read all the others would take longer than they do. The others share it, a file on one worker,
    # so that there is one server and one browser for the tests in a browser; one more than the
    # two processors of a small machine, for many wait. In the order of tests/ordering.py.
    # pytest's own status for "nothing collected" is a failure of either part.
    timing = ["timing", *timing_files()]
    workers = f"--numprocesses={_WORKERS}"
    rest = ["not timing", workers, "--dist=loadfile"]
    for options in (timing, [*rest, *arguments]):
        sys.stdout.flush()
        if status := environment.run_loudly([python, "-m", "pytest", "-m", *options], variables):
            return status
    return os.EX_OK
