"""A site with nothing but the package: one operation in the terminal, one eagerly, and its page.

This is a program. It runs in the folder of the site, by the Python of an environment in which only
the wheel is installed, and prints what it found as JSON.
"""

import io
import json
import sys
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings

OPTIONAL = ("celery", "channels_redis", "daphne", "django_tasks", "pytest", "redis", "uvicorn")

MODELS = """
from liveops.models import LiveOperation


class Count(LiveOperation):
    stages = ["One", "Two"]

    def run(self, p):
        with p.stage("One"):
            p.log("counted one")
        with p.stage("Two"):
            p.result({"count": 2})
"""
URLS = """
from django.urls import include, path

urlpatterns = [path("live/", include("liveops.urls"))]
"""


def main() -> None:
    """Make the site, use it, and print what was seen."""
    folder = Path.cwd()
    sys.path.insert(0, str(folder))
    for name, text in {"shop/__init__.py": "", "shop/models.py": MODELS, "urls.py": URLS}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    configure(folder)
    from django.contrib.auth.models import User  # noqa: PLC0415  (only now are there settings)
    from django.core.management import call_command  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    import liveops  # noqa: PLC0415

    printed = io.StringIO()
    with redirect_stdout(printed):
        call_command("check", fail_level="WARNING")
        call_command("makemigrations", "shop", verbosity=0)
        call_command("makemigrations", "liveops", check=True, verbosity=0)
        call_command("migrate", verbosity=0)
        call_command("run_liveop", "shop.Count")
    user = User.objects.create_user("ada")
    count: type[Any] = apps.get_app_config("shop").get_model("Count")
    operation = count.objects.create(owner=user)
    operation.enqueue()
    operation.refresh_from_db()
    client = Client()
    client.force_login(user)
    page = client.get(operation.get_absolute_url())
    found = {
        "file": liveops.__file__,
        "printed": printed.getvalue(),
        "state": operation.get_state(),
        "result": operation.result_context,
        "status": page.status_code,
        "page": page.content.decode(),
        "optional": [name for name in OPTIONAL if find_spec(name)],
    }
    json.dump(found, sys.stdout)


def configure(folder: Path) -> None:
    """Set up Django as small as a site can be."""
    settings.configure(
        SECRET_KEY="only-for-the-smoke-test",
        USE_TZ=True,
        ALLOWED_HOSTS=["testserver"],
        ROOT_URLCONF="urls",
        LOGIN_URL="/login/",  # which is another site's
        STATIC_URL="static/",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            *("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"),
            *("shop", "channels", "django_htmx", "liveops"),
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": folder / "db.sqlite3",
                "OPTIONS": {"transaction_mode": "IMMEDIATE"},
            }
        },
        CHANNEL_LAYERS={"default": {"BACKEND": "liveops.layers.InMemoryChannelLayer"}},
        LIVEOPS={"RUNNER": "eager"},
        SILENCED_SYSTEM_CHECKS=["liveops.W009"],
    )
    django.setup()


if __name__ == "__main__":
    main()
