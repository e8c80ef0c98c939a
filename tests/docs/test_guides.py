"""What the shorter guides show, in one site: each of their operations, in a process of its own."""

import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tests.docs import site
from tests.docs.pages import all_files, block, blocks, named
from tests.docs.playing import PATIENCE, ROOT

ADMIN, CHAINING = "how-to/admin.md", "how-to/chaining.md"
REAPING, SECRETS = "how-to/reaping.md", "how-to/secrets.md"
PERMISSIONS, OWN_PAGES = "how-to/permissions.md", "how-to/own-pages.md"
SHUTDOWN, TRANSLATING = "how-to/shutdown.md", "how-to/translating.md"

_SETTINGS = """
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.messages",
    "django.contrib.sessions",
    "staff",
    *INSTALLED_APPS,
]
MIDDLEWARE += [
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES[0]["OPTIONS"] = {
    "context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]
}
LIVEOPS |= {"RUNNER": "eager"}
ALLOWED_HOSTS = ["testserver"]
ASGI_APPLICATION = "asgi.application"
LOCALE_PATHS = [Path(__file__).with_name("locale")]
LOGIN_URL = "admin:login"
MIGRATION_MODULES = {name.rpartition(".")[2]: None for name in INSTALLED_APPS}  # tables at once
SHOP_KEY = "k-0815-4711"
SILENCED_SYSTEM_CHECKS = ["liveops.E004"]  # the class with a rule of its own has nothing to do
STATIC_URL = "static/"
"""
_URLS = """
from django.contrib import admin

urlpatterns.append(path("admin/", admin.site.urls))
"""
_AIRPORTS = """
from django.db import models
from liveops.models import LiveOperation


class ImportAirports(LiveOperation):
    source = models.CharField(max_length=100)
    api_key = models.CharField(max_length=100)

    def run(self, p):
        p.log(self.source)
"""
_STAFF = """
from django.db import models


class Department(models.Model):
    members = models.ManyToManyField("auth.User")
"""
_UPLOAD = """#!/bin/sh
echo "sent $3, key $2"
"""


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Any]]:
    """What came of everything that `visiting.py` does in a site with the files of the guides."""
    files = all_files([ADMIN, CHAINING, OWN_PAGES, REAPING, SECRETS, SHUTDOWN, TRANSLATING])
    (rule,) = [text for text in blocks(PERMISSIONS, "python") if "def visible_to" in text]
    (shown,) = [text for text in blocks(PERMISSIONS, "html") if "{% live_operation" in text]
    (link,) = [text for text in blocks(PERMISSIONS, "python") if ".share_url(" in text]
    templates = named(blocks(OWN_PAGES, "django"))
    written = {
        **{path: text for path, text in templates.items() if "price_list" in path},
        "mysite.py": f"{site._SETTINGS}\n{files['settings.py']}\n{_SETTINGS}",
        "urls.py": site._URLS + _URLS,
        "asgi.py": block(SHUTDOWN, "python # mysite/asgi.py"),
        "shop/models.py": f"{_AIRPORTS}\n\n{files['shop/models.py']}\n\n{rule}",
        "staff/__init__.py": "",
        "staff/models.py": _STAFF,
        "shop/templates/shown.html": shown,
        "shop/sharing.py": link,
        "shop/admin.py": files["shop/admin.py"],
        "french.py": block(TRANSLATING, "python from shop.models import Publish"),
    }
    with tempfile.TemporaryDirectory(prefix="docs-") as path:
        place = Path(path, "site")
        put_into(place)
        site.write(place, written)
        done = subprocess.run(
            [sys.executable, "-W", "error", str(Path(__file__).with_name("visiting.py"))],
            cwd=place,
            env={"PYTHONPATH": str(ROOT), "PATH": f"{place}:/usr/bin:/bin"},
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout)


def put_into(place: Path) -> None:
    """Put the program of the guide about secrets into a site, and the words of its project."""
    catalogue = place / "locale/de/LC_MESSAGES/django.mo"
    catalogue.parent.mkdir(parents=True)
    text = block(TRANSLATING, "text # locale/de/LC_MESSAGES/django.po")
    with catalogue.open("wb") as file:
        write_mo(file, read_po(io.StringIO(text), locale="de"))
    program = place / "upload"
    program.write_text(_UPLOAD, encoding="utf-8")
    program.chmod(0o755)


def test_a_chain_goes_on(told: dict[str, Any]) -> None:
    first, kind, is_of_the_same, second = told["chain"]
    assert (first["state"], first["result"]) == ("FINISHED_OK", {"rows": 2})
    assert (kind, is_of_the_same) == ("Export", True)
    assert second["log"] == ["exported apples", "exported pears"]


def test_an_operation_leaves_off_and_goes_on_there(told: dict[str, Any]) -> None:
    before, after = told["leaving_off"]
    assert (before["state"], before["result"]) == ("INTERRUPTED", None)
    assert (after["state"], after["result"]) == ("FINISHED_OK", {"sent": 10_000})


def test_an_operation_that_goes_on_by_itself(told: dict[str, Any]) -> None:
    whole, *times = told["going_on"]
    assert whole["log"] == ["saved 3", "saved 5", "saved 8"]
    assert whole["stages"] == {"Load": "done", "Save": "done"}
    assert times == [3, 3]


def test_a_secret_is_in_no_log(told: dict[str, Any]) -> None:
    operation, printed = told["secret"]
    shown = block(SECRETS, "text $ upload").splitlines()
    assert operation["log"] == shown
    assert "\n".join(shown) in printed
    assert "4711" not in printed


def test_words_and_languages(told: dict[str, Any]) -> None:
    ship, words, page, operation = told["translated"]
    assert ship["log"] == ["2 parcels sent"]
    assert words[0] == "Noch einmal"
    assert (page, operation) == ("de", "fr")


def test_the_admin_shows_a_class_as_it_is_told(told: dict[str, Any]) -> None:
    rows, record, kinds = told["in_the_admin"]
    assert "all.csv" in rows
    assert "column-op_duration" in rows
    assert "all.csv" in record
    assert "k-4711" not in rows + record
    assert "ImportAirports" in kinds
    assert "LiveOperation" not in kinds


def test_the_socket_asks_where_a_page_is_from(told: dict[str, Any]) -> None:
    assert told["sockets"] == [True, False, "lifespan.startup.complete"]


def test_a_rule_of_its_own_holds_for_pages_and_lists(told: dict[str, Any]) -> None:
    member, other = told["by_a_rule"]
    assert member == [200, True]
    assert other == [404, False]


def test_a_page_leads_on_or_stays_with_its_parts_and_a_link(told: dict[str, Any]) -> None:
    (stays, leads), page, link = told["leading_on"]
    assert (stays, leads) == (None, "/prices/")
    assert "<tr><td>Pears</td><td>3</td></tr></table>" in page
    assert '<img src="/static/shop/chart.png" alt="Prices">' in page
    assert '<a href="/prices/">Look at them</a>' in page
    assert link == "/prices/"


def test_somebody_without_an_account_watches(told: dict[str, Any]) -> None:
    container, page = told["by_a_link"]
    assert "data-liveop-token=" in container
    assert "all.csv" in page
