"""Run the whole suite: lint, the JavaScript tests, then pytest, whose summary ends the output."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from scripts import ensure_parts, environment, lint


def main(arguments: list[str]) -> int:
    """Run every test, `arguments` going to pytest's last call; return 0 if all passed."""
    try:
        python = str(environment.ensure("dev"))
        chromium = ensure_parts.ensure_chromium()
        npm, npm_variables = ensure_parts.ensure_node_modules()
    except environment.CommandError as error:
        print(error, file=sys.stderr)
        return 1
    # Side by side: each keeps one processor busy.
    with ThreadPoolExecutor(max_workers=1) as pool:
        javascript = pool.submit(environment.run_loudly, [*npm, "test", "--silent"], npm_variables)
        is_clean = lint.lint(python)
    if status := javascript.result() or not is_clean:
        return int(status)
    variables = environment.clean_environ() | {"CHROMIUM": chromium}
    # Tests that measure time have the machine to themselves. The others share it two at a time, a
    # file on one worker, so that there is one server and one browser for the tests in a browser. In
    # the order of their names: those in a browser come first, so that no worker is left with them.
    # pytest's own status for "nothing collected" is a failure of either part.
    rest = ["not timing", "--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder"]
    for options in (["timing"], [*rest, *arguments]):
        sys.stdout.flush()
        if status := environment.run_loudly([python, "-m", "pytest", "-m", *options], variables):
            return status
    return os.EX_OK
