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

from tests.benchmarks.measured import Measured, better, from_json, keep, table, to_json, worse

GROUPS = (
    *("calls", "stages", "logs", "many", "pages", "fanout", "connecting", "growth", "assets"),
    "browser",
)
"""The modules of this package that measure: each has a function ``measure()``."""

COMMITTED = Path(__file__).with_name("committed.json")
WRITTEN = Path("benchmark.json")


def main(arguments: list[str]) -> int:
    """Measure; return 1 if a ratio has grown by more than a fifth, in two measurements."""
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
    if not options.commit:
        figures = _look_again(figures, before)
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} processors.")
    print(table(figures, before))
    _write(WRITTEN, figures)
    print(f"Written to {WRITTEN}.")
    if options.commit:
        committed, measured = _read(COMMITTED), {figure.key for figure in figures}
        others = [figure for figure in committed if figure.key not in measured]
        both = [*others, *keep(figures, committed)]
        _write(COMMITTED, sorted(both, key=lambda figure: GROUPS.index(figure.group)))
        print(f"Kept in {COMMITTED.relative_to(Path.cwd())}.")
        return 0
    if not before:
        print("There are no earlier ratios to compare with: keep these with --commit.")
        return 0
    told = worse(figures, before)
    print("\n".join(told.values()) or "Nothing is slower than it was.")
    return 1 if told else 0


def _look_again(figures: list[Measured], before: list[Measured]) -> list[Measured]:
    """Measure once more what seems slower than before: it may have been the machine."""
    groups = {figure.group for figure in worse(figures, before) if not figure.is_count}
    for group in sorted(groups, key=GROUPS.index):
        print(f"{group} seems slower than it was.")
        figures = better(figures, _measure(group))
    return figures


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
