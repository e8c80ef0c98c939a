"""Check style, types, templates, migrations and structure; with ``--fix`` apply the style."""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scripts import ensure_parts, environment

ROOT = environment.ROOT
TEMPLATE_FOLDERS = ("liveops", "example_project", "tests")
OLDEST_DJANGO = "5.2"


@dataclass(frozen=True, slots=True)
class Check:
    """One command whose exit status tells whether the tree is in order."""

    title: str
    command: Sequence[str]
    variables: dict[str, str]

    def run(self) -> tuple[int, float, str]:
        """Run it; return its exit status, the seconds it took and what it printed."""
        start = time.monotonic()
        done = subprocess.run(
            self.command,
            cwd=ROOT,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        return done.returncode, time.monotonic() - start, done.stdout


def templates(root: Path = ROOT) -> list[str]:
    """Return every template of the tree, relative to `root`."""
    return sorted(
        str(path.relative_to(root))
        for folder in TEMPLATE_FOLDERS
        for path in (root / folder).rglob("templates/**/*")
        if path.suffix in {".html", ".txt"}
    )


def checks(python: str, npm: Sequence[str], npm_variables: dict[str, str]) -> list[Check]:
    """Return the checks, the slowest first: they run two at a time."""
    variables = environment.clean_environ()
    # The mypy plugin imports the settings of the tests, and those the example's app.
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'example_project'}"}
    settings = {"DJANGO_SETTINGS_MODULE": "tests.settings"}

    def check(title: str, *arguments: str, extra: dict[str, str] | None = None) -> Check:
        return Check(title, [python, *arguments], variables | (extra or {}))

    makemigrations = ("makemigrations", "--check", "--dry-run")
    return [
        check("types", "-m", "mypy", extra=paths),
        Check("JavaScript", [*npm, "run", "--silent", "lint"], npm_variables),
        check("style", "-m", "ruff", "check", "."),
        check("format", "-m", "ruff", "format", "--check", "."),
        Check("templates", [*_djade(python), "--check", *templates()], variables),
        check("migrations", "-m", "django", *makemigrations, extra=paths | settings),
        check("example's migrations", "example_project/manage.py", *makemigrations),
        check("structure", "-m", "pytest", "-q", "tests/unit/test_architecture.py"),
    ]


def _djade(python: str) -> list[str]:
    # A program, not a module: it stands beside the interpreter.
    return [str(Path(python).with_name("djade")), "--target-version", OLDEST_DJANGO]


def lint(python: str) -> bool:
    """Run all checks, print one line for each and what the failed ones say; tell if all passed."""
    passed = True
    npm, npm_variables = ensure_parts.ensure_node_modules()
    todo = checks(python, npm, npm_variables)
    with ThreadPoolExecutor(max_workers=2) as pool:
        for check, (status, seconds, output) in zip(todo, pool.map(Check.run, todo), strict=True):
            print(f"{check.title:<22}{'FAILED' if status else 'ok':<8}{seconds:5.1f} s", flush=True)
            if status:
                passed = False
                print(output.rstrip(), "\n", flush=True)
    if not passed:
        print("`make format` repairs style and formatting.", file=sys.stderr)
    return passed


def fix(python: str) -> bool:
    """Apply the style to Python and templates; tell if nothing is left to do by hand."""
    # djade says by its status that it changed something, which is no failure here.
    environment.run_loudly([*_djade(python), *templates()])
    ruff = [python, "-m", "ruff"]
    statuses = [
        environment.run_loudly([*ruff, *arguments])
        for arguments in (["format", "."], ["check", "--fix", "."], ["format", "."])
    ]
    return not any(statuses)


def main(arguments: list[str]) -> int:
    """Check or repair the tree; return 0 if it is in order."""
    parser = argparse.ArgumentParser(prog="make lint")
    parser.add_argument("--fix", action="store_true")
    options = parser.parse_args(arguments)
    try:
        python = str(environment.ensure("dev"))
        return 0 if (fix if options.fix else lint)(python) else 1
    except environment.CommandError as error:
        print(error, file=sys.stderr)
        return 1
