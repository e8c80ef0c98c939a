"""Run the rows of the matrix that this machine can run: ``make matrix``.

The table is in noxfile.py. A row whose Python or whose database is not here is told with what it
lacks and how to get it, and is no failure. ``make matrix ROWS="mariadb py313-django61"`` runs
some; of these, each has to run.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts import ensure_parts, environment, interpreters

OK, FAILED, LACKS = "ok", "FAILED", "lacks"
_SHOWN = ("django", "channels")


@dataclass(frozen=True, slots=True)
class Row:
    """What noxfile.py says of a row.

    Attributes:
        name: of the row.
        python: `major.minor`.
        text: the row in words.
        database: its kind.
        by_default: whether it runs if no row is named.
    """

    name: str
    python: str
    text: str
    database: str
    by_default: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a row went, in how many seconds, and on what or why not."""

    row: Row
    status: str
    seconds: float
    told: str


def read(listing: str) -> list[Row]:
    """Return the rows, from what ``nox --list --json`` prints."""
    sessions: list[dict[str, Any]] = json.loads(listing)
    return [
        Row(
            name=each["name"],
            python=each["description"].split(",")[0].removeprefix("Python "),
            text=each["description"],
            database=each["tags"][0],
            by_default="extra" not in each["tags"],
        )
        for each in sessions
    ]


def chosen(rows: list[Row], names: list[str]) -> list[Row]:
    """Return the rows of those names, or all that run by default.

    Raises:
        CommandError: there is no row of a name.
    """
    if unknown := sorted(set(names) - {row.name for row in rows}):
        known = " ".join(row.name for row in rows)
        raise environment.CommandError(f"No row is called {', '.join(unknown)}. There are: {known}")
    return [row for row in rows if (row.name in names if names else row.by_default)]


def lacks(row: Row) -> str:
    """Return what the machine lacks for a row and how to get it, or an empty string.

    A database server is brought through apt, as `make test` brings its own, where that may be.
    """
    if interpreters.find(row.python) is None:
        version = row.python
        return f"Python {version}: pyenv install {version}, or uv python install {version}"
    try:
        if row.database == "postgresql":
            ensure_parts.POSTGRES.ensure(ensure_parts.find_postgres)
        elif row.database == "mariadb":
            ensure_parts.MARIADB.ensure(_mariadb)
    except environment.CommandError as error:
        return f"{row.database}: {' '.join(str(error).splitlines()[1:])}"
    return ""


def _mariadb(variables: Any) -> str | None:
    found = ensure_parts.find_mariadb(variables)
    return found[0] if found else None


def run(row: Row, nox: Path) -> Outcome:
    """Run one row, its output going to the terminal."""
    print(f"\n=== {row.name}: {row.text}", flush=True)
    start = time.monotonic()
    if missing := lacks(row):
        print(f"Not run. It lacks {missing}", flush=True)
        return Outcome(row, LACKS, 0.0, missing)
    status = environment.run_loudly([nox, "--session", row.name], _variables())
    seconds = time.monotonic() - start
    return Outcome(row, FAILED if status else OK, seconds, versions(row))


def _variables() -> dict[str, str]:
    variables = environment.clean_environ()
    redis = ensure_parts.find_redis(os.environ)
    chromium = ensure_parts.find_chromium(os.environ)
    found = {"REDIS_SERVER": redis, "CHROMIUM": chromium}
    return variables | {name: path for name, path in found.items() if path}


def versions(row: Row) -> str:
    """Return what the environment of a row holds: the versions that were tested."""
    python = environment.TOOLS / "nox" / row.name / "bin" / "python"
    if not python.exists():
        return "its environment was not made"
    names = ", ".join(map(repr, _SHOWN))
    code = (
        "import platform; from importlib.metadata import version;"
        f"print('Python', platform.python_version(), *(n + ' ' + version(n) for n in ({names})))"
    )
    said, _ = environment.outputs([python, "-c", code])
    return said.strip() or "its packages were not installed"


def summary(outcomes: list[Outcome]) -> str:
    """Return the table that ends the output, and a line that counts."""
    wide = max((len(each.row.name) for each in outcomes), default=0)
    lines = []
    for each in outcomes:
        took = f"{each.seconds:6.0f} s" if each.seconds else " " * 8
        database = f"{each.row.database:<11}"
        lines.append(f"{each.row.name:<{wide}}  {each.status:<7}{took}  {database} {each.told}")
    counts = {
        status: sum(each.status == status for each in outcomes) for status in (OK, FAILED, LACKS)
    }
    lines.append(
        f"{counts[OK]} passed, {counts[FAILED]} failed, "
        f"{counts[LACKS]} could not run on this machine."
    )
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Run the rows; return 0 if all that could run passed, and each that was named ran."""
    parser = argparse.ArgumentParser(prog="make matrix")
    parser.add_argument("--rows", default="", help="names, with spaces between them")
    names = parser.parse_args(arguments).rows.split()
    try:
        environment.ensure_tool("install", "uv")  # finds Pythons, too
        nox = environment.ensure_tool("matrix", "nox")
        listing, complaint = environment.outputs([nox, "--list", "--json"])
        if not listing:
            raise environment.CommandError(complaint)
        outcomes = [run(row, nox) for row in chosen(read(listing), names)]
    except environment.CommandError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"\n{summary(outcomes)}")
    bad = {FAILED, LACKS} if names else {FAILED}
    return 1 if any(each.status in bad for each in outcomes) else 0
