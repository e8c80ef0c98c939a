"""`make bench`: print what calls cost as ratios, and write them to benchmark.json."""

import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path


def main() -> int:
    """Measure inside an operation on a database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LIVEOPS_TEST_DB"] = str(Path(folder) / "benchmark.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        import django  # noqa: PLC0415  (only now are its settings known)

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        report()
    return 0


def report() -> None:
    """Print the table and write the file."""
    from liveops.progress.pumps import threaded_pump  # noqa: PLC0415  (needs Django)
    from tests.benchmarks.operations import inside  # noqa: PLC0415
    from tests.benchmarks.ratios import Ratio, measure  # noqa: PLC0415

    ratios: list[Ratio] = []
    inside(lambda p, _: ratios.extend(measure(p)), threaded_pump())
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; best of several rounds.")
    print(f"{'what':24}{'ns':>8}  {'against':18}{'ns':>8}{'ratio':>8}{'goal':>7}")
    for r in ratios:
        goal = "" if r.goal is None else f"{r.goal:.2f}"
        print(
            f"{r.name:24}{r.nanoseconds:8.0f}  {r.against:18}{r.base:8.0f}{r.ratio:8.2f}{goal:>7}"
        )
    path = Path("benchmark.json")
    rows = [{**asdict(r), "ratio": r.ratio} for r in ratios]
    path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    print(f"Written to {path}.")


if __name__ == "__main__":
    sys.exit(main())
