"""Configure Django for the test suite.

The test database is a file, so that threads share it; `tests/conftest.py` places it. A process
that a test starts with these settings is told its database by the variable `LIVEOPS_TEST_DB`.
The variable `LIVEOPS_TEST_DATABASE` puts the tests on another engine, see tests/databases.py.
"""

import os
import sys
from pathlib import Path
from typing import Any

from tests import databases

BASE_DIR = Path(__file__).resolve().parent
EXAMPLE = BASE_DIR.parent / "example_project"
if str(EXAMPLE) not in sys.path:
    sys.path.append(str(EXAMPLE))  # its app is tested and type-checked with these settings

DEBUG = False
SECRET_KEY = "only-for-the-test-suite"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "tests.urls"
LOGIN_URL = "/accounts/login/"
STATIC_URL = "/static/"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "liveops",
    "tests.testapp",
    "tests.engines",
    "airports",
    "sitecheck",
    "gallery",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

SQLITE: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": os.environ.get("LIVEOPS_TEST_DB", ":memory:"),
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "timeout": 20,
    },
    "TEST": {},
}
DATABASES = {"default": SQLITE}
if _address := os.environ.get(databases.VARIABLE):
    DATABASES["default"] = databases.from_address(_address)

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": os.environ.get("LIVEOPS_TEST_LAYER", "liveops.layers.InMemoryChannelLayer")
    }
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LIVEOPS: dict[str, Any] = {
    "RUNNER": os.environ.get("LIVEOPS_TEST_RUNNER", "eager"),
    "THROTTLE_HZ": float(os.environ.get("LIVEOPS_TEST_HZ", "10")),
}
