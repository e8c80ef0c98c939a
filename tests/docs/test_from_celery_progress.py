"""How to install, and how to come from celery-progress: what these pages show runs in a site."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery

from tests.docs import site
from tests.docs.pages import all_files, block, blocks, files, named, sessions
from tests.docs.playing import PATIENCE, ROOT

INSTALL, PAGE = "how-to/install.md", "how-to/from-celery-progress.md"

_MORE_SETTINGS = """
DJANGO_S_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ALLOWED_HOSTS = ["testserver"]
STATIC_URL = "static/"
TEMPLATES[0]["OPTIONS"] = {
    "context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]
}
"""

_MORE_URLS = """
from shop.adding import adding

urlpatterns.append(path("adding/", adding))
"""

_TASKS = """
from celery import Celery

app = Celery("shop", set_as_current=False)
app.conf.task_always_eager = True


@app.task
def resize(name):
    return name
"""

_VISIT = """
import json
import os
import time

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "mysite"
django.setup()

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from liveops.models import LiveOperation
from shop.models import ResizeAll

time.sleep = lambda seconds: None
found = {"anonymous": Client().post("/adding/").status_code}
options = settings.DATABASES["default"]["OPTIONS"]
found["settings"] = [options["transaction_mode"], settings.LOGIN_URL]
ada = Client()
ada.force_login(User.objects.get(username="ada"))
asked = [
    ("asked", ada.get("/adding/")),
    ("adding", ada.post("/adding/")),
    ("not started", ada.get("/count-down/")),
    ("count-down", ada.post("/count-down/", follow=True)),
    ("form", ada.get("/countdown/")),
    ("started", ada.post("/countdown/", {"seconds": 3}, follow=True)),
]
for name, answer in asked:
    found[name] = [answer.status_code, answer.content.decode()]
ResizeAll.objects.create().enqueue()
found["results"] = [
    [op.operation_type, op.get_state(), op.result_context]
    for op in LiveOperation.objects.order_by("created_on")
]
print(json.dumps(found))
"""


def piece(words: str) -> str:
    """Return the one python block about installing that has these words."""
    (text,) = [each for each in blocks(INSTALL, "python") if words in each]
    return text


def settings() -> str:
    """Return what is to be added to the settings of a project that has Django's apps."""
    apps, count = re.subn(r"# … .*Django.*", "*DJANGO_S_APPS,", piece("INSTALLED_APPS = ["))
    assert count == 1
    return f"{apps}\n{piece('DATABASES[')}"


@pytest.fixture(scope="module")
def found() -> Iterator[dict[str, Any]]:
    """What a visitor finds in a site with the files of both pages."""
    written = all_files([INSTALL, PAGE]) | named(blocks(INSTALL, "django"))
    (adding,) = blocks(PAGE, "django")
    written |= {
        "mysite/__init__.py": f"{site._SETTINGS}{_MORE_SETTINGS}\n{settings()}",
        "mysite/asgi.py": piece("get_asgi_application"),
        "urls.py": written["urls.py"] + _MORE_URLS,
        "shop/tasks.py": _TASKS,
        "shop/templates/shop/adding.html": adding,
    }
    with tempfile.TemporaryDirectory(prefix="docs-") as path:
        place = Path(path, "site")
        place.mkdir()
        site.build(place, written)
        done = subprocess.run(
            [sys.executable, "-c", _VISIT],
            cwd=place,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout)


def test_the_view_that_took_the_place_of_the_old_one(found: dict[str, Any]) -> None:
    assert found["anonymous"] == 302
    assert found["asked"][0] == 405
    status, html = found["adding"]
    assert status == 200
    assert 'data-liveop-state="FINISHED_OK"' in html
    assert "liveops/liveops.js" in html


def test_the_pages_of_the_one_that_was_installed(found: dict[str, Any]) -> None:
    assert found["count-down"][0] == found["form"][0] == found["started"][0] == 200
    assert "csrfmiddlewaretoken" in found["not started"][1]
    assert "data-liveop" not in found["not started"][1]
    assert 'data-liveop-state="FINISHED_OK"' in found["count-down"][1]
    assert 'name="seconds"' in found["form"][1]
    assert 'data-liveop-state="FINISHED_OK"' in found["started"][1]


def test_the_project_has_what_the_page_adds(found: dict[str, Any]) -> None:
    """It is checked, where every warning fails, and migrated before anybody comes."""
    lines = [each.line.removeprefix("python manage.py ") for each in sessions(INSTALL)[-1]]
    assert lines[:3] == ["check", "makemigrations shop", "migrate"]
    assert found["settings"] == ["IMMEDIATE", "admin:login"]


def test_what_came_of_the_operations(found: dict[str, Any]) -> None:
    assert found["results"] == [
        ["shop.AddUp", "FINISHED_OK", {"total": 45}],
        ["shop.Countdown", "FINISHED_OK", {"counted": 5}],
        ["shop.Countdown", "FINISHED_OK", {"counted": 3}],
        ["shop.ResizeAll", "FINISHED_OK", None],
    ]


def test_code_that_stays_can_speak_to_p() -> None:
    parts: dict[str, Any] = {}
    exec(files(PAGE)["shop/recorder.py"], parts)  # noqa: S102  (the page's own code)
    calls: list[tuple[Any, ...]] = []

    class Listener:
        """Stands for `p`."""

        def __getattr__(self, name: str) -> Any:
            """Return a function that notes its call."""
            return lambda *values: calls.append((name, *values))

    recorder = parts["Recorder"](Listener())
    recorder.set_progress(1, 4, description="one")
    recorder.set_progress(1, 0)
    assert calls == [
        ("check_cancelled",),
        ("percent", 25.0),
        ("status", "one"),
        ("check_cancelled",),
        ("percent", 0),
    ]


def test_what_there_was_before_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[Any, ...]] = []

    class ProgressRecorder:
        """Stands for that of celery-progress."""

        def __init__(self, task: Any) -> None:
            """Take the task."""

        def set_progress(self, current: int, total: int, description: str = "") -> None:
            """Note the call."""
            told.append((current, total, description))

    recording = SimpleNamespace(ProgressRecorder=ProgressRecorder)
    monkeypatch.setitem(sys.modules, "celery_progress.backend", recording)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    before: dict[str, Any] = {"__name__": "before.tasks"}
    with Celery("before", set_as_current=False):
        exec(block(PAGE, "python # before: shop/tasks.py"), before)  # noqa: S102  (the page's own code)
        assert before["add_up"].run(3) == 3
    assert told == [(1, 3, "0 so far"), (2, 3, "1 so far"), (3, 3, "3 so far")]
    task = SimpleNamespace(delay=lambda seconds: SimpleNamespace(task_id=f"waits {seconds}"))
    monkeypatch.setitem(sys.modules, "shop.tasks", SimpleNamespace(add_up=task))
    monkeypatch.setattr("django.shortcuts.render", lambda *given: given)
    exec(block(PAGE, "python # before: shop/views.py"), before)  # noqa: S102  (the page's own code)
    assert before["adding"](None) == (None, "shop/adding.html", {"task_id": "waits 10"})
