"""Build the documentation as a site, in build/docs: ``make docs``. Warnings are errors."""

import os
import sys
from pathlib import Path

from scripts import environment

ROOT = environment.ROOT
BUILT = ROOT / "build" / "docs"


def command(python: str | Path, into: Path, cache: Path) -> list[str]:
    """Return what builds the site.

    Args:
        python: an interpreter that has the packages of the extra ``docs``, and those of the tests.
        into: the folder that the pages are written to.
        cache: the folder that keeps what was read.
    """
    strict = ["--fail-on-warning", "--keep-going", "--nitpicky", "--quiet"]
    folders = ["--doctree-dir", str(cache), str(ROOT / "docs"), str(into)]
    return [str(python), "-m", "sphinx", "--builder", "html", *strict, *folders]


def main(arguments: list[str]) -> int:
    """Build it; return 0 if nothing was complained of."""
    try:
        python = environment.ensure("dev")
    except environment.CommandError as error:
        print(error, file=sys.stderr)
        return 1
    status = environment.run_loudly([*command(python, BUILT, BUILT.with_name("doctrees"))])
    if not status:
        print(f"The documentation begins at {(BUILT / 'index.html').relative_to(ROOT)}.")
    return os.EX_OK if not status else 1
