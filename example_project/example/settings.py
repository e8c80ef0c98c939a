"""Configure the example project: SQLite, an in-memory layer and threads; no other service.

Environment variables: `DEBUG` (default 1), `SECRET_KEY` and `ALLOWED_HOSTS` (comma-separated; both
needed when DEBUG is off), `EXAMPLE_DB` (path of the database), `EXAMPLE_MEDIA` (uploads),
`SITE_ADDRESS` (where operations reach this site, should that not be where browsers do).
"""

import os
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def _needed(name: str, default: str) -> str:
    """Return an environment variable; its default is good enough for DEBUG only."""
    value = os.environ.get(name) or (default if DEBUG else "")
    if not value:
        raise ImproperlyConfigured(f"Without DEBUG, set the environment variable {name}.")
    return value


DEBUG = os.environ.get("DEBUG", "1").strip().lower() in {"1", "true", "yes", "on"}
SECRET_KEY = _needed("SECRET_KEY", "for-the-demo-only-never-for-a-real-site")
ALLOWED_HOSTS = _needed("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")

INSTALLED_APPS = [
    "daphne",  # before staticfiles: its runserver speaks WebSocket
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_htmx",
    "liveops",
    "airports",
    "sitecheck",
    "gallery",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "example.urls"
ASGI_APPLICATION = "example.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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

# With WAL, readers do not wait for a writer; IMMEDIATE makes writers queue (up to the timeout, in
# seconds) instead of failing when two of them meet.
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("EXAMPLE_DB") or BASE_DIR / "db.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "timeout": 20,
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS = {"default": {"BACKEND": "liveops.layers.InMemoryChannelLayer"}}

LIVEOPS: dict[str, Any] = {
    "RUNNER": "thread",
    "BASE_TEMPLATE": "site_base.html",
}

# Nothing inline and nothing from elsewhere: the live page needs no exception from this.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static"
MEDIA_ROOT = os.environ.get("EXAMPLE_MEDIA") or BASE_DIR / "media"

SITE_ADDRESS = os.environ.get("SITE_ADDRESS", "")

# Uploads above this many bytes are written to disk as they arrive; files have no limit here (the
# form has one), as DATA_UPLOAD_MAX_MEMORY_SIZE only counts a form's other fields.
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
