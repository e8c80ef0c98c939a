"""Check style, types, templates, migrations and structure; with ``--fix`` apply the style."""

import argparse
import shutil
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
    """One command whose exit status tells whether the tree is in order.

    Of one that passes, only lines are shown that begin with `shows`, if it says so.
    """

    title: str
    command: Sequence[str]
    variables: dict[str, str]
    shows: str = ""

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


def types(python: str) -> Check:
    """Return the check that takes longest; it needs no Node.js."""
    return _django_check(python, "types", "-m", "mypy")


def other_types(python: str, npm_variables: dict[str, str]) -> Check:
    """Return the check by pyright, which projects with another editor or habit have; one process.

    What it reads, and how strictly, is in ``pyproject.toml``.
    """
    program = str(ROOT / "node_modules" / "pyright" / "index.js")
    command = [_node(npm_variables), program, "--pythonpath", python]
    return Check("types, by pyright", command, npm_variables)


def checks(
    python: str, npm: Sequence[str], npm_variables: dict[str, str], *, in_suite: bool = False
) -> list[Check]:
    """Return the other checks, the slowest first: they run two at a time.

    Those of the whole suite have the tests of JavaScript among them, and leave the structure to
    its other tests; these are collected once, as what Python compiles for that is kept. pyright is
    left to `make lint`: in a fresh clone it took minutes of a processor.
    """
    variables = environment.clean_environ()

    def check(title: str, *arguments: str) -> Check:
        return Check(title, [python, *arguments], variables)

    makemigrations = ("makemigrations", "--check", "--dry-run")
    if in_suite:
        collection = check("collection", "-m", "pytest", "-qq", "--collect-only")
        slow = [javascript_tests(npm_variables), collection]
    else:
        structure = check("structure", "-m", "pytest", "-q", "tests/unit/test_architecture.py")
        slow = [other_types(python, npm_variables), structure]
    return [
        *slow,
        Check("JavaScript", [*npm, "run", "--silent", "lint"], npm_variables),
        check("style", "-m", "ruff", "check", "."),
        check("format", "-m", "ruff", "format", "--check", "."),
        Check("templates", [*_djade(python), "--check", *templates()], variables),
        _django_check(python, "migrations", "-m", "django", *makemigrations),
        check("example's migrations", "example_project/manage.py", *makemigrations),
    ]


def javascript_tests(variables: dict[str, str], root: Path = ROOT) -> Check:
    """Return what ``npm test`` runs, in one process: most of each file's time is for loading."""
    load = "for (const file of process.argv.slice(1)) await import(file);"
    files = [str(path) for path in sorted((root / "tests" / "js").glob("*.test.mjs"))]
    command = [_node(variables), "--input-type=module", "--eval", load, *files]
    return Check("JavaScript tests", command, variables, shows="# pass")


def _node(variables: dict[str, str]) -> str:
    return shutil.which("node", path=variables.get("PATH")) or "node"


def _django_check(python: str, title: str, *arguments: str) -> Check:
    # The mypy plugin imports the settings of the tests, and those the example's app.
    variables = environment.clean_environ() | {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'example_project'}",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    return Check(title, [python, *arguments], variables)


def _djade(python: str) -> list[str]:
    # A program, not a module: it stands beside the interpreter.
    return [str(Path(python).with_name("djade")), "--target-version", OLDEST_DJANGO]


def lint(python: str, *, in_suite: bool = False) -> bool:
    """Run all checks, print one line for each and what the failed ones say; tell if all passed."""
    passed = True
    todo = [types(python)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = [pool.submit(todo[0].run)]
        todo += checks(python, *ensure_parts.ensure_node_modules(), in_suite=in_suite)
        running += [pool.submit(check.run) for check in todo[1:]]
        for check, done in zip(todo, running, strict=True):
            status, seconds, output = done.result()
            print(f"{check.title:<22}{'FAILED' if status else 'ok':<8}{seconds:5.1f} s", flush=True)
            passed = passed and not status
            for line in output.rstrip().splitlines():
                if status or (check.shows and line.startswith(check.shows)):
                    print(line, flush=True)
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
