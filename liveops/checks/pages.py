"""Whether pages can be shown, followed and logged in to: what a project forgets at first."""

import sys
from typing import Any

from django.apps import apps
from django.conf import global_settings, settings
from django.core import checks
from django.core.checks import CheckMessage
from django.core.management import get_commands
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, resolve, reverse
from django.utils.translation import get_language

from liveops.redirects import has_pages

_AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
_PLAIN_RUNSERVERS = ("django.core", "django.contrib.staticfiles")


def page_messages() -> list[CheckMessage]:
    """Return what pages lack."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []  # this process serves no pages
    if not has_pages():
        return [*_htmx_messages(), _without_addresses()]
    return [*_htmx_messages(), *_login_messages(), *_runserver_messages()]


def _htmx_messages() -> list[CheckMessage]:
    if apps.is_installed("django_htmx"):
        return []
    return [
        checks.Warning(
            "django_htmx is not in INSTALLED_APPS, so pages cannot load htmx: they stay as they "
            "are until somebody reloads them.",
            hint="Write 'django_htmx' into INSTALLED_APPS, beside 'channels' and 'liveops'.",
            id="liveops.W013",
        )
    ]


def _without_addresses() -> CheckMessage:
    return checks.Warning(
        f"liveops.urls is not in the URLconf {settings.ROOT_URLCONF!r}, so no operation has a "
        f"page: get_absolute_url() and the tags of the templates fail.",
        hint="Write path('live/', include('liveops.urls')) into its urlpatterns, and not below a "
        "namespace of your own.",
        id="liveops.W014",
    )


def _login_messages() -> list[CheckMessage]:
    middleware = list(settings.MIDDLEWARE)
    if _AUTHENTICATION not in middleware or any("RemoteUser" in name for name in middleware):
        return []  # nobody logs in on a page
    problem = _login_problem(settings.LOGIN_URL)
    if not problem:
        return []
    return [
        checks.Warning(
            f"LOGIN_URL {problem}: whoever is not logged in and opens a page of operations gets an "
            f"error instead of a login.",
            hint="Write LOGIN_URL = 'admin:login' into the settings, which is a login for staff, "
            "or the name of your own login page.",
            id="liveops.W015",
        )
    ]


def _login_problem(address: Any) -> str:
    """Return what is wrong with an address of a login, or nothing: as Django goes there."""
    try:
        path = str(address)
        if not address or not {"/", "."} & set(path):
            reverse(path)
            return ""
    except NoReverseMatch:
        return "names no page of this project"
    if _is_served(path):
        return ""
    if path == global_settings.LOGIN_URL:
        return f"is {path!r} as long as it is not set, where this project has no page"
    # A path that somebody chose may be served by what stands in front of Django.
    return f"is {path!r}, where this project has no page" if settings.DEBUG else ""


def _is_served(address: str) -> bool:
    """Return whether a page answers at a path; an address elsewhere is believed to be right."""
    path, prefix = address.partition("?")[0].partition("#")[0], get_script_prefix()
    if path.startswith("//") or not path.startswith("/"):
        return True
    if not path.startswith(prefix):
        return False  # beside the place of this site
    path = f"/{path.removeprefix(prefix)}"
    paths = [path] if path.endswith("/") or not settings.APPEND_SLASH else [path, f"{path}/"]
    language = get_language() or settings.LANGUAGE_CODE  # LocaleMiddleware leads to it
    return any(_is_found(one) for each in paths for one in (each, f"/{language}{each}"))


def _is_found(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def _runserver_messages() -> list[CheckMessage]:
    """Return a warning if ``runserver`` is about to start a server that has no sockets.

    Which server a deployment starts cannot be seen from settings, and need not be what serves a
    developer: so nothing else is looked at than this command, and who brings it.
    """
    if sys.argv[1:2] != ["runserver"] or apps.is_installed("daphne"):
        return []
    if get_commands()["runserver"] not in _PLAIN_RUNSERVERS:
        return []
    return [
        checks.Warning(
            "runserver is Django's own here, which serves no WebSocket: pages are updated every 2 "
            "seconds instead of at once.",
            hint="pip install 'django-live-operations[daphne]', and write 'daphne' as the first of "
            "INSTALLED_APPS; or start the ASGI server that you deploy with.",
            id="liveops.W016",
        )
    ]
