"""What a page has to fetch, and what a process has to import, before anything happens.

The imports are those of ``django.setup()`` with ``liveops`` installed, beyond the same without it;
the admin is installed in both, and autodiscovers. Whatever of Django and Channels is needed is
imported beforehand in both. It is the processor's time, with all modules compiled, as they are once
a package is installed, and without the garbage collector: a collection of all that a process holds
takes as long as half of the imports, and falls into one of the two by chance.
"""

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from tests.benchmarks.measured import Measured

MOST_BYTES = 8_192
MOST_MILLISECONDS = 30.0
LATER = (
    *("celery", "channels_redis", "django_tasks", "opentelemetry", "prometheus_client"),
    *("reverse_argparse", "rich", "tenacity"),
)
"""Libraries that are to be imported only when they are first needed."""

_ROUNDS = 12
_THEIRS = ("asgiref", "channels", "django", "django_htmx")
_NOT_COMPILED = "PYTHONDONTWRITEBYTECODE"
_FOLDER = Path(__file__).resolve().parents[2]

_SITE = """
import gc, importlib, json, sys, time
gc.disable()
from django.conf import settings
installed, before = json.loads(sys.argv[1])
apps = ["admin", "auth", "contenttypes", "messages", "sessions", "staticfiles"]
database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
settings.configure(
    INSTALLED_APPS=[*(f"django.contrib.{app}" for app in apps), "channels", "django_htmx"]
    + installed,
    DATABASES={"default": database},
    USE_TZ=True,
)
import django
from django.core.exceptions import AppRegistryNotReady
for name in before:
    try:
        importlib.import_module(name)
    except AppRegistryNotReady:
        pass  # a module with models, which setup() imports in both
began = time.process_time()
django.setup()
print(json.dumps([time.process_time() - began, sorted(sys.modules)]))
"""


def measure() -> Iterator[Measured]:
    """Measure bytes, import times, and the libraries that are imported too early."""
    files = loaded_files()
    core = [path for path in files if path.stem == "liveops"]
    sheet = ("assets", "liveops.js and its style sheet, gzipped", zipped_bytes(core), "bytes")
    yield Measured(*sheet, "limit", MOST_BYTES, 1.0, is_count=True)
    everything = ("assets", "all files of a page, gzipped", zipped_bytes(files), "bytes")
    yield Measured(*everything, "liveops.js and its style sheet", zipped_bytes(core))
    spent, early = imports()
    yield Measured(
        *("assets", "imports of liveops", spent, "ms", "limit beyond Django"),
        *(MOST_MILLISECONDS, 1.0),
    )
    if early:
        print(f"Imported at the start: {', '.join(early)}.")
    yield Measured(
        *(
            "assets",
            "Django and what is not needed yet",
            1 + len(early),
            "",
            "Django alone",
            1,
            1.0,
        ),
        is_count=True,
    )


def loaded_files() -> list[Path]:
    """Return our own files that a live page loads, with the frame that comes with the package."""
    html = render_to_string("liveops/base.html")
    names = re.findall(r'"/static/(liveops/[\w.-]+)"', html)
    found = [finders.find(name) for name in names]
    assert all(found), names
    return [Path(str(path)) for path in found]


def zipped_bytes(files: Iterable[Path]) -> int:
    """Return how many bytes files are, each zipped by itself as a server sends it."""
    return sum(len(gzip.compress(path.read_bytes(), 9, mtime=0)) for path in files)


def imports() -> tuple[float, list[str]]:
    """Return the milliseconds of our imports, and the libraries that came with them too early."""
    _, names = start(["liveops"], [])
    early = sorted({name.partition(".")[0] for name in names} & set(LATER))
    theirs = [name for name in names if name.partition(".")[0] in _THEIRS]
    best: dict[bool, float] = {}
    for _ in range(_ROUNDS):
        for ours in (False, True):
            took, _ = start(["liveops"] if ours else [], theirs)
            best[ours] = min(took, best.get(ours, took))
    return max(best[True] - best[False], 0.01) * 1000, early


def start(apps: list[str], before: list[str]) -> tuple[float, list[str]]:
    """Set a site up in a fresh interpreter; return the seconds and the modules it has then.

    Args:
        apps: more apps of the site.
        before: modules that are imported before the clock starts.
    """
    kept = {name: value for name, value in os.environ.items() if name != _NOT_COMPILED}
    variables = {**kept, "PYTHONPATH": str(_FOLDER)}
    command = [sys.executable, "-c", _SITE, json.dumps([apps, before])]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    answer: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return answer[0], answer[1]
