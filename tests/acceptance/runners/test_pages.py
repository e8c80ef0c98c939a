"""The pages that tell how to use workers work by pasting: their files, their commands."""

import os
import re
import shlex
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.docs.pages import blocks, sessions
from tests.engines.journal import Journal
from tests.engines.process import Process, kill_all
from tests.engines.programs import run_python
from tests.engines.servers import Redis
from tests.engines.waiting import until

ROOT = Path(__file__).resolve().parents[3]
BASE = """
from pathlib import Path

SECRET_KEY = "only-for-the-examples"
USE_TZ = True
ROOT_URLCONF = "mysite.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "shop",
    "channels",
    "django_htmx",
    "liveops",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(__file__).with_name("db.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
"""
MANAGE = """
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
execute_from_command_line(sys.argv)
"""
URLS = """
from django.urls import include, path

urlpatterns = [path("live/", include("liveops.urls"))]
"""
TABLES = """
import django
from django.core.management import call_command

django.setup()
call_command("makemigrations", "shop", verbosity=0)
call_command("migrate", verbosity=0)
"""
SITE = "LIVEOPS_PAGE"
# The console block with the commands of each way, and which of the page's settings it goes with.
WAYS = {
    "celery": ("how-to/celery.md", 1, 0, "ready."),
    "tasks-db": ("how-to/django-tasks.md", 1, 0, "Starting worker"),
    "tasks-rq": ("how-to/django-tasks.md", 3, 1, "Listening on"),
}


class Project:
    """A project made from a page.

    Args:
        folder: where it is.
        page: a page below ``docs/``.
        number: which of the page's settings it has.
        redis: the server that stands for the one in the page.
    """

    def __init__(self, folder: Path, page: str, number: int, redis: Redis) -> None:
        self.folder = folder
        self.processes: list[Process] = []
        files: dict[str, list[str]] = {}
        for text in blocks(page, "python"):
            if named := re.match(r"# ([\w/]+\.py)\n", text):
                files.setdefault(named[1], []).append(text)
        own = files.pop("mysite/settings.py")[number].replace(":6379/", f":{redis.port}/")
        made = {
            "manage.py": MANAGE,
            "mysite/__init__.py": "",
            "mysite/urls.py": URLS,
            "shop/__init__.py": "",
            **{path: "\n\n".join(texts) for path, texts in files.items()},
            "mysite/settings.py": BASE + own,
        }
        for name, text in made.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.run(f"python -c {shlex.quote(TABLES)}", DJANGO_SETTINGS_MODULE="mysite.settings")

    def environment(self) -> dict[str, str]:
        """Return the variables of its commands."""
        clean = {
            name: text for name, text in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"
        }
        return {**clean, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", SITE: str(self.folder)}

    @property
    def states(self) -> list[str]:
        """The states of its operations, as they are stored."""
        with closing(sqlite3.connect(self.folder / "mysite/db.sqlite3")) as connection:
            rows = connection.execute("SELECT state FROM liveops_liveoperation")
            return [state for (state,) in rows]

    def run(self, line: str, **variables: str) -> str:
        """Run a command to its end; return what it printed."""
        environment = {**self.environment(), **variables}
        done = run_python(self._words(line)[1:], environment, self.folder, timeout=120)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, line: str, ready: str) -> Process:
        """Start a worker, and wait until it is at work."""
        journal = Journal(self.folder / "journal")
        log = self.folder / "worker.log"
        worker = Process(self._words(line), self.environment(), log, journal, self.processes)
        until(lambda: ready in worker.log, 60, lambda: worker.log)
        return worker

    def _words(self, line: str) -> list[str]:
        program, *words = shlex.split(line)
        known = {"python": [sys.executable], "celery": [sys.executable, "-m", "celery"]}
        return [*known[program], *words]

    def close(self) -> None:
        """End what was started."""
        kill_all(self.processes, SITE, str(self.folder))
        for process in self.processes:
            process.wait()


@pytest.fixture(params=list(WAYS))
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def project(way: str, tmp_path: Path, redis: Redis) -> Iterator[Project]:
    redis.heal()
    page, _, settings, _ = WAYS[way]
    project = Project(tmp_path, page, settings, redis)
    yield project
    project.close()


def test_a_page_works_by_pasting(way: str, project: Project) -> None:
    page, number, _, ready = WAYS[way]
    *before, worker, start = [command.line for command in sessions(page)[number]]
    for line in before:
        printed = project.run(line)
        assert "liveops." not in printed, "it goes together"
    running = project.start(worker, ready)
    project.run(start)
    until(lambda: project.states == ["FINISHED_OK"], 60, lambda: running.log)
