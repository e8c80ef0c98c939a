"""A project into whose apps operations are written: a program, run with Django loaded once.

It makes the project in the folder in which it runs, has ``liveops_startop`` write an operation of
each kind, and prints what that said. Told ``test`` it migrates, tests and runs what was written.
"""

import io
import json
import os
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

QUOTED = "from django.db import models\r\n\r\nKIND = 'shop'\r\nOTHER = 'other'\r\n"
URLS = """from django.urls import include, path

urlpatterns = [path("live/", include("liveops.urls"))]
"""
FILES = {
    "plain/models.py": "from django.db import models\n\n# Create your models here.\n",
    "plain/tests.py": "from django.test import TestCase\n\n# Create your tests here.\n",
    "packed/models/__init__.py": 'from .box import Box\n\n__all__ = ["Box"]\n',
    "packed/models/box.py": "from django.db.models import Model\n\n\nclass Box(Model):\n    pass\n",
    "packed/tests/__init__.py": "",
    "quoted/models.py": QUOTED,
    "bare/apps.py": "",
    "urls.py": URLS,
}
APPS = ("plain", "packed", "quoted", "bare")

CALLS = {
    "defaults": ("plain", "Inventory"),
    "a second one": ("plain", "Delivery", "--stages", "Load", "Save", 'Say "so"', "--methods"),
    "blocks": ("packed", "CountBoxes", "--blocks", "--stages", "Größe", "Write"),
    "async": ("quoted", "Inventory", "--async", "--stages", "Fetch", "Class"),
    "async blocks": ("bare", "Fetch", "--blocks", "--async", "--stages", "It's", "Done"),
}


def make() -> None:
    """Write the project."""
    for app in APPS:
        Path(app).mkdir()
        Path(app, "__init__.py").touch()
    for name, text in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(text.encode())


def set_up() -> None:
    """Set up Django for the project."""
    sys.path.insert(0, str(Path.cwd()))
    settings.configure(
        SECRET_KEY="only-for-the-tests",
        ROOT_URLCONF="urls",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            *("django.contrib.auth", "django.contrib.contenttypes"),
            *APPS,
            *("channels", "django_htmx", "liveops"),
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": Path("db.sqlite3").resolve(),
                "OPTIONS": {"transaction_mode": "IMMEDIATE"},
            }
        },
        CHANNEL_LAYERS={"default": {"BACKEND": "liveops.layers.InMemoryChannelLayer"}},
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ],
        SILENCED_SYSTEM_CHECKS=["liveops.W009"],
    )
    django.setup()


def call(*arguments: str) -> str:
    """Run a management command; return what it printed."""
    printed = io.StringIO()
    call_command(*arguments, stdout=printed, stderr=printed)
    return printed.getvalue()


def use() -> dict[str, Any]:
    """Check, migrate, test and run what was written."""
    set_up()
    call("check", "--fail-level", "WARNING")
    call("makemigrations", *APPS)
    call("migrate")
    run = call("run_liveop", "plain.Inventory")  # first: tests leave their database in memory open
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            call("test", "--verbosity", "2", *APPS)
    except SystemExit as failed:
        return {"tests": said.getvalue(), "status": failed.code, "run": run}
    return {"tests": said.getvalue(), "status": 0, "run": run}


def main() -> None:
    """Do what is asked for, and print it as JSON."""
    # What commands print by themselves goes with the errors.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(2, 1)
        json.dump(use() if sys.argv[1:] == ["test"] else write(), output)


def write() -> dict[str, list[str]]:
    """Make the project and have everything written; return what was said, with and without it."""
    make()
    set_up()
    said = {}
    for name, arguments in CALLS.items():
        shown = call("liveops_startop", *arguments, "--dry-run")
        said[name] = [shown, call("liveops_startop", *arguments)]
    return said


if __name__ == "__main__":
    main()
