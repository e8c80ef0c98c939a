"""The example project with operations that carry out a plan, in any language."""

from pathlib import Path

from example.settings import *  # noqa: F403
from example.settings import DATABASES
from example.settings import INSTALLED_APPS as EXAMPLE_APPS
from example.settings import LIVEOPS as EXAMPLE_LIVEOPS
from example.settings import MIDDLEWARE as EXAMPLE_MIDDLEWARE

INSTALLED_APPS = [*EXAMPLE_APPS, "tests.acceptance.live_ops"]
ROOT_URLCONF = "tests.acceptance.live_ops.urls"

# The browser says in which language it wants its pages.
LANGUAGES = [
    (code, code) for code in ("en", "ar", "de", "es", "fr", "he", "ja", "pl", "pt", "uk", "zh-hans")
]
_SESSIONS = EXAMPLE_MIDDLEWARE.index("django.contrib.sessions.middleware.SessionMiddleware") + 1
MIDDLEWARE = [
    *EXAMPLE_MIDDLEWARE[:_SESSIONS],
    "django.middleware.locale.LocaleMiddleware",
    *EXAMPLE_MIDDLEWARE[_SESSIONS:],
]

LIVEOPS = {**EXAMPLE_LIVEOPS, "RUNNER_THREADS": 12}
# Where the files are that let operations go on.
LIVE_OPS_FOLDER = str(Path(DATABASES["default"]["NAME"]).parent / "steps")
