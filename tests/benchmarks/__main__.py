"""`make bench`: print what things cost as ratios, and write them to benchmark.json.

Each group is measured in a process of its own, one after the other.
"""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measured import Measured, from_json, table, to_json, worse

GROUPS = (
    *("calls", "stages", "logs", "many", "pages", "fanout", "connecting", "growth", "assets"),
    "browser",
)
"""The modules of this package that measure: each has a function ``measure()``."""

COMMITTED = Path(__file__).with_name("committed.json")
WRITTEN = Path("benchmark.json")


def main(arguments: list[str]) -> int:
    """Measure; return 1 if a ratio has grown by more than a fifth."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("groups", nargs="*", default=[], help=f"some of {', '.join(GROUPS)}")
    parser.add_argument("--base", default="", help="an earlier benchmark.json, to compare with")
    parser.add_argument(
        "--commit", action="store_true", help="keep these ratios as the ones to hold"
    )
    parser.add_argument("--into", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    unknown = set(options.groups) - set(GROUPS)
    if unknown:
        parser.error(
            f"there is no group {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}"
        )
    if options.into:
        (group,) = options.groups
        Path(options.into).write_text(json.dumps(to_json(_measure_here(group))), encoding="utf-8")
        return 0
    if options.base and not Path(options.base).is_file():
        parser.error(f"there is no file {options.base}; give one that an earlier run has written")
    before = _read(Path(options.base) if options.base else COMMITTED)
    figures = [figure for group in options.groups or GROUPS for figure in _measure(group)]
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} processors.")
    print(table(figures, before))
    _write(WRITTEN, figures)
    print(f"Written to {WRITTEN}.")
    if options.commit:
        measured = {figure.key for figure in figures}
        kept = [figure for figure in _read(COMMITTED) if figure.key not in measured]
        _write(COMMITTED, sorted([*kept, *figures], key=lambda f: GROUPS.index(f.group)))
        print(f"Kept in {COMMITTED.relative_to(Path.cwd())}.")
        return 0
    if not before:
        print("There are no earlier ratios to compare with: keep these with --commit.")
        return 0
    told = worse(figures, before)
    print("\n".join(told) or "Nothing is slower than it was.")
    return 1 if told else 0


def _read(path: Path) -> list[Measured]:
    return from_json(json.loads(path.read_text("utf-8"))) if path.exists() else []


def _write(path: Path, figures: list[Measured]) -> None:
    path.write_text(json.dumps(to_json(figures), indent=1) + "\n", encoding="utf-8")


def _measure(group: str) -> list[Measured]:
    print(f"Measuring {group} ...", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        variables = {
            **os.environ,
            "LIVEOPS_TEST_DB": str(Path(folder, "benchmark.sqlite3")),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        }
        command = [sys.executable, "-m", "tests.benchmarks", group, "--into", str(answer)]
        subprocess.run(command, env=variables, check=True)
        return _read(answer)


def _measure_here(group: str) -> list[Measured]:
    import django  # noqa: PLC0415  (only here are its settings known)

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    return list(importlib.import_module(f"tests.benchmarks.{group}").measure())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
