"""The site that the pages speak of: a project with an app ``shop``, and its database."""

import os
import subprocess
import sys
from pathlib import Path

from tests.docs.playing import PATIENCE, ROOT

_SETTINGS = """
from pathlib import Path

SECRET_KEY = "only-for-the-examples"
USE_TZ = True
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
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "timeout": 20,
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CHANNEL_LAYERS = {"default": {"BACKEND": "liveops.layers.InMemoryChannelLayer"}}
LIVEOPS = {"RUNNER": "eager"}
ROOT_URLCONF = "urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""

_URLS = """
from django.urls import include, path

urlpatterns = [path("live/", include("liveops.urls"))]
"""

_MANAGE = """
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite")
execute_from_command_line(sys.argv)
"""

_SET_UP = """
import os

import django
from django.core.management import call_command

os.environ["DJANGO_SETTINGS_MODULE"] = "mysite"
django.setup()

from django.contrib.auth.models import User

call_command("check", fail_level="WARNING", verbosity=0)
call_command("makemigrations", "shop", verbosity=0)
call_command("migrate", verbosity=0)
User.objects.create_user("ada")
"""


def write(folder: Path, written: dict[str, str]) -> None:
    """Write the site into a folder, with the files of its pages."""
    files = {
        "mysite.py": _SETTINGS,
        "urls.py": _URLS,
        "manage.py": _MANAGE,
        "shop/__init__.py": "",
        **written,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip(), encoding="utf-8")


def build(folder: Path, written: dict[str, str]) -> None:
    """Write the site into a folder, with the files of its pages, and set up its database."""
    write(folder, written)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _SET_UP],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
